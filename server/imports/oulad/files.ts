import { days, decimal, type Field, flag, matching, oneOf, optional, text, wholeNumber } from '../fields.ts'
import type { FileShape } from '../table-file.ts'

/** A module's code, such as AAA, and a presentation of it: the year, and B for February or J for October. */
const presentation = {
  code_module: matching(/^[A-Za-z0-9]{1,20}$/, 'a code of 1 to 20 letters and digits'),
  code_presentation: matching(/^\d{4}[BJ]$/, 'a year followed by B or J'),
}

/** A spreadsheet made this of 10-20% (in GB 18030), in 3,516 rows of the published file. */
const mangledBand = Buffer.from('3130d4c23230c8d5', 'hex').toString('latin1')

const deprivationBand: Field = {
  ...text,
  read: (cell) => (cell === mangledBand || cell === '10-20' ? '10-20%' : text.read(cell)),
}

const courses: FileShape = {
  name: 'courses',
  stagedAs: 'staged_courses',
  columns: { ...presentation, module_presentation_length: wholeNumber },
}

const assessments: FileShape = {
  name: 'assessments',
  stagedAs: 'staged_assessments',
  columns: {
    ...presentation,
    id_assessment: wholeNumber,
    assessment_type: text,
    date: optional(days),
    weight: optional(decimal),
  },
}

const vle: FileShape = {
  name: 'vle',
  stagedAs: 'staged_vle',
  columns: {
    id_site: wholeNumber,
    ...presentation,
    activity_type: text,
    week_from: optional(wholeNumber),
    week_to: optional(wholeNumber),
  },
}

const studentInfo: FileShape = {
  name: 'studentInfo',
  stagedAs: 'staged_student_info',
  columns: {
    ...presentation,
    id_student: wholeNumber,
    gender: optional(text),
    region: optional(text),
    highest_education: optional(text),
    imd_band: optional(deprivationBand),
    age_band: optional(text),
    num_of_prev_attempts: wholeNumber,
    studied_credits: optional(wholeNumber),
    disability: optional(text),
    final_result: optional(oneOf('Pass', 'Distinction', 'Fail', 'Withdrawn')),
  },
}

const studentRegistration: FileShape = {
  name: 'studentRegistration',
  stagedAs: 'staged_student_registration',
  columns: {
    ...presentation,
    id_student: wholeNumber,
    date_registration: optional(days),
    date_unregistration: optional(days),
  },
}

const studentAssessment: FileShape = {
  name: 'studentAssessment',
  stagedAs: 'staged_student_assessment',
  columns: {
    id_assessment: wholeNumber,
    id_student: wholeNumber,
    date_submitted: optional(days),
    is_banked: flag,
    score: optional(decimal),
  },
}

const studentVle: FileShape = {
  name: 'studentVle',
  anyEnding: true,
  stagedAs: 'staged_student_vle',
  columns: { ...presentation, id_student: wholeNumber, id_site: wholeNumber, date: days, sum_click: wholeNumber },
}

/** The files of the data set, in the order in which the result names them. */
export const ouladFiles = {
  courses,
  studentInfo,
  studentRegistration,
  assessments,
  studentAssessment,
  vle,
  studentVle,
} satisfies Record<string, FileShape>
