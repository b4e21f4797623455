-- What anonymize leaves of the custom fields, none by default, and how many people must have the same values in them before
-- nobody is singled out by them.
alter table tenants
  add column surviving_fields text[] not null default '{}',
  add column singled_out_below integer not null default 5 check (singled_out_below > 0);

-- How the certificate of an anonymize request names the person: keyed hashes of the identifiers under a salt that was
-- returned once and is stored nowhere.
alter table erasure_subjects add column salted_hashes text;
