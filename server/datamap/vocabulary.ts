import type { SelectType } from 'kysely'
import type { IdentifierKind } from '../identifiers/identifier-key.ts'
import type { DB } from '../platform/database/generated/schema.gen.ts'

/**
 * The words in which a room says what its columns hold and what becomes of them. Every column of every table stands in
 * the map exactly once: `TableEntry` is typed over the generated types of the database. So an unclassified column or
 * table does not compile.
 */

export type TableName = keyof DB & string

/** Names a row or the tenant, or points to a row that is no person. Says nothing about a person by itself. */
type Structural = { is: 'key' } | { is: 'reference' }

/** Describes the row: a state, a time, a number. It is personal only by the row that it stands in, and goes with it. */
type Fact = { is: 'fact' }

/** Whose row this is. A table has at most one; its rows are about that person. */
type Subject = { is: 'subject' }

/**
 * Points to a person who did something to a row that belongs to something else.
 * - `null`: the column becomes null.
 * - `remove`: the row goes: it says no more than that this person has that part.
 * - `reassign`: the successor takes the person's place; where there is no successor, or the successor has it already,
 *   the row goes.
 * - `empty`: the column becomes null and the columns of `empties` lose their content; the row keeps its place.
 *
 * Anonymize does the same, except that it keeps who did what (`null`): the internal id leads to nobody any more. An actor
 * whose part gives rights over others does not stay (`same`).
 */
type Actor = { is: 'actor'; purge: 'null' | 'remove' | 'reassign' | 'empty'; anonymize: 'same' | 'keep' }

/** A value that names exactly this person to a machine; only in the table of people. */
type PersonIdentifier = { is: 'identifier'; kind: IdentifierKind }

/**
 * Describes the person of the row: a name, a place, an attribute. Anonymize clears it. In the rows of those who stay it may
 * mention somebody else ("Assistant to jane@x.org"), and is scrubbed as a mention is.
 */
type Identity = { is: 'identity' }

/** The text of an action by an actor with `empty`; it may mention other people too. */
type Content = { is: 'content' }

/** May hold other people's identifiers. Purge and anonymize scrub them, wherever they stand. */
type Mention<As extends string = 'addresses' | 'text' | 'json'> = { is: 'mention'; as: As }

/**
 * What the database computes from an identifier to compare it by, and clears with it: `key` is equal for the same
 * identifiers, `similar` for identifiers that people confuse.
 */
type Derived<Column extends string = string> = { is: 'derived'; from: Column; as: 'key' | 'similar' }

/** The delete of the person that made the row inactive; null while the row is active. Its column is called `deletion_id`. */
type Deletion = { is: 'deletion' }

/** Ciphertext, a keyed hash or the hash of a secret; says nothing without what is destroyed or kept apart. */
type Sealed = { is: 'sealed'; opensFor?: never }

/**
 * Ciphertext under the key of the person whose id stands in the column that `opensFor` names. An export of that person
 * opens it: it stands there under the column's name without `sealed_`. What was sealed again under another key stands in a
 * column of the same name of the table `again`, by the row's key.
 */
type SealedFor<Column extends string = string> = { is: 'sealed'; opensFor: Column; again?: SealedAgain }

/** A table, and its column that holds the key of the row whose ciphertext it replaces. */
type SealedAgain = { table: string; key: string }

/**
 * Words, codes, names of tables, digests and signatures that the code writes: nothing that a person typed. A person whose
 * identifier is such a word (`in_progress`) is not meant by it, so searches for people pass it over.
 */
type Code = { is: 'code' }

/**
 * The name of an account outside of all tenants. It is that account's, also where a user has the same one, so searches for
 * users pass it over.
 */
type OutsideName = { is: 'outside_name' }

/** The internal id of an erased person in the record of the erasure itself. It points to nobody any more. */
type ErasedId = { is: 'erased_id' }

export type ColumnClass =
  | Structural
  | Fact
  | Subject
  | Actor
  | PersonIdentifier
  | Identity
  | Content
  | Mention
  | Derived
  | Deletion
  | Sealed
  | SealedFor
  | ErasedId
  | Code
  | OutsideName

export const key: Structural = { is: 'key' }
export const reference: Structural = { is: 'reference' }
export const fact: Fact = { is: 'fact' }
export const subject: Subject = { is: 'subject' }
export const identity: Identity = { is: 'identity' }
export const content: Content = { is: 'content' }
export const keyOf = <const Column extends string>(column: Column): Derived<Column> => ({
  is: 'derived',
  from: column,
  as: 'key',
})
export const similarOf = <const Column extends string>(column: Column): Derived<Column> => ({
  is: 'derived',
  from: column,
  as: 'similar',
})
export const deletion: Deletion = { is: 'deletion' }
export const sealed: Sealed = { is: 'sealed' }
export const sealedFor = <const Column extends string>(column: Column, again?: SealedAgain): SealedFor<Column> => ({
  is: 'sealed',
  opensFor: column,
  ...(again !== undefined && { again }),
})
export const erasedId: ErasedId = { is: 'erased_id' }
export const code: Code = { is: 'code' }
export const outsideName: OutsideName = { is: 'outside_name' }
export const actor = (purge: Actor['purge'], anonymize?: Actor['anonymize']): Actor => ({
  is: 'actor',
  purge,
  anonymize: anonymize ?? (purge === 'null' ? 'keep' : 'same'),
})
export const identifier = (kind: IdentifierKind): PersonIdentifier => ({ is: 'identifier', kind })
export const mention = <As extends Mention['as']>(as: As): Mention<As> => ({ is: 'mention', as })

/** The name of the column that holds the delete which made a row inactive. Nothing else may be called that. */
type DeletionColumn = 'deletion_id'

/** The classes that fit the name and the type of a column. */
type ClassFor<Name, Value, Column extends string> = Name extends DeletionColumn ? Deletion : ClassOf<Value, Column>

/** The classes that fit the type of a column: a list of addresses is an array, JSON may be anything but an array. */
type ClassOf<Value, Column extends string> =
  | Structural
  | Fact
  | Derived<Column>
  | Sealed
  | SealedFor<Column>
  | Code
  | (NonNullable<Value> extends string[]
      ? Mention<'addresses'>
      : NonNullable<Value> extends string
        ? Subject | Actor | PersonIdentifier | Identity | Content | ErasedId | OutsideName | Mention<'text'>
        : NonNullable<Value> extends number | boolean | Date | Buffer
          ? never
          : Mention<'json'>)

/** What anonymize does with a row about a person: the row goes, stays as it is, or stays without some columns. */
export type AnonymizeRow<Column extends string> = 'delete' | 'keep' | { clear: Column[] }

/** Tables whose rows a delete of their person makes inactive: those about a person with a column `deletion_id`. */
export type DeactivatedTable = {
  [T in TableName]: DeletionColumn extends keyof DB[T] ? (T extends 'users' ? never : T) : never
}[TableName]

/**
 * What the delete of a person does with the rows about that person.
 * - `deactivate`: they become inactive until a restore of the same delete; a column `deletion_id` says by which.
 * - `end`: the rows go, at a suspension too, and do not come back: what lets the person in ends.
 * - `keep`: they stay as they are.
 */
type OnDelete<T extends TableName> = DeletionColumn extends keyof DB[T] ? 'deactivate' : 'end' | 'keep'

/**
 * How far the rows about a person reach, and so what takes them along.
 * - `person`: they go when the person is purged, and not before.
 * - `enrollment`: they also go when the enrollment that they came with is purged alone. The compiler follows the foreign
 *   keys to that enrollment, or to the course or training plan that it is in.
 * - `enrollmentIn`: each row is an enrollment, in what these columns point to. There is one such table.
 */
export type Scope<Column extends string> = 'person' | 'enrollment' | { enrollmentIn: readonly Column[] }

/** SQL expressions by column. */
type Assignments<T extends TableName> = { [C in keyof DB[T] & string]?: string }

/** Values that come with a delete, for the SQL of `whenDeleted`: when it happened, and by which user or credential. */
export const ofDelete = { at: '$4::timestamptz', userId: '$5::uuid', credentialId: '$6::uuid' } as const

/** A value that comes with a restore, for the SQL of `whenRestored`: whether privileged roles come back. */
export const ofRestore = { withRoles: '$3::boolean' } as const

export type TableEntry<T extends TableName> = {
  /** What the table holds, in words that a privacy officer understands. */
  holds: string
  columns: { [C in keyof DB[T] & string]-?: ClassFor<C, SelectType<DB[T][C]>, keyof DB[T] & string> }
} & (
  | {
      /** Rows about a person: purge deletes them. */
      about: 'person'
      scope: Scope<keyof DB[T] & string>
      onDelete: OnDelete<T>
      anonymize: AnonymizeRow<keyof DB[T] & string>
      /** Columns that give the person rights: the plan of a preview covers them, besides the keys of the rows. */
      rights?: readonly (keyof DB[T] & string)[]
      /**
       * Why its rows are no part of the plan of a preview. Only for what an erasure request itself writes, or what the
       * recording of any action does: otherwise a row could come after the preview and be erased unseen.
       */
      unplanned?: string
    }
  /** The rows of the people themselves: redacted first, so that nobody who copies changes sees the person last. */
  | {
      about: 'themselves'
      /** What anonymize sets besides clearing identifiers and identity. */
      whenAnonymized: Assignments<T>
      /** SQL expressions of the rights of the person, which a delete does not change; see above. */
      rights: readonly string[]
      /** SQL expressions of the values that an anonymization keeps: the plan of its preview covers them. */
      survives: readonly string[]
      /** What delete sets besides the id of the delete. */
      whenDeleted: Assignments<T>
      /** What restore sets besides clearing the id of the delete. */
      whenRestored: Assignments<T>
    }
  /** Rows that belong to something else, though people may stand in them; `unplanned` as above. */
  | { about: 'other'; unplanned?: string }
  /** No personal data, for the reason given. */
  | { about: 'nobody'; because: string }
)

/** The entries of one room. */
export type RoomMap<T extends TableName> = { [Name in T]: TableEntry<Name> }

/** The whole map: an entry for every table there is. */
export type DataMap = RoomMap<TableName>

/** What the database itself says about the tables; see schema-facts.gen.ts. */
export type SchemaFacts = Record<
  string,
  {
    columns: Record<string, { type: string; nullable: boolean; generated?: 'stored' | 'identity' }>
    primaryKey: string[]
    foreignKeys: { columns: string[]; references: string }[]
  }
>

/** An entry as the compiler of the map reads it, whatever its table. */
export type AnyEntry = {
  holds: string
  columns: Record<string, ColumnClass>
  about: 'person' | 'themselves' | 'other' | 'nobody'
  scope?: Scope<string>
  onDelete?: 'deactivate' | 'end' | 'keep'
  anonymize?: AnonymizeRow<string>
  because?: string
  rights?: readonly string[]
  survives?: readonly string[]
  unplanned?: string
  whenAnonymized?: Record<string, string>
  whenDeleted?: Record<string, string>
  whenRestored?: Record<string, string>
}
