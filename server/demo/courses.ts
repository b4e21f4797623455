import type { CourseKind } from '../learning/courses/create-course.ts'

/** What the academy of the demo teaches. */
export type CourseDraft = {
  title: string
  kind: CourseKind
  description: string
  modules: readonly string[]
  assessments: readonly string[]
  /** The skill that whoever completes the course may be awarded. */
  skill?: string
}

export type CatalogDraft = { title: string; description: string; courses: readonly CourseDraft[] }

const course = (
  title: string,
  kind: CourseKind,
  description: string,
  modules: string,
  assessments: string,
  skill?: string,
): CourseDraft => ({
  title,
  kind,
  description,
  modules: modules.split(', '),
  assessments: assessments.split(', '),
  ...(skill !== undefined && { skill }),
})

export const catalogs: readonly CatalogDraft[] = [
  {
    title: 'Safety first',
    description: 'What everybody must know before the first day, and again every year.',
    courses: [
      course(
        'Fire, and what not to do about it',
        'e_learning',
        'Alarms, exits, extinguishers, and why the lift stays where it is.',
        'How fires start, Alarms and exits, Extinguishers by color, The meeting point',
        'Evacuation quiz, Walk your way out',
        'Fire warden',
      ),
      course(
        'First aid for busy hands',
        'classroom',
        'A day of bandages, breathing and keeping calm.',
        'Look and call, Breathing and pulse, Burns and cuts, The recovery position',
        'Practical test, First aid quiz',
        'First aider',
      ),
      course(
        'Lifting without regrets',
        'e_learning',
        'Your back has one job. Help it.',
        'How a back works, Lift with the legs, Trolleys and teamwork',
        'Lifting quiz',
      ),
      course(
        'Hazardous substances in plain words',
        'webinar',
        'Symbols, labels, storage, and whom to ask.',
        'Nine symbols, Reading a data sheet, Storage, When it spills',
        'Symbols test, Case: the blue barrel',
        'Substance handler',
      ),
    ],
  },
  {
    title: 'Digital skills',
    description: 'From the first spreadsheet to a small program of your own.',
    courses: [
      course(
        'Spreadsheets that do not lie',
        'e_learning',
        'Formulas, checks and charts that somebody else can follow.',
        'Cells and types, Formulas, Finding the error, Charts, Sharing a sheet',
        'Repair a budget, Formula quiz',
        'Spreadsheets',
      ),
      course(
        'A first program in an afternoon',
        'e_learning',
        'Write, run, break and mend a small program.',
        'Values, Decisions, Loops, Functions, Reading errors',
        'Guess my number, Program of your own',
        'Programming',
      ),
      course(
        'Passwords, phishing and other fish',
        'e_learning',
        'Recognize a trap before you step into it.',
        'Long beats clever, Anatomy of a lure, Two factors, What to do after a click',
        'Phishing quiz',
        'Security awareness',
      ),
      course(
        'Data protection for people who collect data',
        'webinar',
        'What may be kept, for how long, and how it is forgotten.',
        'Whose data is it, Purpose and time, Requests of people, Forgetting for good',
        'Case: the leaver, Terms quiz',
        'Data protection',
      ),
    ],
  },
  {
    title: 'Leading and working together',
    description: 'For those who lead, and for those who are led.',
    courses: [
      course(
        'Feedback that lands',
        'classroom',
        'Say what you saw, what it did, and what you wish.',
        'Seeing and judging, The sentence, Taking it, A week of practice',
        'Role play, Reflection',
        'Feedback',
      ),
      course(
        'Meetings that could not have been an e-mail',
        'webinar',
        'Aim, agenda, end. In that order.',
        'Does it need a meeting, Agenda, Moderation, Minutes nobody hates',
        'Write an agenda',
      ),
      course(
        'Conflict for beginners',
        'classroom',
        'Two people, one window, one wants it open.',
        'Positions and interests, Listening, Fair and unfair means, Asking for help',
        'Role play, Conflict diary',
        'Mediation',
      ),
    ],
  },
  {
    title: 'Languages',
    description: 'Talk to your colleagues in their own words.',
    courses: [
      course(
        'Español para la cafetería',
        'webinar',
        'Enough Spanish to order, to thank and to gossip.',
        '¿Qué tal?, Comer y beber, Números y precios, Despedidas',
        'Oral test, Vocabulary',
        'Spanish',
      ),
      course(
        'Deutsch für die Werkstatt',
        'classroom',
        'Schrauben, Muttern und der Dativ.',
        'Werkzeuge, Bitte und Danke, Maße und Zahlen, Störungen melden',
        'Mündliche Prüfung, Wortschatz',
        'German',
      ),
      course(
        '日本語のあいさつ',
        'e_learning',
        'Greetings, bows and business cards.',
        'おはよう, はじめまして, 名刺, お先に失礼します',
        'Greeting test',
        'Japanese',
      ),
    ],
  },
  {
    title: 'Kitchen and craft',
    description: 'Things that can be eaten, worn or put on a shelf.',
    courses: [
      course(
        'Sourdough, a love story',
        'classroom',
        'Flour, water, patience.',
        'The starter, Kneading, Waiting, Baking, Eating',
        'Bring a loaf, Starter diary',
        'Baking',
      ),
      course(
        'Knife skills, ten fingers',
        'classroom',
        'How to keep all of them.',
        'Grip, The claw, Onions, Sharpening',
        'Practical test',
        'Knife skills',
      ),
      course(
        'Mending what others throw away',
        'e_learning',
        'Needle, glue and a second life.',
        'Seams, Darning, Glue and clamps, When to let go',
        'Mend something',
      ),
    ],
  },
  {
    title: 'Science for everybody',
    description: 'Curiosity is the only entrance requirement.',
    courses: [
      course(
        'The sky above the car park',
        'webinar',
        'What can be seen without a telescope.',
        'Planets, Why stars twinkle, The moon tonight, Satellites',
        'Star map, Observation log',
      ),
      course(
        'Statistics without tears',
        'e_learning',
        'Averages, spread, and the art of doubt.',
        'Which average, Spread, Chance, Two groups, Charts that mislead',
        'Find the trick, Data of your own',
        'Statistics',
      ),
      course(
        'Mushrooms, moss and other neighbors',
        'classroom',
        'A slow walk in a small wood.',
        'What to bring, Moss, Mushrooms, Leave no trace',
        'Field notes',
      ),
    ],
  },
]

/** Training plans by title: the courses that they consist of, in order. */
export const trainingPlans: Readonly<Record<string, readonly string[]>> = {
  'Welcome to the academy': [
    'Fire, and what not to do about it',
    'Passwords, phishing and other fish',
    'Lifting without regrets',
  ],
  'New team leads': ['Feedback that lands', 'Meetings that could not have been an e-mail', 'Conflict for beginners'],
  'Careful with data': [
    'Data protection for people who collect data',
    'Spreadsheets that do not lie',
    'Statistics without tears',
  ],
  'Workshop ready': ['First aid for busy hands', 'Hazardous substances in plain words', 'Deutsch für die Werkstatt'],
}

/** Sentences of the discussions; {who} is a colleague's e-mail address. */
export const questions: readonly string[] = [
  'Which module did you find the hardest?',
  'Is anybody else stuck at the second assessment?',
  'Does the session next week take place? Please tell {who} too.',
  'I could not open the video. Who looks after it, still {who}?',
  'Would somebody like to learn together on Thursdays?',
  'Thank you for this course! I laughed more than once.',
  'The example in the third module has a mistake, I think.',
  'Wo finde ich die Unterlagen vom letzten Mal?',
  '¿Alguien tiene los apuntes de ayer? Mi correo es {who}.',
  '資料はどこにありますか。',
]

export const replies: readonly string[] = [
  'Same here.',
  'Try it again after lunch, then it worked for me.',
  'Write to {who}, who helped me at once.',
  'I am in! See you on Thursday.',
  'It is the fourth tab, well hidden.',
  '{who} has the slides.',
  'Danke, das hat geholfen.',
  'ありがとうございます。',
  'I disagree, and I have a drawing to prove it.',
]

export const opinions: readonly string[] = [
  'Short, clear, funny.',
  'A bit long in the middle.',
  'I use it every day now.',
  'The teacher is a treasure.',
  'Too easy for me, good for beginners.',
  'Ask {who} for the extra exercises, they are the best part.',
]

export const feedback: readonly string[] = [
  'Well argued. Mind the units.',
  'Good start, please add an example.',
  'Excellent, may I show this to others?',
  'Correct, but how did you get there?',
]

export const revokeReasons: readonly string[] = [
  'The certificate has expired.',
  'Awarded by mistake.',
  'The refresher was not attended.',
  'Level corrected after a second look.',
]

export const departments: readonly string[] = [
  'Bakery',
  'Workshop',
  'Garden',
  'Library',
  'Laboratory',
  'Kitchen',
  'Front desk',
  'Night shift',
]

export const jobTitles: readonly string[] = [
  'Apprentice',
  'Baker',
  'Gardener',
  'Librarian',
  'Technician',
  'Cook',
  'Receptionist',
  'Night watch',
  'Analyst',
  'Team lead',
]
