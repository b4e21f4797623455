-- Hashes of the identifiers of one person, under a key that only this person's proof names. The certificate covers their
-- digest, so that each person can be given a proof of their own line that says nothing of the others. Null: erased before
-- there were such proofs, or not erased.
alter table erasure_subjects add column commitments text;
