import type { Api } from '../../http/api.ts'
import { readForms } from '../../http/body/read-form.ts'
import { addAcknowledgePage } from './acknowledge-page.ts'
import { addConfirmPage } from './confirm-page.ts'

/** Pages that links lead to. They work without scripts and without a sign-in. */
export const pagesApi: Api = {
  title: 'Lethe',
  prefixes: ['/confirm', '/acknowledge'],
  plugin(server) {
    // A browser sends the form of the page so.
    readForms(server)
    addConfirmPage(server)
    addAcknowledgePage(server)
  },
}
