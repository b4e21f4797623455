import type { IdentifierKind } from '../identifiers/identifier-key.ts'

/** A statement that a connection prepares once under its name. */
export type Statement = { name: string; text: string }

/**
 * One thing that an erasure does to one table. `effect` is what the receipt calls it: `deleted`, `removed`,
 * `reassigned`, `emptied`, or `cleared` with the name of the column.
 */
export type Act = {
  table: string
  effect: string
  /** Whether its rows are a part of the plan of a preview; see {@link Plan.locatePlanned}. */
  isPlanned: boolean
  /** Whether a delete of the person takes its rows away already. */
  endsOnDelete: boolean
  /**
   * In this order. Parameters: tenant, ids of the people, and the successor where `needsSuccessor`. The last one's rows
   * count; where rows of other people are changed, it answers their owners.
   */
  statements: (Statement & { needsSuccessor: boolean; onlyWithSuccessor: boolean })[]
}

/** A column that may hold other people's identifiers. */
export type MentionColumn = {
  table: string
  column: string
  as: 'addresses' | 'text' | 'json'
  tenantColumn: string
  primaryKey: string[]
  nullable: boolean
  /** What the index is on that finds it: the search form of the column, or of several columns that share one index. */
  searched: string
  /** Columns that say whose value it is: what goes, is emptied or cleared with a person mentions nobody. */
  ownedBy: string[]
}

/**
 * A column that names a person to a machine, with the columns that it is compared by. An identifier without them is a UUID,
 * and compared as it is.
 */
export type IdentifierColumn = { column: string; kind: IdentifierKind; key?: string; similar?: string }

/** What one operation does, and the counts of it. */
export type Plan = {
  /**
   * What there is to do about some people: rows of (act, person, row_count), the act by its place in `acts`. Parameters:
   * tenant, ids, and the ids of all people who are dealt with by then, at least the same ones.
   * The same statement previews, tells the erasure what to touch, and afterwards verifies that nothing is left to do.
   */
  locate: Statement
  /**
   * The same, with what the plan of a preview consists of: rows of (act, person, row_count, planned_count, digest). The
   * digest is the SHA-256 over the sorted keys of the planned rows, in hexadecimal; null without such rows. Parameters: those
   * of `locate`, and the id of the plan (null while a preview makes it). A row that goes with another person of the plan
   * is not planned here, because it is that person's, whether that person is erased before, together or never.
   */
  locatePlanned: Statement
  /** In the order in which no foreign key is hurt; the people's own rows come last. */
  acts: Act[]
  mentions: MentionColumn[]
  /**
   * Finds the values of `mentions` that may hold one of a few identifiers: rows of (position, row_key, value).
   * Parameters: tenant, ids of the people whose rows are left out, patterns of search forms.
   */
  lookUpMentions: Statement
}

export type Operation = 'purge' | 'anonymize'

/** A statement that changes rows of one table. */
export type TableStatement = Statement & { table: string }

/** What a delete or a restore does: to the people's own rows, and to the rows about them that take part. */
export type LifecyclePlan = {
  /** Answers rows of (id, state). The parameters stand with the plan. */
  own: Statement
  acts: TableStatement[]
}

/** What goes with one enrollment, or with what it is in: its count and its deletes are over the same rows. */
export type EnrollmentPart = {
  /** Rows of (act, row_count), the act by its place in `acts`; tables without such rows are left out. */
  locate: Statement
  /** Deletes, in the order in which no foreign key is hurt. */
  acts: TableStatement[]
}

/** How one enrollment of a person is purged. Parameters of every statement: tenant, person, and the id that is named. */
export type EnrollmentPlan = {
  /** The table of enrollments. */
  table: string
  /** The enrollment itself, and rows that point to it. By the id of the enrollment. */
  own: EnrollmentPart
  /** What the person left behind in a course or a training plan, by the column of the enrollment that points there. */
  left: Record<string, EnrollmentPart>
}

/** How a tenant is deleted with everything in it. The only parameter of every statement is the tenant. */
export type TenantDeletionPlan = {
  /** Rows of (table_name, row_count), for every table with a tenant. */
  counts: Statement
  /** Empties what the tenant's own row points to in the tenant. */
  unlink: TableStatement[]
  /** In the order in which no foreign key is hurt. */
  deletes: TableStatement[]
  /** The tenant's own row, last. Undefined where the map has no table of tenants. */
  own: TableStatement | undefined
}

export type CompiledMap = {
  /** The first 16 hexadecimal digits of the SHA-256 of the map; certificates carry it. */
  version: string
  plans: Record<Operation, Plan>
  /**
   * Makes what people take part in inactive. Parameters: tenant, ids, id of the delete; for their own rows also when it
   * happened, and the user and the credential that did it.
   */
  deactivate: LifecyclePlan
  /** Deletes what lets people in, at a delete and at a suspension. Parameters: tenant, ids. */
  end: TableStatement[]
  /**
   * Makes active again what a delete made inactive. Parameters: tenant, ids, and in the same order the ids of their deletes;
   * for their own rows tenant, ids, and whether privileged roles come back.
   */
  reactivate: LifecyclePlan
  /** Undefined where the map has no table of enrollments. */
  enrollment: EnrollmentPlan | undefined
  deleteTenant: TenantDeletionPlan
  /** Locks the rows of some people and reads their identifiers: (id, state, one column each). Parameters: tenant, ids. */
  lockPeople: Statement
  /** The same without locks. */
  readPeople: Statement
  identifiers: IdentifierColumn[]
  /**
   * Finds who holds one of some identifiers, as whatever kind: rows of (held, by_key), the key or the similar form by which
   * a person holds it. Parameters: tenant, keys, ids of people who are left out, keys that are UUIDs, similar forms.
   */
  findHolders: Statement
  /** Finds who holds an identifier that is similar to one: rows of (id). Parameters: tenant, similar form, how many at most. */
  findSimilarHolders: Statement
}

/** The table of the people themselves; every foreign key to it is a reference to a person. */
export const peopleTable = 'users'

/** The table of the people of each plan: columns tenant_id, plan_id, user_id. */
export const plannedTable = 'erasure_plan_subjects'

/** Rows of one table that are exported whole. */
export type ExportedTable = {
  table: string
  /** What the table holds, as the map says it. */
  holds: string
  /** `about` the person, `written` by the person, or `on_record`: of an erasure of the person. */
  kind: 'about' | 'written' | 'on_record'
  columns: string[]
  /** Columns that the export opens, as it calls them: their ciphertext stands beside each row as (sealed), in this order. */
  opened: string[]
  /** Rows of (json): the row as JSON text. Parameters: tenant, id of the person. */
  json: string
  /** The same rows as (cells): the columns as texts. */
  cells: string
}

/** A part that the person had in rows of something or somebody else: only table, key and role are exported. */
export type ExportedPart = {
  table: string
  holds: string
  /** The column that the person stands in. */
  role: string
  /** Rows of (key), as JSON text. Parameters: tenant, id of the person. */
  text: string
}

/** Content that is exported as files: bytes in one or many rows. */
export type ExportedFiles = {
  table: string
  /** Rows of (file, content), the rows of one file in a row and in order. Parameters: tenant, id of the person. */
  text: string
}

export type CompiledExport = {
  tables: ExportedTable[]
  parts: ExportedPart[]
  files: ExportedFiles[]
  /** The columns of a row's key that may be shown: not those that name other people. By table. */
  publicKey: Map<string, string[]>
}
