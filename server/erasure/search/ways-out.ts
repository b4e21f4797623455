/** How to change a value that no erasure rewrites: a command, and the route that does the same, if there is one. */
export type WayOut = { command: string; route: string | null }

/** For each column of the data map that may hold such a value, the way to change it there. */
const waysOut: Readonly<Record<string, WayOut>> = {
  'tenants.name': { command: 'lethe tenant update --name NAME', route: 'PATCH /api/v1/tenants/{id}' },
  'tenants.surviving_fields': {
    command: 'lethe tenant update --surviving-field NAME',
    route: 'PATCH /api/v1/tenant',
  },
  'catalogs.external_key': {
    command: 'lethe catalog update CATALOG --no-external-key',
    route: 'PATCH /api/v1/catalogs/{id}',
  },
  'courses.external_key': {
    command: 'lethe course update COURSE --no-external-key',
    route: 'PATCH /api/v1/courses/{id}',
  },
  'modules.external_key': {
    command: 'lethe course part COURSE MODULE --no-external-key',
    route: 'PATCH /api/v1/courses/{id}/modules/{module_id}',
  },
  'assessments.external_key': {
    command: 'lethe course part COURSE ASSESSMENT --no-external-key',
    route: 'PATCH /api/v1/courses/{id}/assessments/{assessment_id}',
  },
  'sessions.external_key': {
    command: 'lethe session update COURSE SESSION --no-external-key',
    route: 'PATCH /api/v1/courses/{id}/sessions/{session_id}',
  },
  'skills.external_key': {
    command: 'lethe skill update SKILL --no-external-key',
    route: 'PATCH /api/v1/skills/{id}',
  },
  'skill_scale_sets.external_key': {
    command: 'lethe skill update-scale SCALE --no-external-key',
    route: 'PATCH /api/v1/scale-sets/{id}',
  },
  'import_files.source': { command: 'lethe import forget SOURCE', route: null },
}

/** The way to change such a value; undefined where only the owner of the table can, with SQL or another program. */
export function wayOutOf(table: string, column: string): WayOut | undefined {
  return waysOut[`${table}.${column}`]
}

/** Every place that has a way out, as `table.column`. */
export const placesWithWayOut: readonly string[] = Object.keys(waysOut)

/** The commands for these places in a sentence, each once; empty where there are none. */
export function commandsFor(places: readonly { table: string; column: string }[]): string {
  const commands = places.flatMap(({ table, column }) => wayOutOf(table, column)?.command ?? [])
  return [...new Set(commands)].map((command) => `"${command}"`).join(', ')
}
