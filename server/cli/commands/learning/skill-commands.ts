import type { Command } from 'commander'
import { findUser } from '../../../people/accounts/find-users.ts'
import { namedColumns } from '../../../platform/validation/change-columns.ts'
import { inputError } from '../../../platform/validation/errors.ts'
import { awardSkill } from '../../../skills/award-skill.ts'
import { deleteScaleSet, type ScaleSetChanges, updateScaleSet } from '../../../skills/change-scale-set.ts'
import { deleteSkill, type SkillChanges, updateSkill } from '../../../skills/change-skill.ts'
import { listScaleSets, listSkills, showScaleSet, showSkill } from '../../../skills/list-skills.ts'
import { revokeSkill } from '../../../skills/revoke-skill.ts'
import { addClearable, type Clearable, cleared } from '../../change-options.ts'
import { helpText } from '../../help-text.ts'
import { formatFields, formatTable } from '../../output.ts'
import { withTenant } from '../../session.ts'
import { addSubjectOptions, readSubject, type SubjectOptions } from '../../subject-options.ts'

/** `lethe skill list|scales|update|update-scale|delete|delete-scale|award|revoke` */
export function addSkillCommands(program: Command): void {
  const group = program
    .command('skill')
    .description('list, change, award and revoke skills')
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe skill list --search negotiation',
          'lethe skill scales',
          'lethe skill award --email ann@example.org --skill SKILL --level LEVEL',
          'lethe skill revoke --email ann@example.org --skill SKILL --level LEVEL',
        ],
      }),
    )
  addList(group)
  addScales(group)
  addUpdate(group)
  addUpdateScale(group)
  addDelete(group)
  addDeleteScale(group)
  addAward(group)
  addRevoke(group)
}

type ListOptions = { catalog?: string; search?: string; limit?: string; after?: string }

function addList(group: Command): void {
  group
    .command('list')
    .description('list skills, oldest first')
    .option('--catalog <id>', 'only those of this catalog and those for all catalogs')
    .option('--search <text>', 'part of the title')
    .option('--limit <number>', 'the most to list, up to 10000 (default: 100)')
    .option('--after <id>', 'continue after the skill with this id')
    .addHelpText(
      'after',
      helpText({ examples: ['lethe skill list --search negotiation', 'lethe skill list --catalog CATALOG --json'] }),
    )
    .action(async ({ catalog, search, limit, after }: ListOptions, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const { skills, next } = await run((tx) =>
          listSkills(tx, {
            ...(catalog !== undefined && { catalogId: catalog }),
            ...(search !== undefined && { search }),
            ...(limit !== undefined && { limit: Number(limit) }),
            ...(after !== undefined && { after }),
          }),
        )
        output.result({ skills, next: next ?? null }, () => {
          const table = formatTable(skills, [
            { title: 'id', value: ({ id }) => id },
            { title: 'title', value: ({ title }) => title },
            { title: 'scale', value: ({ scale_set_id }) => scale_set_id },
            { title: 'catalog', value: ({ catalog_id }) => catalog_id ?? 'all' },
          ])
          return next === undefined ? table : `${table}\n\nThere are more. Repeat the command with --after ${next}`
        })
      })
    })
}

function addScales(group: Command): void {
  group
    .command('scales')
    .description('list the scales of skills, with their levels')
    .option('--catalog <id>', 'only those of this catalog and those for all catalogs')
    .option('--scale <id...>', 'only these scales')
    .addHelpText('after', helpText({ examples: ['lethe skill scales', 'lethe skill scales --scale SCALE --json'] }))
    .action(async (options: { catalog?: string; scale?: string[] }, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        const scales = await run((tx) =>
          listScaleSets(tx, {
            ...(options.catalog !== undefined && { catalogId: options.catalog }),
            ...(options.scale !== undefined && { ids: options.scale }),
          }),
        )
        output.result({ scales }, () =>
          formatTable(
            scales.flatMap(({ levels, ...scale }) => levels.map((level) => ({ scale, level }))),
            [
              { title: 'scale', value: ({ scale }) => scale.id },
              { title: 'title', value: ({ scale }) => `${scale.title}${scale.is_default ? ' (default)' : ''}` },
              { title: 'level', value: ({ level }) => level.id },
              { title: 'value', value: ({ level }) => level.value, right: true },
              { title: 'title', value: ({ level }) => level.title },
              { title: 'description', value: ({ level }) => level.description },
            ],
          ),
        )
      })
    })
}

type UpdateOptions = { title?: string; description?: Clearable<string>; externalKey?: Clearable<string> }

function addUpdate(group: Command): void {
  const command = group
    .command('update')
    .argument('<skill>', 'the id of the skill')
    .description('change a skill')
    .option('--title <text>', 'its title')
  addClearable(command, 'description', '<text>', 'its description')
  addClearable(command, 'external-key', '<key>', 'its key in the data set that it was imported from')
  command
    .addHelpText('after', helpText({ examples: ['lethe skill update SKILL --title "Kneading" --no-description'] }))
    .action(async (skillId: string, { title, description, externalKey }: UpdateOptions) => {
      const changes: SkillChanges = namedColumns({
        title,
        description: cleared(description),
        externalKey: cleared(externalKey),
      })
      await withTenant(command, async ({ run, output }) => {
        const skill = await run(async (tx) => {
          await updateSkill(tx, { skillId, changes })
          return await showSkill(tx, skillId)
        })
        output.result({ skill }, () => formatFields(skill))
      })
    })
}

function addUpdateScale(group: Command): void {
  const command = group
    .command('update-scale')
    .argument('<scale>', 'the id of the scale')
    .description('change a scale of skills, or the texts of one of its levels')
    .option('--title <text>', 'its title')
    .option('--level <value>', 'the value of the level to change')
    .option('--level-title <text>', 'the title of this level')
    .option('--level-description <text>', 'the description of this level')
  addClearable(command, 'external-key', '<key>', 'its key in the data set that it was imported from')
  command
    .addHelpText(
      'after',
      helpText({
        examples: [
          'lethe skill update-scale SCALE --title "Five steps"',
          'lethe skill update-scale SCALE --level 2 --level-title "Skilled"',
        ],
      }),
    )
    .action(async (scaleSetId: string, options: ScaleOptions) => {
      await withTenant(command, async ({ run, output }) => {
        const scale = await run(async (tx) => {
          const { levels } = await showScaleSet(tx, scaleSetId)
          const changes: ScaleSetChanges = namedColumns({
            title: options.title,
            externalKey: cleared(options.externalKey),
            levels: changedLevels(levels, options),
          })
          await updateScaleSet(tx, { scaleSetId, changes })
          return await showScaleSet(tx, scaleSetId)
        })
        output.result({ scale }, () => formatFields({ id: scale.id, title: scale.title }))
      })
    })
}

type ScaleOptions = {
  title?: string
  externalKey?: Clearable<string>
  level?: string
  levelTitle?: string
  levelDescription?: string
}

type Level = { value: number; title: string; description: string | null }

/** All levels of a scale with the changed texts of one of them; undefined where no level changes. */
function changedLevels(levels: readonly Level[], options: ScaleOptions): ScaleSetChanges['levels'] {
  const { level, levelTitle, levelDescription } = options
  if (level === undefined) return undefined
  if (!levels.some(({ value }) => value === Number(level))) {
    throw inputError('input.invalid', { field: '--level', expected: 'the value of a level of this scale is expected' })
  }
  return levels.map(({ value, title, description }) => {
    const isChosen = value === Number(level)
    const text = isChosen && levelDescription !== undefined ? levelDescription : description
    return {
      value,
      title: isChosen && levelTitle !== undefined ? levelTitle : title,
      ...(text !== null && { description: text }),
    }
  })
}

function addDelete(group: Command): void {
  group
    .command('delete')
    .argument('<skill>', 'the id of the skill')
    .description('delete a skill that was never awarded')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'a user holds it or held it; nothing was done' },
        examples: ['lethe skill delete SKILL'],
      }),
    )
    .action(async (skillId: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => deleteSkill(tx, { skillId }))
        output.result({ deleted: skillId }, () => 'Deleted the skill.')
      })
    })
}

function addDeleteScale(group: Command): void {
  group
    .command('delete-scale')
    .argument('<scale>', 'the id of the scale')
    .description('delete a scale of skills with its levels')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'a skill is measured on it; nothing was done' },
        examples: ['lethe skill delete-scale SCALE'],
      }),
    )
    .action(async (scaleSetId: string, _options: unknown, command: Command) => {
      await withTenant(command, async ({ run, output }) => {
        await run((tx) => deleteScaleSet(tx, { scaleSetId }))
        output.result({ deleted: scaleSetId }, () => 'Deleted the scale.')
      })
    })
}

type SkillOptions = SubjectOptions & { skill: string; level: string; catalog?: string; reason?: string }

function addSkillOptions(command: Command): Command {
  return addSubjectOptions(command, { many: false })
    .requiredOption('--skill <id>', 'the skill; "lethe skill list" lists the skills')
    .requiredOption('--level <id>', 'a level of its scale; "lethe skill scales" lists the levels')
    .option('--catalog <id>', 'refuse a skill that belongs to another catalog')
}

function addAward(group: Command): void {
  addSkillOptions(group.command('award'))
    .description('award a skill at a level')
    .addHelpText(
      'after',
      helpText({
        exitCodes: { 5: 'the user already holds the skill, or is not active' },
        examples: ['lethe skill award --email ann@example.org --skill SKILL --level LEVEL'],
      }),
    )
    .action(async (options: SkillOptions, command: Command) => {
      const selector = readSubject(options)
      await withTenant(command, async ({ run, output }) => {
        const award = await run(async (tx) => {
          const { id } = await findUser(tx, selector)
          return await awardSkill(tx, { userId: id, ...chosenSkill(options) })
        })
        output.result({ award }, () => formatFields(award))
      })
    })
}

function addRevoke(group: Command): void {
  addSkillOptions(group.command('revoke'))
    .option('--reason <text>', 'the reason; the transcript shows it')
    .description('revoke a skill at a level; the transcript shows it as revoked')
    .addHelpText(
      'after',
      helpText({
        notes: 'Lethe notifies the user; also by e-mail if LETHE_SMTP_URL is set and "lethe serve" runs.',
        exitCodes: { 3: 'the user was never awarded the skill', 5: 'the skill is already revoked' },
        examples: [
          'lethe skill revoke --email ann@example.org --skill SKILL --level LEVEL',
          'lethe skill revoke --ref 4711 --skill SKILL --level LEVEL --reason "expired"',
        ],
      }),
    )
    .action(async (options: SkillOptions, command: Command) => {
      const selector = readSubject(options)
      const { reason } = options
      await withTenant(command, async ({ run, output }) => {
        const { id, revokedAt } = await run(async (tx) => {
          const user = await findUser(tx, selector)
          return await revokeSkill(tx, {
            userId: user.id,
            ...chosenSkill(options),
            ...(reason !== undefined && { reason }),
          })
        })
        const award = { id, revoked_at: revokedAt }
        output.result({ award }, () => formatFields(award))
      })
    })
}

function chosenSkill({ skill, level, catalog }: SkillOptions) {
  return { skillId: skill, levelId: level, ...(catalog !== undefined && { catalogId: catalog }) }
}
