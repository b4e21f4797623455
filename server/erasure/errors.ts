import { defineErrors, listed } from '../platform/errors.ts'

/** What is wrong with an erasure request. */
export const erasureError = defineErrors({
  'user.not_deleted': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `Delete ${d.ids.length === 1 ? 'this user' : 'these users'} first; only deleted users can be purged or anonymized: ${listed(d.ids)}.`,
    hint: () => '"lethe user delete" deletes them, and --delete-first does so together with the request.',
  },
  'erasure.not_found': {
    kind: 'not_found',
    message: (d: { request: string }) => `There is no erasure request ${d.request} in this tenant.`,
    hint: () => '"lethe erasure list" lists the requests.',
  },
  'erasure.none': {
    kind: 'not_found',
    message: () => 'This tenant has no erasure request yet.',
    hint: () => '"lethe purge" makes one.',
  },
  'erasure.wrong_state': {
    kind: 'conflict',
    message: (d: { act: string; state: string; needed: string }) =>
      `An erasure request that is ${d.state} cannot be ${d.act}; it must be ${d.needed}.`,
  },
  'contact.is_user': {
    kind: 'conflict',
    message: (d: { ids: string[] }) =>
      `This address, or one that is easily confused with it, belongs to ${d.ids.length === 1 ? 'a user' : 'users'} of this tenant (id ${listed(d.ids)}), now or before a change. Purge the user instead, or name another address.`,
    hint: () => '"lethe user show --id ID" shows the user.',
  },
  'retention.not_found': {
    kind: 'not_found',
    message: (d: { policy: string }) => `There is no retention policy ${d.policy} in this tenant.`,
    hint: () => '"lethe retention list" lists the retention policies.',
  },
  'retention.no_run': {
    kind: 'not_found',
    message: (d: { run: string }) => `There is no run ${d.run} of a retention policy in this tenant.`,
    hint: () => '"lethe retention runs" lists the runs.',
  },
  'retention.other_people': {
    kind: 'conflict',
    message: (d: { expected: number; found: number }) =>
      `The retention policy would purge ${d.found} ${d.found === 1 ? 'person' : 'people'} now, not ${d.expected}. Nothing was changed. Preview the policy again, and name the number that it shows.`,
    hint: () => '"lethe retention preview POLICY" lists these people.',
  },
  'plan.not_found': {
    kind: 'not_found',
    message: () =>
      'There is no such plan in this tenant, or it expired more than an hour ago. Make a new preview and name its plan.',
    hint: () => '"lethe preview" shows a new plan.',
  },
  'plan.expired': {
    kind: 'conflict',
    message: () =>
      'This plan has expired: the hour in which a request may name it is over. Make a new preview and name its plan.',
    hint: () => '"lethe preview" shows a new plan.',
  },
  'plan.other_requester': {
    kind: 'conflict',
    message: () =>
      'This plan belongs to the preview of another user, key or client. A request names a plan of its own requester: make a preview yourself and name its plan.',
    hint: () => 'A preview with --as belongs to that user. Repeat the preview with the same --as, or without it.',
  },
  'plan.other_operation': {
    kind: 'conflict',
    message: (d: { planned: string; wanted: string }) =>
      `This plan is for the operation ${d.planned}, and the request is for ${d.wanted}. Make a preview of ${d.wanted} and name its plan.`,
  },
  'plan.other_options': {
    kind: 'conflict',
    message: (d: { planned: boolean; wanted: boolean }) =>
      `This plan was made with delete_first ${d.planned}, and the request has ${d.wanted}. Make a preview with the same options and name its plan.`,
  },
  'plan.other_map_version': {
    kind: 'conflict',
    message: () =>
      'This plan was made under another version of the data map, before an update of Lethe. Make a new preview and name its plan.',
    hint: () => '"lethe preview" shows a new plan.',
  },
  'plan.other_people': {
    kind: 'conflict',
    message: (d: { added: number; missing: number }) =>
      `The request does not name the people of its plan: ${d.added} are not in the plan, and ${d.missing} of the plan are missing. Name the plan alone, or make a preview of the people that you mean.`,
  },
  'plan.other_contact': {
    kind: 'conflict',
    message: () => 'This plan is not the plan of this contact. Make a preview of the contact and name its plan.',
    hint: () => '"lethe preview --contact ADDRESS" shows the plan.',
  },
  'erasure.of_contact': {
    kind: 'conflict',
    message: (d: { request: string }) =>
      `Erasure request ${d.request} is for a contact, and has ended without its address. Make a preview of the contact, and a new request that names its plan.`,
    hint: () => '"lethe purge --contact ADDRESS" shows the preview and makes the request.',
  },
  'plan.not_of_request': {
    kind: 'conflict',
    message: (d: { people: number }) =>
      `${d.people} people of this plan do not wait for a confirmation in this request. Make a preview of those whose plan changed, and name its plan.`,
    hint: () => '"lethe erasure confirm REQUEST" makes the preview of the right people.',
  },
  'group.held': {
    kind: 'conflict',
    message: (d: { holds: { id: string; reason: string }[] }) =>
      `The group cannot be deleted: a legal hold covers its members through it (${listed(d.holds.map(({ id, reason }) => `${id}, ${reason}`))}). Release the hold first, or place another one on the people by name.`,
    hint: () => '"lethe hold show HOLD" lists the people, "lethe hold release HOLD" releases the hold.',
  },
  'group.excluded': {
    kind: 'conflict',
    message: (d: { policies: string[] }) =>
      `The group cannot be deleted: ${d.policies.length === 1 ? 'a retention policy leaves' : 'retention policies leave'} out its members (${listed(d.policies)}). Take the group out of the policy first.`,
    hint: () => '"lethe retention update POLICY" changes the groups that a policy leaves out.',
  },
  'group.other_members': {
    kind: 'conflict',
    message: (d: { expected: number; found: number }) =>
      `The group has ${d.found} ${d.found === 1 ? 'member' : 'members'}, not ${d.expected} as expected. Nothing was deleted. Preview the deletion again.`,
  },
  'match.not_found': {
    kind: 'not_found',
    message: (d: { id: string }) => `Nothing that waits for your decision has the id ${d.id}.`,
    hint: () => '"lethe reach list" and "lethe proposal list" list what waits.',
  },
  'match.decided': {
    kind: 'conflict',
    message: (d: { id: string; state: string }) => `The decision about ${d.id} was made already: ${d.state}.`,
  },
  'match.gone': {
    kind: 'conflict',
    message: (d: { id: string }) => `The user that ${d.id} is about was erased meanwhile. Refuse it to end it.`,
  },
  'erasure.no_worker': {
    kind: 'unavailable',
    message: () =>
      'No worker is running, so the user cannot be erased now. Nothing was changed. Try again once a worker runs.',
    hint: () => '"lethe serve" works on erasure requests.',
  },
  'erasure.not_ended': {
    kind: 'unavailable',
    message: (d: { request: string }) =>
      `The erasure takes longer than this call can wait. Request ${d.request} continues. Another call waits for the same request.`,
  },
  'erasure.failed': {
    kind: 'failed',
    message: (d: { request: string }) =>
      `The erasure failed. The user is deleted and not erased yet. Request ${d.request} says why; it can be tried again.`,
    hint: () => '"lethe erasure retry REQUEST" tries it again.',
  },
  'erasure.own': {
    kind: 'forbidden',
    message: () =>
      'A person cannot purge or anonymize themselves. Ask another administrator, or leave that person out of the request.',
  },
  'erasure.own_approval': {
    kind: 'forbidden',
    message: () =>
      'The person who made an erasure request cannot decide about it. Another administrator or privacy officer must do that. The creator of an API key or OAuth client counts as the person who made its requests.',
  },
  'erasure.approver_needed': {
    kind: 'forbidden',
    message: () => 'Only a person can approve or refuse an erasure request. Sign in as that person.',
    hint: () => 'Name the person with --as.',
  },
  'erasure.no_subjects': {
    kind: 'input',
    message: () =>
      'The erasure request names no person. Name at least one, or use a filter that matches a deleted user.',
    hint: () => '"lethe user list --state deleted" lists the deleted users.',
  },
  'erasure.other_people': {
    kind: 'conflict',
    message: (d: { expected: number; found: number }) =>
      `The selection has ${d.found} ${d.found === 1 ? 'person' : 'people'}, not ${d.expected}. Nothing was requested. Preview it again.`,
  },
})
