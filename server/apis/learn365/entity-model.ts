import type { TSchema } from 'typebox'
import type { UserFieldName } from '../../people/accounts/user-fields.ts'

/** The types of OData that occur. Times are UTC, to the millisecond; a collection can be shown only. */
export type EdmType =
  | 'Edm.String'
  | 'Edm.Guid'
  | 'Edm.Boolean'
  | 'Edm.Int32'
  | 'Edm.DateTimeOffset'
  | 'Collection(Edm.String)'

export type Property = {
  type: EdmType
  /** Its value, as an expression over the set's source. */
  sql: string
  nullable?: true
  /**
   * How a value is looked up by `eq`, `ne` and `in`, given its parameter. Set if an index finds the value, or if it
   * matches by more than its exact spelling. Without this: the expression itself.
   */
  equals?: (parameter: string) => string
  /** The field of a user that `PUT Users('…')` sets by it; absent: it cannot be set. */
  field?: UserFieldName
}

/** Leads from a set to another one: where `to`, a property of the target, has the value of `from`. */
export type Navigation = { target: string; from: string; to: string; many?: true }

/** What can be done to one entity, with the body that it takes. */
export type Action = { body?: TSchema }

/**
 * One set of entities, declared once. The SQL, the JSON, the CSDL, the schema of the OpenAPI document, and the
 * properties for filters and sorting come from it.
 */
export type EntitySet = {
  name: string
  entityType: string
  /** What is after "from", with a condition on the tenant, which is $1. */
  source: string
  /** The values of $2 and on in the SQL of this set. */
  parameters?: readonly unknown[]
  /**
   * The same with what belongs to deleted people, for the function IncludeDeletedUsers of the set, and for one entity
   * that is named by its key. Absent: there is no difference.
   */
  sourceWithDeleted?: string
  /**
   * The same with deleted courses or catalogs, for an entity that refers to one: an enrollment still shows its course.
   * Absent: there is no difference.
   */
  sourceOfReferred?: string
  /** The property that names one entity. */
  key: string
  properties: Record<string, Property>
  navigation?: Record<string, Navigation>
  actions?: Record<string, Action>
  /** SQL by which the entities of a collection below another entity stand; by their key where there is none. */
  inOrder?: string
  /** Only reached by navigation: it has no address of its own. */
  contained?: true
}
