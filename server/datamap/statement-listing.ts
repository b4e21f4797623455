import type { Act, CompiledMap, Plan, Statement } from './compile.ts'

/**
 * Every statement that an erasure runs, as SQL for people to read: what it does as a comment, then the statement.
 * Checked in, so that the diff of a change to the map shows what becomes of the data.
 */
export function statementListing(compiled: CompiledMap): string {
  const { version, lockPeople, readPeople, plans } = compiled
  const parts = [
    [
      '-- The statements of an erasure, compiled from the data map. Written by "npm run generate"; do not edit.',
      `-- Map version ${version}. The order is the order of the erasure, in one transaction.`,
      '-- $1 is the tenant, $2 the ids of the people.',
    ].join('\n'),
    block('Locks the people and reads their identifiers.', lockPeople),
    block('Reads the identifiers for a preview, without a lock.', readPeople),
    ...planBlocks('PURGE', plans.purge),
    ...planBlocks('ANONYMIZE', plans.anonymize),
  ]
  return `${parts.join('\n\n')}\n`
}

function planBlocks(title: string, { locate, acts, lookUpMentions }: Plan): string[] {
  return [
    `-- ${title}`,
    block(
      'Counts what there is to do about the people: to preview, to tell which of the acts below are needed, and to verify. $3: everybody who is dealt with by then.',
      locate,
    ),
    ...acts.flatMap(actBlocks),
    block(
      'Finds mentions of the people in rows that stay. $3: identifiers as they stand in lists of addresses; $4: patterns for texts and JSON.',
      lookUpMentions,
    ),
  ]
}

function actBlocks({ table, effect, statements }: Act): string[] {
  return statements.map((statement, index) => {
    const step = statements.length > 1 ? ` (${index + 1} of ${statements.length})` : ''
    const successor = statement.onlyWithSuccessor
      ? ' Only where there is a successor, $3.'
      : statement.needsSuccessor
        ? ' $3: the successor, or null.'
        : ''
    return block(`${table}: ${effect}${step}.${successor}`, statement)
  })
}

function block(comment: string, { text }: Statement): string {
  return `-- ${comment}\n${text};`
}
