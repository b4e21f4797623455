import { deletion, fact, key, mention, type RoomMap, reference, subject } from '../vocabulary.ts'

export const directoryMap: RoomMap<'directory_groups' | 'group_members' | 'reappearances'> = {
  directory_groups: {
    holds: 'Groups of the directory. The directory decides who is in them.',
    about: 'other',
    columns: {
      tenant_id: key,
      id: key,
      directory_object_id: reference,
      display_name: mention('text'),
      description: mention('text'),
      created_at: fact,
    },
  },
  group_members: {
    holds: 'Who is in which group of the directory.',
    about: 'person',
    scope: 'person',
    onDelete: 'deactivate',
    anonymize: 'delete',
    columns: { tenant_id: key, group_id: reference, user_id: subject, deletion_id: deletion, added_at: fact },
  },
  reappearances: {
    holds:
      'Who had been purged and came back, with a group, an import or a new account, and which erasure request had purged the person.',
    about: 'person',
    scope: 'person',
    onDelete: 'keep',
    anonymize: 'delete',
    columns: {
      tenant_id: key,
      user_id: subject,
      group_id: reference,
      import_run_id: reference,
      request_id: reference,
      reappeared_at: fact,
    },
  },
}
