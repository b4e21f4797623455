/** What is sealed under the key of a person is bound to this: values of audit entries, and identifiers of before. */
export const valuesPurpose = 'values of an audit entry'
