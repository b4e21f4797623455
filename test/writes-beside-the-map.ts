/** By source, what its statements do and how many of them do it, and why they may. */
export type Exceptions = Record<string, Record<string, { statements: number; because: string }>>

const runsOut = 'What has run out is cleared away: it is over by itself, and nothing of the person is lost.'
const exportIsWithdrawn = 'An export that ended keeps its row, and its content goes at once.'
const oneOrTheOther = 'Both tables that this can be are of this room.'

/**
 * Statements that delete rows about people, or make them inactive, and are not compiled from the data map. The list may
 * only get shorter: a row that goes with its person, with a delete or with an enrollment says so in the map.
 */
export const rowsThatGo: Exceptions = {
  'server/access/sessions.ts': {
    'deletes sign_in_sessions': {
      statements: 3,
      because:
        'Signing out ends a session, or all of a person who stays active; a session that ran out is cleared away.',
    },
  },
  'server/access/sign-in-attempts.ts': {
    'deletes ⟨at.table⟩': {
      statements: 2,
      because: 'Attempts of users or of operators: neither table holds a row about a person. They end after a day.',
    },
    'inserts ⟨at.table⟩': { statements: 1, because: 'The same tables; it counts an attempt.' },
  },
  'server/audit/reseal.ts': {
    'deletes former_identifiers': {
      statements: 1,
      because:
        'What a person was known by and somebody else is erased for: only the values say which, and they are sealed.',
    },
    'deletes sealed_words': {
      statements: 1,
      because: 'The index of what is sealed about a person is written anew in the same transaction.',
    },
  },
  'server/directory/delete-group.ts': {
    'deletes group_members': {
      statements: 1,
      because: 'The group goes for good, and nobody is in a group that is not there.',
    },
  },
  'server/directory/set-group-members.ts': {
    'deletes group_members': {
      statements: 1,
      because: 'The directory says that the person left the group. A membership that a delete made inactive stays.',
    },
  },
  'server/exports/clean-exports.ts': { 'deletes export_chunks': { statements: 1, because: runsOut } },
  'server/exports/kept-exports.ts': {
    'deletes export_chunks': { statements: 1, because: 'An administrator deletes one export.' },
    'deletes exports': { statements: 1, because: 'An administrator deletes one export.' },
  },
  'server/exports/run-export.ts': {
    'deletes export_chunks': { statements: 2, because: 'An attempt that failed is written again from the start.' },
  },
  'server/exports/withdraw-exports.ts': { 'deletes export_chunks': { statements: 1, because: exportIsWithdrawn } },
  'server/imports/users/write-rows.ts': {
    'deletes product_accounts': {
      statements: 1,
      because: 'A file says in which products people have accounts; for many people at a time, as setProducts for one.',
    },
    'inserts product_accounts': { statements: 1, because: 'The same, for the products that the file names.' },
    'updates users': {
      statements: 1,
      because: 'It sets the columns of the file, which come from a fixed list: no state and no delete is among them.',
    },
  },
  'server/learning/catalogs/assign-groups.ts': {
    'deletes ⟨table⟩': {
      statements: 1,
      because: 'It takes a group off a catalog or a course; neither row is about a person.',
    },
  },
  'server/learning/catalogs/remove-catalog-members.ts': {
    'deletes catalog_members': {
      statements: 1,
      because: 'An administrator removes people from one catalog. A delete of the people would take all of it away.',
    },
  },
  'server/people/accounts/product-accounts.ts': {
    'deletes product_accounts': {
      statements: 1,
      because: 'An administrator closes the account of a person in one product.',
    },
    'inserts product_accounts': {
      statements: 1,
      because: 'An account that a change of the products opens again is active, whatever made it inactive.',
    },
  },
  'server/people/lifecycle/reactivate-user.ts': {
    'updates users': {
      statements: 1,
      because: 'A suspension changes nothing but the one row of the person; this ends it.',
    },
  },
  'server/people/lifecycle/suspend-user.ts': {
    'updates users': {
      statements: 1,
      because:
        'A suspension changes nothing but the one row of the person; what ends with it is compiled from the map.',
    },
  },
  'server/personal-data/scrub-mentions.ts': {
    'updates ⟨table⟩': { statements: 2, because: 'It rewrites columns that the map compiled, and those hold texts.' },
  },
}

const oulad = 'A data set of a million rows is written as sets; calls of operations, row by row, would take hours.'
const userFiles = 'A file of users is written as sets, each judged before by the rules of the operations.'

/**
 * Statements that write a table of another room, or one that only the running program knows, and are not compiled from the
 * data map. The list may only get shorter: a room writes its own tables, and others call its operations.
 */
export const tablesOfOtherRooms: Exceptions = {
  'server/access/sign-in-attempts.ts': {
    'deletes ⟨at.table⟩': { statements: 2, because: oneOrTheOther },
    'inserts ⟨at.table⟩': { statements: 1, because: oneOrTheOther },
  },
  'server/audit/reseal.ts': {
    'deletes former_identifiers': {
      statements: 1,
      because: 'They are sealed under the keys of the audit trail, as its values are.',
    },
    'updates former_identifiers': { statements: 1, because: 'The same.' },
  },
  'server/clean-addresses.ts': {
    'inserts audit_entries': {
      statements: 1,
      because: 'It runs with a migration, as the owner of the tables, and no operation can.',
    },
    'updates courses': { statements: 1, because: 'The same.' },
    'updates users': { statements: 1, because: 'The same.' },
    'updates ⟨table⟩': { statements: 1, because: 'The same, for the tables with lists of addresses.' },
  },
  'server/demo/load-demo.ts': {
    'updates users': {
      statements: 1,
      because: 'It makes people of the demo older than it is; no operation may set that time.',
    },
  },
  'server/erasure/engine/record.ts': {
    'inserts tombstones': { statements: 1, because: 'One statement records an erasure in all of its tables.' },
  },
  'server/erasure/ledger/replay-ledger.ts': {
    'inserts tenant_keys': { statements: 1, because: 'A ledger brings the key of its hashes along.' },
    'inserts tombstones': { statements: 1, because: 'A ledger brings the tombstones of its erasures along.' },
  },
  'server/imports/oulad/assessments.ts': {
    'inserts assessment_attempts': { statements: 1, because: oulad },
    'inserts assessments': { statements: 1, because: oulad },
  },
  'server/imports/oulad/learners.ts': {
    'inserts enrollments': { statements: 1, because: oulad },
    'inserts product_accounts': { statements: 1, because: oulad },
    'inserts users': { statements: 1, because: oulad },
    'updates users': { statements: 1, because: oulad },
  },
  'server/imports/oulad/modules.ts': { 'inserts modules': { statements: 1, because: oulad } },
  'server/imports/oulad/presentations.ts': {
    'inserts catalogs': { statements: 1, because: oulad },
    'inserts courses': { statements: 1, because: oulad },
    'inserts sessions': { statements: 1, because: oulad },
  },
  'server/imports/oulad/record-actions.ts': { 'inserts record_actions': { statements: 1, because: oulad } },
  'server/imports/users/write-rows.ts': {
    'deletes product_accounts': { statements: 1, because: userFiles },
    'inserts product_accounts': { statements: 2, because: userFiles },
    'inserts users': { statements: 1, because: userFiles },
    'updates users': { statements: 1, because: userFiles },
  },
  'server/learning/catalogs/assign-groups.ts': {
    'deletes ⟨table⟩': { statements: 1, because: oneOrTheOther },
    'inserts ⟨table⟩': { statements: 1, because: oneOrTheOther },
  },
  'server/people/identifiers/read-trail.ts': {
    'inserts audit_readings': { statements: 1, because: 'It marks how far the trail was read for former identifiers.' },
    'updates audit_readings': { statements: 1, because: 'The same.' },
  },
  'server/personal-data/scrub-mentions.ts': {
    'updates ⟨table⟩': { statements: 2, because: 'It rewrites columns that the map compiled, of every room.' },
  },
}
