import { migrate } from '../server/platform/database/migrate.ts'
import { refuseUnrecordedActs } from './audited-acts.ts'
import { templateName } from './database.ts'
import { useTestServer } from './server.ts'

/** One server for the whole run, with a migrated template that every test file clones. */
export default async function setup() {
  // Each project of the run asks; the first starts it.
  if (process.env.LETHE_TEST_OWNER_URL !== undefined) return
  const server = await useTestServer()
  process.env.LETHE_TEST_OWNER_URL = server.ownerUrlOf('postgres')
  process.env.LETHE_TEST_APP_URL = server.appUrlOf('postgres')
  await server.dropDatabase(templateName)
  await migrate({ ownerUrl: server.ownerUrlOf(templateName), appUrl: server.appUrlOf(templateName) })
  await refuseUnrecordedActs(server.ownerUrlOf(templateName))
  return async () => {
    await server.dropDatabase(templateName)
    await server.release()
  }
}
