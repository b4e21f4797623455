import type { EntitySet } from './entity-model.ts'
import { entitySets } from './entity-sets.ts'

const namespace = 'Learn365'
const container = 'Container'

/** The function by which a set is read with what belongs to deleted people. */
const withDeleted = 'IncludeDeletedUsers'
const setsWithDeleted = entitySets.filter(({ sourceWithDeleted }) => sourceWithDeleted !== undefined)

/** The body of the service document: the sets that can be asked. */
export function serviceDocument(root: string): object {
  return {
    '@odata.context': `${root}/$metadata`,
    value: entitySets
      .filter(({ contained }) => contained !== true)
      .map(({ name }) => ({ name, kind: 'EntitySet', url: name })),
  }
}

/** `$metadata` as XML (CSDL 4.0). */
export function csdlXml(): string {
  const types = entitySets.map(entityTypeXml).join('')
  const actions = boundActions()
    .map(
      ({ set, name, parameters }) =>
        `<Action Name="${name}" IsBound="true"><Parameter Name="bindingParameter" Type="${namespace}.${set.entityType}" Nullable="false"/>${parameters
          .map((one) => `<Parameter Name="${one.name}" Type="${one.type}"${one.nullable ? '' : ' Nullable="false"'}/>`)
          .join('')}</Action>`,
    )
    .join('')
  const functions = setsWithDeleted
    .map(({ entityType }) => {
      const type = `Collection(${namespace}.${entityType})`
      return `<Function Name="${withDeleted}" IsBound="true"><Parameter Name="bindingParameter" Type="${type}" Nullable="false"/><ReturnType Type="${type}" Nullable="false"/></Function>`
    })
    .join('')
  const sets = entitySets
    .filter(({ contained }) => contained !== true)
    .map(
      (set) =>
        `<EntitySet Name="${set.name}" EntityType="${namespace}.${set.entityType}">${navigations(set)
          .filter(({ target }) => target.contained !== true)
          .map(({ name, target }) => `<NavigationPropertyBinding Path="${name}" Target="${target.name}"/>`)
          .join('')}</EntitySet>`,
    )
    .join('')
  return `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices><Schema Namespace="${namespace}" xmlns="http://docs.oasis-open.org/odata/ns/edm">${types}${actions}${functions}<EntityContainer Name="${container}">${sets}</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>
`
}

/** `$metadata` as JSON (CSDL JSON 4.01). */
export function csdlJson(): object {
  const types = entitySets.map((set) => [
    set.entityType,
    {
      $Kind: 'EntityType',
      $Key: [set.key],
      ...Object.fromEntries(
        Object.entries(set.properties).map(([name, { type, nullable }]) => [
          name,
          { ...(type !== 'Edm.String' && { $Type: type }), ...(nullable && { $Nullable: true }) },
        ]),
      ),
      ...Object.fromEntries(
        navigations(set).map(({ name, target, many, nullable }) => [
          name,
          {
            $Kind: 'NavigationProperty',
            $Type: `${namespace}.${target.entityType}`,
            ...(many && { $Collection: true }),
            ...(nullable && { $Nullable: true }),
            ...(target.contained && { $ContainsTarget: true }),
          },
        ]),
      ),
    },
  ])
  const actions = Object.entries(Object.groupBy(boundActions(), ({ name }) => name)).map(([name, overloads = []]) => [
    name,
    overloads.map(({ set, parameters }) => ({
      $Kind: 'Action',
      $IsBound: true,
      $Parameter: [
        { $Name: 'bindingParameter', $Type: `${namespace}.${set.entityType}` },
        ...parameters.map((one) => ({ $Name: one.name, $Type: one.type, ...(one.nullable && { $Nullable: true }) })),
      ],
    })),
  ])
  const sets = entitySets
    .filter(({ contained }) => contained !== true)
    .map((set) => [
      set.name,
      {
        $Collection: true,
        $Type: `${namespace}.${set.entityType}`,
        $NavigationPropertyBinding: Object.fromEntries(
          navigations(set)
            .filter(({ target }) => target.contained !== true)
            .map(({ name, target }) => [name, target.name]),
        ),
      },
    ])
  return {
    $Version: '4.01',
    $EntityContainer: `${namespace}.${container}`,
    [namespace]: {
      ...Object.fromEntries(types),
      ...Object.fromEntries(actions),
      [withDeleted]: setsWithDeleted.map(({ entityType }) => {
        const type = { $Collection: true, $Type: `${namespace}.${entityType}` }
        return {
          $Kind: 'Function',
          $IsBound: true,
          $Parameter: [{ $Name: 'bindingParameter', ...type }],
          $ReturnType: type,
        }
      }),
      [container]: { $Kind: 'EntityContainer', ...Object.fromEntries(sets) },
    },
  }
}

function entityTypeXml(set: EntitySet): string {
  const properties = Object.entries(set.properties).map(
    ([name, { type, nullable }]) => `<Property Name="${name}" Type="${type}"${nullable ? '' : ' Nullable="false"'}/>`,
  )
  const navigation = navigations(set).map(({ name, target, many, nullable }) => {
    const type = `${namespace}.${target.entityType}`
    const contains = target.contained ? ' ContainsTarget="true"' : ''
    return `<NavigationProperty Name="${name}" Type="${many ? `Collection(${type})` : type}"${many || nullable ? '' : ' Nullable="false"'}${contains}/>`
  })
  return `<EntityType Name="${set.entityType}"><Key><PropertyRef Name="${set.key}"/></Key>${properties.join('')}${navigation.join('')}</EntityType>`
}

function navigations(set: EntitySet) {
  return Object.entries(set.navigation ?? {}).flatMap(([name, { target: targetName, from, many = false }]) => {
    const target = entitySets.find((one) => one.name === targetName)
    if (target === undefined) return []
    return [{ name, target, many, nullable: set.properties[from]?.nullable === true }]
  })
}

type Parameter = { name: string; type: string; nullable: boolean }

function boundActions(): { set: EntitySet; name: string; parameters: Parameter[] }[] {
  return entitySets.flatMap((set) =>
    Object.entries(set.actions ?? {}).map(([name, { body }]) => ({ set, name, parameters: parametersOf(body) })),
  )
}

type BodySchema = {
  properties?: Record<string, { type?: string | string[]; format?: string }>
  required?: readonly string[]
}

function parametersOf(body: BodySchema | undefined): Parameter[] {
  return Object.entries(body?.properties ?? {}).map(([name, { type, format }]) => ({
    name,
    type: [type].flat().includes('boolean') ? 'Edm.Boolean' : format === 'uuid' ? 'Edm.Guid' : 'Edm.String',
    nullable: body?.required?.includes(name) !== true,
  }))
}
