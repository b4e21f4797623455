export type IdentifierKind = 'email' | 'login_name' | 'directory_object_id' | 'ref' | 'external_identity_id'
