-- The words of a kept export as keyed hashes, written with its end: whether it may hold an identifier of a person who is
-- erased. Null until then, and in exports from before there were words, which may hold anything.
alter table exports add column words bytea;
alter table exports alter column words set storage external;
-- Hashes of words of people who were erased while the export is written: at its end it is looked for them.
alter table exports add column erased_words bigint[] not null default '{}';
-- Its content was destroyed because somebody who stood in it was erased.
alter table exports add column withdrawn_at timestamptz;
alter table exports drop constraint exports_state_check;
alter table exports add constraint exports_state_check
  check (state in ('waiting', 'running', 'ready', 'failed', 'withdrawn'));
create index exports_with_content on exports (tenant_id, id) where sealed_key is not null;
