import { type AddressFinding, cleanAddresses, countAddresses } from './clean-addresses.ts'
import { migrate } from './platform/database/migrate.ts'

/** What a migration did, and what it found where it cleaned what was stored. */
export type MigratedDatabase = { applied: string[]; addresses: AddressFinding[] }

/**
 * Brings the database up to this version, as {@link migrate} does, along with the steps that need the code of the
 * rooms; each is in the transaction of its migration. Tells what it cleaned, in numbers.
 */
export async function migrateDatabase(options: Parameters<typeof migrate>[0]): Promise<MigratedDatabase> {
  const addresses: AddressFinding[] = []
  const { applied } = await migrate({
    ...options,
    steps: {
      '0025_clean_addresses.sql': async (owner) => {
        addresses.push(...(await cleanAddresses(owner)))
      },
    },
  })
  for (const sentence of sentencesOn(addresses)) options.onProgress?.(sentence)
  return { applied, addresses }
}

function sentencesOn(addresses: readonly AddressFinding[]): string[] {
  return countAddresses(addresses).flatMap(({ table, column, cleaned, left }) => [
    ...(cleaned > 0 ? [`Cleaned what came along with addresses in ${table}.${column}: ${cleaned}.`] : []),
    ...(left > 0
      ? [`Left as it is in ${table}.${column}: ${left}, because another person has it or it is no address.`]
      : []),
  ])
}
