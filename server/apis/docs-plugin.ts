/** What of Swagger UI's system the plugin touches. */
type Props = { id?: string; autoFocus?: boolean }
type Data = { get(name: string): string; set(name: string, value: string): Data; has(name: string): boolean }
type Auth = { name: string; schema: Data }
type Answer = { status?: number; text?: string }
type System = {
  React: { createElement(type: unknown, props: object, ...children: unknown[]): unknown; Fragment: unknown }
  authActions: { authorize(authorized: object): void; logout(names: string[]): void }
  errActions: { newAuthErr(error: { authId: string; source: string; level: string; message: string }): void }
  specSelectors: { specJson(): { getIn(path: string[]): unknown } }
}
type List = { filter(keep: (definition: Data) => boolean): List }

/**
 * A plugin of Swagger UI, so that every credential works on the page. The dialog asks for the tenant of a token. After
 * a sign-in with an operation of the page, the plugin fills in the CSRF token until the sign-out.
 *
 * The browser gets the text of this function: it can use nothing from outside of it.
 */
export function docsPlugin(system: System): object {
  const h = system.React.createElement
  const page = globalThis as unknown as {
    document: { createElement(name: string): object; head: { append(element: object): void } }
  }
  const viewport = page.document.createElement('meta')
  page.document.head.append(
    Object.assign(viewport, { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
  )
  let tenant = ''
  const sessions = ['/api/v1/session', '/api/v1/operator-session']
  return {
    wrapComponents: {
      // Every field of the dialog would take the focus, and the last one has it then, out of sight.
      Input: (Original: unknown) => (props: Props) =>
        h(Original, { ...props, ...(props.autoFocus && { autoFocus: props.id === 'auth-basic-username' }) }),
      InitializedInput: (Original: unknown) => (props: Props) =>
        props.id === 'client_secret_clientCredentials'
          ? h(
              system.React.Fragment,
              {},
              h(Original, props),
              h('label', { htmlFor: 'token_tenant' }, 'tenant id:'),
              h('input', {
                id: 'token_tenant',
                type: 'text',
                defaultValue: tenant,
                onChange: (event: { target: { value: string } }) => {
                  tenant = event.target.value.trim()
                },
              }),
            )
          : h(Original, props),
    },
    statePlugins: {
      auth: {
        wrapSelectors: {
          // No page can set this cookie: the sign-in does, and the browser sends it.
          definitionsToAuthorize:
            (original: (...args: unknown[]) => List) =>
            (...args: unknown[]) =>
              original(...args).filter((definition) => !definition.has('session')),
        },
        wrapActions: {
          authorizeApplication: (original: (auth: Auth) => unknown) => (auth: Auth) => {
            if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(tenant)) {
              const message =
                'The tenant id is missing or is not a UUID. Enter the id of the tenant that the client belongs to.'
              return system.errActions.newAuthErr({ authId: auth.name, source: 'auth', level: 'error', message })
            }
            const url = auth.schema.get('tokenUrl').replace('{tenantId}', tenant)
            return original({ ...auth, schema: auth.schema.set('tokenUrl', url) })
          },
        },
      },
      spec: {
        wrapActions: {
          setResponse:
            (original: (...args: unknown[]) => unknown) => (path: string, method: string, answer: Answer) => {
              if (sessions.includes(path) && method === 'post' && answer.status === 201) {
                const { csrf_token: value } = JSON.parse(answer.text ?? '')
                const schema = system.specSelectors.specJson().getIn(['components', 'securitySchemes', 'csrf'])
                system.authActions.authorize({ csrf: { name: 'csrf', value, schema } })
              }
              if (path === '/api/v1/session' && method === 'delete' && answer.status === 204) {
                system.authActions.logout(['csrf'])
              }
              return original(path, method, answer)
            },
        },
      },
    },
  }
}

/** What the field for the tenant needs. */
export const docsPluginStyle = `
#token_tenant, label[for='token_tenant'] { display: block }
`
