import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestTenant, type TestTenant } from '../../../test/people.ts'
import { findOtherHolders } from './holders.ts'

let test: TestTenant
beforeAll(async () => {
  test = await createTestTenant()
})
afterAll(() => test.close())

const others = async (values: string[], exceptIds: string[]) =>
  [...(await test.run((tx) => findOtherHolders(tx, values, exceptIds)))].sort()

describe('identifiers that somebody else holds as well', () => {
  it('are found in every identifier column, in any case', async () => {
    const id = 'd0000000-0000-4000-8000-00000000abcd'
    const user = await test.user({
      login_name: 'x|Login@Example.org',
      email: 'Mail@Example.org',
      ref: 'REF-É',
      external_identity_id: 'IdP|1',
      directory_object_id: id,
    })
    const values = ['login@example.org', 'mail@example.org', 'ref-é', 'idp|1', id]
    expect(await others([...values, 'nobody@example.org', ...values], [])).toEqual([...values].sort())
    expect(await others(values, [user.id])).toEqual([])
  })

  it('count across columns, but not when only the excepted or anonymized people hold them', async () => {
    const one = await test.user({ login_name: 'shared@example.org', email: 'shared@example.org', ref: 'one' })
    const two = await test.user({ ref: 'Shared@example.org' })
    expect(await others(['shared@example.org', 'one'], [one.id])).toEqual(['shared@example.org'])
    expect(await others(['shared@example.org', 'one'], [one.id, two.id])).toEqual([])
    await test.owner.query(`update users set state = 'anonymized', anonymized_at = now() where id = $1`, [two.id])
    expect(await others(['shared@example.org'], [one.id])).toEqual([])
  })

  it('are looked up through an index of each column, as the role that the application has', async () => {
    await test.owner.query(
      `insert into users (tenant_id, login_name, email, ref, external_identity_id, directory_object_id)
       select $1, 'l' || n, 'm' || n, 'r' || n, 'e' || n, gen_random_uuid() from generate_series(1, 20000) n`,
      [test.tenantId],
    )
    await test.owner.query('analyze users')
    const plan = await test.run(async (tx) => {
      let text = ''
      const explaining: typeof tx = {
        ...tx,
        query: async (sql, values) => {
          const role = await tx.query<{ role: string }>('select current_user as role')
          expect(role.rows).toEqual([{ role: 'lethe_app' }])
          const { rows } = await tx.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, values)
          text = rows.map((row) => row['QUERY PLAN']).join('\n')
          return { rows: [], rowCount: 0 }
        },
      }
      await findOtherHolders(explaining, ['l1', 'd0000000-0000-4000-8000-00000000abcd'], [])
      return text
    })
    expect(plan).not.toMatch(/Seq Scan on users/)
    for (const index of [
      'users_login_key',
      'users_email_key',
      'users_ref_key',
      'users_external_identity_key',
      'users_directory_object_id',
    ]) {
      expect(plan).toMatch(new RegExp(`Index Scan (using|on) ${index}\\b`))
    }
    const column = (letter: string) => Array.from({ length: 5000 }, (_, n) => `${letter}${n + 1}`)
    expect(await others([...column('l'), ...column('m'), ...column('r'), ...column('e')], [])).toHaveLength(20_000)
  })
})
