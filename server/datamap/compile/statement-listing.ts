import type { Act, CompiledMap, EnrollmentPart, LifecyclePlan, Plan, Statement, TableStatement } from '../plan.ts'

/**
 * The statements by which the map erases, deletes and restores people, purges one enrollment and deletes a tenant. It is SQL
 * for people to read: what it does as a comment, then the statement. Checked in, so that the diff of a change to the map shows what
 * becomes of the data.
 */
export function statementListing(compiled: CompiledMap): string {
  const { version, lockPeople, readPeople, plans } = compiled
  const parts = [
    [
      '-- The statements that are compiled from the data map. Written by "npm run generate"; do not edit.',
      `-- Map version ${version}. The statements of each operation run in this order, in one transaction.`,
      '-- $1 is the tenant, $2 the ids of the people; where only one person is meant, the id of that person.',
    ].join('\n'),
    block('Locks the people and reads their identifiers.', lockPeople),
    block('Reads the identifiers for a preview, without a lock.', readPeople),
    ...planBlocks('PURGE', plans.purge),
    ...planBlocks('ANONYMIZE', plans.anonymize),
    ...deleteBlocks(compiled),
    ...restoreBlocks(compiled.reactivate),
    ...enrollmentBlocks(compiled),
    ...tenantBlocks(compiled),
    '-- IDENTIFIERS',
    block(
      'Finds who else holds an identifier, or a similar one. $2: keys; $3: people who are left out; $4: keys that are UUIDs; $5: similar forms.',
      compiled.findHolders,
    ),
    block(
      'Finds who holds an identifier that is similar to one. $2: its similar form; $3: how many people at most.',
      compiled.findSimilarHolders,
    ),
  ]
  return `${parts.join('\n\n')}\n`
}

function planBlocks(title: string, { locate, locatePlanned, acts, lookUpMentions }: Plan): string[] {
  return [
    `-- ${title}`,
    block(
      'Counts what there is to do about the people: to preview, to tell which of the acts below are needed, and to verify. $3: everybody who is dealt with by then.',
      locate,
    ),
    block(
      'The same with the plan of a preview: per act and person also the planned rows and a digest of their keys. $4: the plan; null while a preview makes it.',
      locatePlanned,
    ),
    ...acts.flatMap(actBlocks),
    block(
      'Finds mentions of the people in rows that stay. $3: identifiers as they stand in lists of addresses; $4: patterns for texts and JSON.',
      lookUpMentions,
    ),
  ]
}

function deleteBlocks({ deactivate, end }: CompiledMap): string[] {
  return [
    '-- DELETE',
    block(
      "Changes the people's own rows. $3: the id of the delete; $4: when it happened; $5: the user who did it; $6: the credential that did it.",
      deactivate.own,
    ),
    ...tableBlocks('made inactive. $3: the id of the delete.', deactivate.acts),
    ...tableBlocks('ended, at a suspension too.', end),
  ]
}

function restoreBlocks({ own, acts }: LifecyclePlan): string[] {
  return [
    '-- RESTORE',
    block("Changes the people's own rows. $3: whether privileged roles come back.", own),
    ...tableBlocks('made active again. $3: the ids of the deletes, in the order of the people.', acts),
  ]
}

function enrollmentBlocks({ enrollment }: CompiledMap): string[] {
  if (enrollment === undefined) return []
  return [
    '-- PURGE OF ONE ENROLLMENT',
    ...partBlocks('the enrollment', enrollment.own),
    ...Object.entries(enrollment.left).flatMap(([column, part]) =>
      partBlocks(
        `what ${enrollment.table}.${column} points to, unless another enrollment of the person does too`,
        part,
      ),
    ),
  ]
}

function tenantBlocks({ deleteTenant: { counts, unlink, deletes, own } }: CompiledMap): string[] {
  return [
    '-- DELETE A TENANT',
    block('Counts everything in the tenant, before and after.', counts),
    ...tableBlocks('points to nothing in the tenant any more.', unlink),
    ...tableBlocks('deleted.', deletes),
    ...(own === undefined ? [] : tableBlocks("the tenant's own row, last.", [own])),
  ]
}

function partBlocks(third: string, { locate, acts }: EnrollmentPart): string[] {
  return [
    block(`Counts what there is, before and after. $3: ${third}.`, locate),
    ...tableBlocks(`deleted. $3: ${third}.`, acts),
  ]
}

function tableBlocks(what: string, statements: readonly TableStatement[]): string[] {
  return statements.map((statement) => block(`${statement.table}: ${what}`, statement))
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
