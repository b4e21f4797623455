import { code, fact, key, mention, type RoomMap, subject } from '../vocabulary.ts'

export const notifyMap: RoomMap<'notifications'> = {
  notifications: {
    holds: 'Messages to a person inside the product.',
    about: 'person',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      id: key,
      user_id: subject,
      kind: code,
      subject: mention('text'),
      body: mention('text'),
      data: mention('json'),
      created_at: fact,
      read_at: fact,
      email_state: code,
    },
  },
}
