import { longText, matching, optional, text, wholeNumber } from '../fields.ts'
import type { FileShape } from '../table-file.ts'

/** ESCO's skills in one language, as the European Commission hands them out. */
export const escoSkills: FileShape = {
  name: 'skills_en',
  stagedAs: 'staged_esco_skills',
  columns: {
    concept_uri: matching(
      /^http:\/\/data\.europa\.eu\/esco\/skill\/[A-Za-z0-9-]{1,64}$/,
      "the address of an ESCO skill, such as http://data.europa.eu/esco/skill/ and the skill's id",
    ),
    preferred_label: text,
    alt_labels: optional(longText),
    description: optional(longText),
    status: optional(text),
  },
}

const elementId = matching(/^\d(\.[A-Za-z0-9]{1,4}){0,7}$/, 'the id of an element, such as 2.A.1.a')

/** The elements of O*NET's content model: abilities, skills, tasks and so on. */
export const onetElements: FileShape = {
  name: 'Content Model Reference',
  format: 'tabs',
  stagedAs: 'staged_onet_elements',
  columns: { 'Element ID': elementId, 'Element Name': text, Description: optional(longText) },
}

/** What somebody at a level of an element can do, by example. */
export const onetAnchors: FileShape = {
  name: 'Level Scale Anchors',
  format: 'tabs',
  stagedAs: 'staged_onet_anchors',
  columns: {
    'Element ID': elementId,
    'Element Name': text,
    'Scale ID': matching(/^[A-Z0-9]{1,4}$/, 'the id of a scale, such as LV'),
    'Anchor Value': wholeNumber,
    'Anchor Description': longText,
  },
}
