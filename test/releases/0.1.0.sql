
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA graphile_worker;

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE TYPE graphile_worker.job_spec AS (
	identifier text,
	payload json,
	queue_name text,
	run_at timestamp with time zone,
	max_attempts smallint,
	job_key text,
	priority smallint,
	flags text[]
);

SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE TABLE graphile_worker._private_jobs (
    id bigint NOT NULL,
    job_queue_id integer,
    task_id integer NOT NULL,
    payload json DEFAULT '{}'::json NOT NULL,
    priority smallint DEFAULT 0 NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 25 NOT NULL,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    key text,
    locked_at timestamp with time zone,
    locked_by text,
    revision integer DEFAULT 0 NOT NULL,
    flags jsonb,
    is_available boolean GENERATED ALWAYS AS (((locked_at IS NULL) AND (attempts < max_attempts))) STORED NOT NULL,
    CONSTRAINT jobs_key_check CHECK (((length(key) > 0) AND (length(key) <= 512))),
    CONSTRAINT jobs_max_attempts_check CHECK ((max_attempts >= 1))
);

CREATE FUNCTION graphile_worker.add_job(identifier text, payload json DEFAULT NULL::json, queue_name text DEFAULT NULL::text, run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, max_attempts integer DEFAULT NULL::integer, job_key text DEFAULT NULL::text, priority integer DEFAULT NULL::integer, flags text[] DEFAULT NULL::text[], job_key_mode text DEFAULT 'replace'::text) RETURNS graphile_worker._private_jobs
    LANGUAGE plpgsql
    AS $$
declare
  v_job "graphile_worker"._private_jobs;
begin
  if (job_key is null or job_key_mode is null or job_key_mode in ('replace', 'preserve_run_at')) then
    select * into v_job
    from "graphile_worker".add_jobs(
      ARRAY[(
        identifier,
        payload,
        queue_name,
        run_at,
        max_attempts::smallint,
        job_key,
        priority::smallint,
        flags
      )::"graphile_worker".job_spec],
      (job_key_mode = 'preserve_run_at')
    )
    limit 1;
    return v_job;
  elsif job_key_mode = 'unsafe_dedupe' then
    -- Ensure all the tasks exist (insert only missing identifiers so identity is not consumed)
    insert into "graphile_worker"._private_tasks as tasks (identifier)
    select add_job.identifier
    where not exists (
      select 1
      from "graphile_worker"._private_tasks as existing
      where existing.identifier = add_job.identifier
    )
    on conflict do nothing;
    -- Ensure all the queues exist
    if add_job.queue_name is not null then
      insert into "graphile_worker"._private_job_queues as job_queues (queue_name)
      select add_job.queue_name
      where not exists (
        select 1
        from "graphile_worker"._private_job_queues as existing
        where existing.queue_name = add_job.queue_name
      )
      on conflict do nothing;
    end if;
    -- Insert job, but if one already exists then do nothing, even if the
    -- existing job has already started (and thus represents an out-of-date
    -- world state). This is dangerous because it means that whatever state
    -- change triggered this add_job may not be acted upon (since it happened
    -- after the existing job started executing, but no further job is being
    -- scheduled), but it is useful in very rare circumstances for
    -- de-duplication. If in doubt, DO NOT USE THIS.
    insert into "graphile_worker"._private_jobs as jobs (
      job_queue_id,
      task_id,
      payload,
      run_at,
      max_attempts,
      key,
      priority,
      flags
    )
      select
        job_queues.id,
        tasks.id,
        coalesce(add_job.payload, '{}'::json),
        coalesce(add_job.run_at, now()),
        coalesce(add_job.max_attempts::smallint, 25::smallint),
        add_job.job_key,
        coalesce(add_job.priority::smallint, 0::smallint),
        (
          select jsonb_object_agg(flag, true)
          from unnest(add_job.flags) as item(flag)
        )
      from "graphile_worker"._private_tasks as tasks
      left join "graphile_worker"._private_job_queues as job_queues
      on job_queues.queue_name = add_job.queue_name
      where tasks.identifier = add_job.identifier
    on conflict (key)
      -- Bump the updated_at so that there's something to return
      do update set
        revision = jobs.revision + 1,
        updated_at = now()
      returning *
      into v_job;
    if v_job.revision = 0 then
      perform pg_notify('jobs:insert', '{"r":' || random()::text || ',"count":1}');
    end if;
    return v_job;
  else
    raise exception 'Invalid job_key_mode value, expected ''replace'', ''preserve_run_at'' or ''unsafe_dedupe''.' using errcode = 'GWBKM';
  end if;
end;
$$;

CREATE FUNCTION graphile_worker.add_jobs(specs graphile_worker.job_spec[], job_key_preserve_run_at boolean DEFAULT false) RETURNS SETOF graphile_worker._private_jobs
    LANGUAGE plpgsql
    AS $$
begin
  -- Ensure all the tasks exist (insert only missing identifiers so identity is not consumed)
  insert into "graphile_worker"._private_tasks as tasks (identifier)
  select distinct spec.identifier
  from unnest(specs) spec
  where not exists (
    select 1
    from "graphile_worker"._private_tasks as existing
    where existing.identifier = spec.identifier
  )
  on conflict do nothing;
  -- Ensure all the queues exist
  insert into "graphile_worker"._private_job_queues as job_queues (queue_name)
  select distinct spec.queue_name
  from unnest(specs) spec
  where spec.queue_name is not null
  and not exists (
    select 1
    from "graphile_worker"._private_job_queues as existing
    where existing.queue_name = spec.queue_name
  )
  on conflict do nothing;
  -- Ensure any locked jobs have their key cleared - in the case of locked
  -- existing job create a new job instead as it must have already started
  -- executing (i.e. it's world state is out of date, and the fact add_job
  -- has been called again implies there's new information that needs to be
  -- acted upon).
  update "graphile_worker"._private_jobs as jobs
  set
    key = null,
    attempts = jobs.max_attempts,
    updated_at = now()
  from unnest(specs) spec
  where spec.job_key is not null
  and jobs.key = spec.job_key
  and is_available is not true;

  -- WARNING: this count is not 100% accurate; 'on conflict' clause will cause it to be an overestimate
  perform pg_notify('jobs:insert', '{"r":' || random()::text || ',"count":' || array_length(specs, 1)::text || '}');

  -- TODO: is there a risk that a conflict could occur depending on the
  -- isolation level?
  return query insert into "graphile_worker"._private_jobs as jobs (
    job_queue_id,
    task_id,
    payload,
    run_at,
    max_attempts,
    key,
    priority,
    flags
  )
    select
      job_queues.id,
      tasks.id,
      coalesce(spec.payload, '{}'::json),
      coalesce(spec.run_at, now()),
      coalesce(spec.max_attempts, 25),
      spec.job_key,
      coalesce(spec.priority, 0),
      (
        select jsonb_object_agg(flag, true)
        from unnest(spec.flags) as item(flag)
      )
    from unnest(specs) spec
    inner join "graphile_worker"._private_tasks as tasks
    on tasks.identifier = spec.identifier
    left join "graphile_worker"._private_job_queues as job_queues
    on job_queues.queue_name = spec.queue_name
  on conflict (key) do update set
    job_queue_id = excluded.job_queue_id,
    task_id = excluded.task_id,
    payload =
      case
      when json_typeof(jobs.payload) = 'array' and json_typeof(excluded.payload) = 'array' then
        (jobs.payload::jsonb || excluded.payload::jsonb)::json
      else
        excluded.payload
      end,
    max_attempts = excluded.max_attempts,
    run_at = (case
      when job_key_preserve_run_at is true and jobs.attempts = 0 then jobs.run_at
      else excluded.run_at
    end),
    priority = excluded.priority,
    revision = jobs.revision + 1,
    flags = excluded.flags,
    -- always reset error/retry state
    attempts = 0,
    last_error = null,
    updated_at = now()
  where jobs.locked_at is null
  returning *;
end;
$$;

CREATE FUNCTION graphile_worker.complete_jobs(job_ids bigint[]) RETURNS SETOF graphile_worker._private_jobs
    LANGUAGE sql
    AS $$
  delete from "graphile_worker"._private_jobs as jobs
    where id = any(job_ids)
    and (
      locked_at is null
    or
      locked_at < now() - interval '4 hours'
    )
    returning *;
$$;

CREATE FUNCTION graphile_worker.force_unlock_workers(worker_ids text[]) RETURNS void
    LANGUAGE sql
    AS $$
update "graphile_worker"._private_jobs as jobs
set locked_at = null, locked_by = null
where locked_by = any(worker_ids);
update "graphile_worker"._private_job_queues as job_queues
set locked_at = null, locked_by = null
where locked_by = any(worker_ids);
$$;

CREATE FUNCTION graphile_worker.permanently_fail_jobs(job_ids bigint[], error_message text DEFAULT NULL::text) RETURNS SETOF graphile_worker._private_jobs
    LANGUAGE sql
    AS $$
  update "graphile_worker"._private_jobs as jobs
    set
      last_error = coalesce(error_message, 'Manually marked as failed'),
      attempts = max_attempts,
      updated_at = now()
    where id = any(job_ids)
    and (
      locked_at is null
    or
      locked_at < NOW() - interval '4 hours'
    )
    returning *;
$$;

CREATE FUNCTION graphile_worker.remove_job(job_key text) RETURNS graphile_worker._private_jobs
    LANGUAGE plpgsql STRICT
    AS $$
declare
  v_job "graphile_worker"._private_jobs;
begin
  -- Delete job if not locked
  delete from "graphile_worker"._private_jobs as jobs
    where key = job_key
    and (
      locked_at is null
    or
      locked_at < NOW() - interval '4 hours'
    )
  returning * into v_job;
  if not (v_job is null) then
    perform pg_notify('jobs:insert', '{"r":' || random()::text || ',"count":-1}');
    return v_job;
  end if;
  -- Otherwise prevent job from retrying, and clear the key
  update "graphile_worker"._private_jobs as jobs
  set
    key = null,
    attempts = jobs.max_attempts,
    updated_at = now()
  where key = job_key
  returning * into v_job;
  return v_job;
end;
$$;

CREATE FUNCTION graphile_worker.reschedule_jobs(job_ids bigint[], run_at timestamp with time zone DEFAULT NULL::timestamp with time zone, priority integer DEFAULT NULL::integer, attempts integer DEFAULT NULL::integer, max_attempts integer DEFAULT NULL::integer) RETURNS SETOF graphile_worker._private_jobs
    LANGUAGE sql
    AS $$
  update "graphile_worker"._private_jobs as jobs
    set
      run_at = coalesce(reschedule_jobs.run_at, jobs.run_at),
      priority = coalesce(reschedule_jobs.priority::smallint, jobs.priority),
      attempts = coalesce(reschedule_jobs.attempts::smallint, jobs.attempts),
      max_attempts = coalesce(reschedule_jobs.max_attempts::smallint, jobs.max_attempts),
      updated_at = now()
    where id = any(job_ids)
    and (
      locked_at is null
    or
      locked_at < NOW() - interval '4 hours'
    )
    returning *;
$$;

CREATE FUNCTION public.audit_entry_id(at timestamp with time zone) RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    AS $$
  select encode(
    int8send(
      ((date_part('epoch', at) * 1000000)::bigint / 1000 << 16) | 28672
      | ((date_part('epoch', at) * 1000000)::bigint % 1000 * 4096 / 1000)
    ) || substring(uuid_send(gen_random_uuid()) from 9),
    'hex'
  )::uuid
$$;

CREATE FUNCTION public.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
  select nullif(current_setting('lethe.tenant_id', true), '')::uuid
$$;

CREATE FUNCTION public.expired_exports() RETURNS TABLE(tenant_id uuid, export_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select e.tenant_id, e.id from public.exports e where e.sealed_key is not null and e.expires_at <= now()
$$;

CREATE FUNCTION public.live_api_key(hash bytea) RETURNS TABLE(tenant_id uuid, key_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select k.tenant_id, k.id from public.api_keys k
  where k.secret_hash = hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
$$;

CREATE FUNCTION public.live_oauth_client(client_tenant uuid, client_id uuid) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select c.id from public.oauth_clients c
  where c.tenant_id = client_tenant and c.id = client_id and c.revoked_at is null
$$;

CREATE FUNCTION public.normal_identifier(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
  select lower(normalize(btrim(value)))
$$;

CREATE FUNCTION public.normal_login_name(value text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    AS $$
  select lower(normalize(btrim(regexp_replace(value, '^.*\|', ''))))
$$;

CREATE FUNCTION public.refuse_to_change_sealed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
  raise exception 'a sealed entry of the audit trail is never changed' using errcode = 'restrict_violation';
end
$$;

CREATE PROCEDURE public.separate_tenants(IN tenant_table regclass, IN tenant_column text DEFAULT 'tenant_id'::text)
    LANGUAGE plpgsql
    AS $$
begin
  execute format('alter table %s enable row level security', tenant_table);
  execute format('alter table %s force row level security', tenant_table);
  execute format(
    'create policy tenant_separation on %s using (%I = current_tenant()) with check (%I = current_tenant())',
    tenant_table, tenant_column, tenant_column
  );
  execute format('create policy auditor_reads on %s for select to lethe_auditor using (true)', tenant_table);
  execute format('grant select, insert, update, delete on %s to lethe_app', tenant_table);
  execute format('grant select on %s to lethe_auditor', tenant_table);
end
$$;

CREATE FUNCTION public.tenant_id_of_name(tenant_name text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select id from public.tenants where name = tenant_name
$$;

CREATE FUNCTION public.tenant_ids() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select id from public.tenants order by created_at, id
$$;

CREATE FUNCTION public.tenants_with_unsealed_entries() RETURNS SETOF uuid
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select distinct tenant_id from public.audit_entries where sequence is null
$$;

CREATE FUNCTION public.unfinished_erasure_requests() RETURNS TABLE(tenant_id uuid, request_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public'
    AS $$
  select r.tenant_id, r.id from public.erasure_requests r where r.finished_at is null
$$;

CREATE FUNCTION public.uuid_v7() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    AS $$
  select encode(
    set_bit(
      set_bit(
        overlay(
          uuid_send(gen_random_uuid())
          placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6
        ),
        52, 1
      ),
      53, 1
    ),
    'hex'
  )::uuid
$$;

CREATE TABLE graphile_worker._private_job_queues (
    id integer NOT NULL,
    queue_name text NOT NULL,
    locked_at timestamp with time zone,
    locked_by text,
    is_available boolean GENERATED ALWAYS AS ((locked_at IS NULL)) STORED NOT NULL,
    CONSTRAINT job_queues_queue_name_check CHECK ((length(queue_name) <= 128))
);

CREATE TABLE graphile_worker._private_known_crontabs (
    identifier text NOT NULL,
    known_since timestamp with time zone NOT NULL,
    last_execution timestamp with time zone
);

CREATE TABLE graphile_worker._private_tasks (
    id integer NOT NULL,
    identifier text NOT NULL,
    CONSTRAINT tasks_identifier_check CHECK ((length(identifier) <= 128))
);

ALTER TABLE graphile_worker._private_job_queues ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME graphile_worker.job_queues_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW graphile_worker.jobs AS
 SELECT jobs.id,
    job_queues.queue_name,
    tasks.identifier AS task_identifier,
    jobs.priority,
    jobs.run_at,
    jobs.attempts,
    jobs.max_attempts,
    jobs.last_error,
    jobs.created_at,
    jobs.updated_at,
    jobs.key,
    jobs.locked_at,
    jobs.locked_by,
    jobs.revision,
    jobs.flags
   FROM ((graphile_worker._private_jobs jobs
     JOIN graphile_worker._private_tasks tasks ON ((tasks.id = jobs.task_id)))
     LEFT JOIN graphile_worker._private_job_queues job_queues ON ((job_queues.id = jobs.job_queue_id)));

ALTER TABLE graphile_worker._private_jobs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME graphile_worker.jobs_id_seq1
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE graphile_worker.migrations (
    id integer NOT NULL,
    ts timestamp with time zone DEFAULT now() NOT NULL,
    breaking boolean DEFAULT false NOT NULL
);

ALTER TABLE graphile_worker._private_tasks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME graphile_worker.tasks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.api_keys (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    kind text DEFAULT 'api_key'::text NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    secret_hash bytea NOT NULL,
    access text NOT NULL,
    owner_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT api_keys_access_check CHECK ((access = ANY (ARRAY['read_only'::text, 'full_control'::text]))),
    CONSTRAINT api_keys_kind_check CHECK ((kind = ANY (ARRAY['api_key'::text, 'thrive'::text])))
);

ALTER TABLE ONLY public.api_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.assessment_attempts (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    assessment_id uuid NOT NULL,
    attempt integer DEFAULT 1 NOT NULL,
    submitted_on date,
    score numeric,
    banked boolean DEFAULT false NOT NULL,
    graded_by uuid,
    feedback text
);

ALTER TABLE ONLY public.assessment_attempts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.assessments (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    course_id uuid NOT NULL,
    title text NOT NULL,
    kind text NOT NULL,
    weight numeric,
    due_on date,
    external_key text
);

ALTER TABLE ONLY public.assessments FORCE ROW LEVEL SECURITY;

CREATE TABLE public.audit_checkpoints (
    tenant_id uuid NOT NULL,
    sequence bigint NOT NULL,
    jws text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.audit_checkpoints FORCE ROW LEVEL SECURITY;

CREATE TABLE public.audit_entries (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    initiated_from text NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    activity text NOT NULL,
    object_kind text NOT NULL,
    object_id uuid,
    subject_id uuid,
    contact_hash bytea,
    details text DEFAULT '{}'::text NOT NULL,
    sealed_values bytea,
    sequence bigint,
    hash bytea,
    CONSTRAINT audit_entries_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['user'::text, 'operator'::text, 'api_key'::text, 'client'::text, 'command_line'::text, 'identity_provider'::text, 'policy'::text, 'ledger'::text, 'system'::text]))),
    CONSTRAINT audit_entries_check CHECK (((subject_id IS NULL) OR (contact_hash IS NULL))),
    CONSTRAINT audit_entries_check1 CHECK (((sequence IS NULL) = (hash IS NULL)))
);

ALTER TABLE ONLY public.audit_entries FORCE ROW LEVEL SECURITY;

CREATE TABLE public.catalog_groups (
    tenant_id uuid NOT NULL,
    catalog_id uuid NOT NULL,
    group_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.catalog_groups FORCE ROW LEVEL SECURITY;

CREATE TABLE public.catalog_members (
    tenant_id uuid NOT NULL,
    catalog_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text DEFAULT 'member'::text NOT NULL,
    deletion_id uuid,
    added_by uuid,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT catalog_members_role_check CHECK ((role = ANY (ARRAY['member'::text, 'administrator'::text])))
);

ALTER TABLE ONLY public.catalog_members FORCE ROW LEVEL SECURITY;

CREATE TABLE public.catalogs (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    title text NOT NULL,
    description text,
    contact_emails text[] DEFAULT '{}'::text[] NOT NULL,
    external_key text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT catalogs_contact_emails_check CHECK (((contact_emails)::text = lower((contact_emails)::text)))
);

ALTER TABLE ONLY public.catalogs FORCE ROW LEVEL SECURITY;

CREATE TABLE public.contact_keys (
    tenant_id uuid NOT NULL,
    hash bytea NOT NULL,
    sealed_key bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.contact_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.course_authors (
    tenant_id uuid NOT NULL,
    course_id uuid NOT NULL,
    user_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.course_authors FORCE ROW LEVEL SECURITY;

CREATE TABLE public.course_groups (
    tenant_id uuid NOT NULL,
    course_id uuid NOT NULL,
    group_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.course_groups FORCE ROW LEVEL SECURITY;

CREATE TABLE public.courses (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    catalog_id uuid NOT NULL,
    kind text DEFAULT 'e_learning'::text NOT NULL,
    title text NOT NULL,
    description text,
    contact_emails text[] DEFAULT '{}'::text[] NOT NULL,
    reply_to_email text,
    starts_on date,
    length_days integer,
    external_key text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT courses_contact_emails_check CHECK (((contact_emails)::text = lower((contact_emails)::text))),
    CONSTRAINT courses_kind_check CHECK ((kind = ANY (ARRAY['e_learning'::text, 'classroom'::text, 'webinar'::text]))),
    CONSTRAINT courses_reply_to_email_check CHECK ((reply_to_email = lower(reply_to_email)))
);

ALTER TABLE ONLY public.courses FORCE ROW LEVEL SECURITY;

CREATE TABLE public.directory_groups (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    directory_object_id uuid,
    display_name text NOT NULL,
    description text,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.directory_groups FORCE ROW LEVEL SECURITY;

CREATE TABLE public.enrollments (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    course_id uuid,
    training_plan_id uuid,
    session_id uuid,
    state text DEFAULT 'registered'::text NOT NULL,
    result text,
    registered_on date,
    withdrawn_on date,
    completed_at timestamp with time zone,
    previous_attempts integer DEFAULT 0 NOT NULL,
    credits integer,
    enrolled_by uuid,
    note text,
    deletion_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    unenrolled_at timestamp with time zone,
    unenrolled_by uuid,
    CONSTRAINT enrollments_check CHECK (((course_id IS NULL) <> (training_plan_id IS NULL))),
    CONSTRAINT enrollments_result_check CHECK ((result = ANY (ARRAY['pass'::text, 'distinction'::text, 'fail'::text, 'withdrawn'::text]))),
    CONSTRAINT enrollments_state_check CHECK ((state = ANY (ARRAY['registered'::text, 'in_progress'::text, 'completed'::text, 'failed'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY public.enrollments FORCE ROW LEVEL SECURITY;

CREATE TABLE public.erasure_certificates (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    number integer NOT NULL,
    kid text NOT NULL,
    jws text NOT NULL,
    issued_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.erasure_certificates FORCE ROW LEVEL SECURITY;

CREATE TABLE public.erasure_findings (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    request_id uuid,
    table_name text NOT NULL,
    column_name text NOT NULL,
    kind text NOT NULL,
    row_count bigint NOT NULL,
    found_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    CONSTRAINT erasure_findings_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'login_name'::text, 'directory_object_id'::text, 'ref'::text, 'external_identity_id'::text, 'internal_id'::text])))
);

ALTER TABLE ONLY public.erasure_findings FORCE ROW LEVEL SECURITY;

CREATE TABLE public.erasure_ledger (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    user_id uuid NOT NULL,
    operation text NOT NULL,
    map_version text NOT NULL,
    erased_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT erasure_ledger_map_version_check CHECK ((map_version ~ '^[0-9a-f]{16}$'::text)),
    CONSTRAINT erasure_ledger_operation_check CHECK ((operation = ANY (ARRAY['purge'::text, 'anonymize'::text])))
);

ALTER TABLE ONLY public.erasure_ledger FORCE ROW LEVEL SECURITY;

CREATE TABLE public.erasure_receipts (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    table_name text NOT NULL,
    effect text NOT NULL,
    row_count bigint NOT NULL
);

ALTER TABLE ONLY public.erasure_receipts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.erasure_requests (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    operation text NOT NULL,
    initiated_from text NOT NULL,
    requested_by uuid,
    reason text,
    sealed_key bytea,
    map_version text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    CONSTRAINT erasure_requests_initiated_from_check CHECK ((initiated_from = ANY (ARRAY['command_line'::text, 'console'::text, 'api'::text, 'identity_provider'::text, 'policy'::text, 'ledger'::text, 'system'::text]))),
    CONSTRAINT erasure_requests_operation_check CHECK ((operation = ANY (ARRAY['purge'::text, 'anonymize'::text])))
);

ALTER TABLE ONLY public.erasure_requests FORCE ROW LEVEL SECURITY;

CREATE TABLE public.erasure_steps (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    step text NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    removed bigint DEFAULT 0 NOT NULL,
    retained bigint DEFAULT 0 NOT NULL,
    shared bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    error_code text,
    error_reason text,
    CONSTRAINT erasure_steps_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text]))),
    CONSTRAINT erasure_steps_step_check CHECK ((step = ANY (ARRAY['resolve'::text, 'erase'::text, 'propagate'::text, 'verify'::text, 'certify'::text, 'search'::text, 'notify'::text])))
);

ALTER TABLE ONLY public.erasure_steps FORCE ROW LEVEL SECURITY;

CREATE TABLE public.erasure_subjects (
    tenant_id uuid NOT NULL,
    request_id uuid NOT NULL,
    user_id uuid NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    sealed_identifiers bytea,
    counts jsonb,
    error_code text,
    error_reason text,
    erased_at timestamp with time zone,
    finished_at timestamp with time zone,
    salted_hashes text,
    CONSTRAINT erasure_subjects_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'awaiting_approval'::text, 'scheduled'::text, 'held'::text, 'running'::text, 'done'::text, 'failed'::text, 'rejected'::text, 'cancelled'::text])))
);

ALTER TABLE ONLY public.erasure_subjects FORCE ROW LEVEL SECURITY;

CREATE TABLE public.export_chunks (
    tenant_id uuid NOT NULL,
    export_id uuid NOT NULL,
    "position" integer NOT NULL,
    user_id uuid NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE ONLY public.export_chunks ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE ONLY public.export_chunks FORCE ROW LEVEL SECURITY;

CREATE TABLE public.exports (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    ordered_by uuid,
    state text DEFAULT 'waiting'::text NOT NULL,
    sealed_key bytea,
    size bigint DEFAULT 0 NOT NULL,
    rows_written bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    expires_at timestamp with time zone NOT NULL,
    error_code text,
    CONSTRAINT exports_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'ready'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.exports FORCE ROW LEVEL SECURITY;

CREATE TABLE public.group_members (
    tenant_id uuid NOT NULL,
    group_id uuid NOT NULL,
    user_id uuid NOT NULL,
    deletion_id uuid,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.group_members FORCE ROW LEVEL SECURITY;

CREATE TABLE public.idempotent_requests (
    tenant_id uuid NOT NULL,
    key_hash text NOT NULL,
    fingerprint text NOT NULL,
    status smallint,
    user_id uuid,
    body text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.idempotent_requests FORCE ROW LEVEL SECURITY;

CREATE TABLE public.import_files (
    tenant_id uuid NOT NULL,
    source text NOT NULL,
    file_name text NOT NULL,
    lines_imported bigint DEFAULT 0 NOT NULL,
    prefix_digest bytea NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.import_files FORCE ROW LEVEL SECURITY;

CREATE TABLE public.import_runs (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    format text NOT NULL,
    started_by uuid,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    rows_read bigint DEFAULT 0 NOT NULL,
    rows_written bigint DEFAULT 0 NOT NULL,
    rows_rejected bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY public.import_runs FORCE ROW LEVEL SECURITY;

CREATE TABLE public.issued_certificates (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    course_id uuid,
    training_plan_id uuid,
    number text,
    issued_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    issued_by uuid
);

ALTER TABLE ONLY public.issued_certificates FORCE ROW LEVEL SECURITY;

CREATE TABLE public.lethe_migrations (
    name text NOT NULL,
    digest text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.modules (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    course_id uuid NOT NULL,
    title text NOT NULL,
    kind text NOT NULL,
    week_from integer,
    week_to integer,
    external_key text
);

ALTER TABLE ONLY public.modules FORCE ROW LEVEL SECURITY;

CREATE TABLE public.notifications (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    body text DEFAULT ''::text NOT NULL,
    data jsonb DEFAULT '{}'::jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    read_at timestamp with time zone,
    email_state text,
    CONSTRAINT notifications_email_state_check CHECK ((email_state = ANY (ARRAY['sent'::text, 'undeliverable'::text])))
);

ALTER TABLE ONLY public.notifications FORCE ROW LEVEL SECURITY;

CREATE TABLE public.oauth_clients (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    name text NOT NULL,
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    owner_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT oauth_clients_scopes_check CHECK (((scopes <@ '{api/all,api/read,api/write,api/webhooks}'::text[]) AND (scopes <> '{}'::text[])))
);

ALTER TABLE ONLY public.oauth_clients FORCE ROW LEVEL SECURITY;

CREATE TABLE public.operator_sessions (
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    operator_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

CREATE TABLE public.operator_sign_in_failures (
    login_hash bytea NOT NULL,
    failures integer NOT NULL,
    last_failed_at timestamp with time zone DEFAULT now() NOT NULL,
    locked_until timestamp with time zone
);

CREATE TABLE public.operators (
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    name text NOT NULL,
    hash text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT operators_name_check CHECK ((name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'::text))
);

CREATE TABLE public.passwords (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    hash text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.passwords FORCE ROW LEVEL SECURITY;

CREATE TABLE public.person_keys (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    sealed_key bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.person_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.posts (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    course_id uuid NOT NULL,
    parent_id uuid,
    author_id uuid,
    body text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    edited_at timestamp with time zone
);

ALTER TABLE ONLY public.posts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.product_accounts (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    product text NOT NULL,
    deletion_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT product_accounts_product_check CHECK ((product = ANY (ARRAY['learn'::text, 'flow'::text])))
);

ALTER TABLE ONLY public.product_accounts FORCE ROW LEVEL SECURITY;

CREATE TABLE public.progress (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    module_id uuid NOT NULL,
    percent integer NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    CONSTRAINT progress_percent_check CHECK (((percent >= 0) AND (percent <= 100)))
);

ALTER TABLE ONLY public.progress FORCE ROW LEVEL SECURITY;

CREATE TABLE public.ratings (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    course_id uuid NOT NULL,
    stars integer NOT NULL,
    comment text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT ratings_stars_check CHECK (((stars >= 1) AND (stars <= 5)))
);

ALTER TABLE ONLY public.ratings FORCE ROW LEVEL SECURITY;

CREATE TABLE public.reappearances (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    group_id uuid NOT NULL,
    request_id uuid NOT NULL,
    reappeared_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.reappearances FORCE ROW LEVEL SECURITY;

CREATE TABLE public.record_actions (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    id bigint NOT NULL,
    module_id uuid NOT NULL,
    happened_on date NOT NULL,
    clicks integer NOT NULL
);

ALTER TABLE ONLY public.record_actions FORCE ROW LEVEL SECURITY;

ALTER TABLE public.record_actions ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.record_actions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.session_instructors (
    tenant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    user_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.session_instructors FORCE ROW LEVEL SECURITY;

CREATE TABLE public.sessions (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    course_id uuid NOT NULL,
    title text NOT NULL,
    starts_at timestamp with time zone,
    ends_at timestamp with time zone,
    location text,
    contact_emails text[] DEFAULT '{}'::text[] NOT NULL,
    external_key text,
    CONSTRAINT sessions_contact_emails_check CHECK (((contact_emails)::text = lower((contact_emails)::text)))
);

ALTER TABLE ONLY public.sessions FORCE ROW LEVEL SECURITY;

CREATE TABLE public.sign_in_failures (
    tenant_id uuid NOT NULL,
    login_hash bytea NOT NULL,
    user_id uuid,
    failures integer NOT NULL,
    last_failed_at timestamp with time zone DEFAULT now() NOT NULL,
    locked_until timestamp with time zone
);

ALTER TABLE ONLY public.sign_in_failures FORCE ROW LEVEL SECURITY;

CREATE TABLE public.sign_in_sessions (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.sign_in_sessions FORCE ROW LEVEL SECURITY;

CREATE TABLE public.signing_keys (
    kid text NOT NULL,
    public_jwk jsonb NOT NULL,
    sealed_private_key bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone,
    purpose text NOT NULL,
    CONSTRAINT signing_keys_purpose_check CHECK ((purpose = ANY (ARRAY['certificate'::text, 'token'::text])))
);

CREATE TABLE public.skill_levels (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    scale_set_id uuid NOT NULL,
    title text NOT NULL,
    value integer NOT NULL,
    description text
);

ALTER TABLE ONLY public.skill_levels FORCE ROW LEVEL SECURITY;

CREATE TABLE public.skill_scale_sets (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    catalog_id uuid,
    title text NOT NULL,
    is_default boolean DEFAULT false NOT NULL,
    external_key text
);

ALTER TABLE ONLY public.skill_scale_sets FORCE ROW LEVEL SECURITY;

CREATE TABLE public.skills (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    catalog_id uuid,
    scale_set_id uuid NOT NULL,
    title text NOT NULL,
    description text,
    external_key text
);

ALTER TABLE ONLY public.skills FORCE ROW LEVEL SECURITY;

CREATE TABLE public.submission_file_chunks (
    tenant_id uuid NOT NULL,
    file_id uuid NOT NULL,
    "position" integer NOT NULL,
    user_id uuid NOT NULL,
    content bytea NOT NULL
);

ALTER TABLE ONLY public.submission_file_chunks FORCE ROW LEVEL SECURITY;

CREATE TABLE public.submission_files (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    submission_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.submission_files FORCE ROW LEVEL SECURITY;

CREATE TABLE public.submissions (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    assessment_id uuid NOT NULL,
    comment text,
    feedback text,
    graded_by uuid,
    submitted_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.submissions FORCE ROW LEVEL SECURITY;

CREATE TABLE public.tenant_keys (
    tenant_id uuid NOT NULL,
    purpose text NOT NULL,
    sealed_key bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tenant_keys_purpose_check CHECK ((purpose = 'identifier_hash'::text))
);

ALTER TABLE ONLY public.tenant_keys FORCE ROW LEVEL SECURITY;

CREATE TABLE public.tenants (
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    created_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    surviving_fields text[] DEFAULT '{}'::text[] NOT NULL,
    singled_out_below integer DEFAULT 5 NOT NULL,
    returning_members text DEFAULT 'create'::text NOT NULL,
    CONSTRAINT tenants_id_not_reserved CHECK ((id <> '00000000-0000-0000-0000-000000000000'::uuid)),
    CONSTRAINT tenants_kind_check CHECK ((kind = ANY (ARRAY['enterprise'::text, 'trial'::text]))),
    CONSTRAINT tenants_returning_members_check CHECK ((returning_members = ANY (ARRAY['create'::text, 'block'::text]))),
    CONSTRAINT tenants_singled_out_below_check CHECK ((singled_out_below > 0))
);

ALTER TABLE ONLY public.tenants FORCE ROW LEVEL SECURITY;

CREATE TABLE public.tombstones (
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    hash bytea NOT NULL,
    request_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT tombstones_kind_check CHECK ((kind = ANY (ARRAY['email'::text, 'login_name'::text, 'directory_object_id'::text, 'ref'::text, 'external_identity_id'::text])))
);

ALTER TABLE ONLY public.tombstones FORCE ROW LEVEL SECURITY;

CREATE TABLE public.training_plan_authors (
    tenant_id uuid NOT NULL,
    training_plan_id uuid NOT NULL,
    user_id uuid NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.training_plan_authors FORCE ROW LEVEL SECURITY;

CREATE TABLE public.training_plan_courses (
    tenant_id uuid NOT NULL,
    training_plan_id uuid NOT NULL,
    course_id uuid NOT NULL,
    "position" integer NOT NULL
);

ALTER TABLE ONLY public.training_plan_courses FORCE ROW LEVEL SECURITY;

CREATE TABLE public.training_plans (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    catalog_id uuid NOT NULL,
    title text NOT NULL,
    description text,
    contact_emails text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT training_plans_contact_emails_check CHECK (((contact_emails)::text = lower((contact_emails)::text)))
);

ALTER TABLE ONLY public.training_plans FORCE ROW LEVEL SECURITY;

CREATE TABLE public.user_skills (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    user_id uuid NOT NULL,
    skill_id uuid NOT NULL,
    level_id uuid NOT NULL,
    awarded_at timestamp with time zone DEFAULT now() NOT NULL,
    awarded_by uuid,
    revoked_at timestamp with time zone,
    revoked_by uuid,
    revoke_reason text
);

ALTER TABLE ONLY public.user_skills FORCE ROW LEVEL SECURITY;

CREATE TABLE public.users (
    tenant_id uuid NOT NULL,
    id uuid DEFAULT public.uuid_v7() NOT NULL,
    kind text DEFAULT 'internal'::text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    login_name text,
    login_key text GENERATED ALWAYS AS (public.normal_login_name(login_name)) STORED,
    directory_object_id uuid,
    ref text,
    ref_key text GENERATED ALWAYS AS (public.normal_identifier(ref)) STORED,
    email text,
    email_key text GENERATED ALWAYS AS (public.normal_identifier(email)) STORED,
    email_verified boolean DEFAULT false NOT NULL,
    external_identity_id text,
    external_identity_key text GENERATED ALWAYS AS (public.normal_identifier(external_identity_id)) STORED,
    first_name text,
    last_name text,
    display_name text,
    title text,
    job_title text,
    department text,
    office text,
    city text,
    country text,
    locale text,
    time_zone text,
    manager_id uuid,
    custom_fields jsonb DEFAULT '{}'::jsonb NOT NULL,
    roles text[] DEFAULT '{learner}'::text[] NOT NULL,
    former_roles text[] DEFAULT '{}'::text[] NOT NULL,
    deletion_id uuid,
    deleted_at timestamp with time zone,
    deleted_by uuid,
    suspended_at timestamp with time zone,
    anonymized_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_check CHECK (((state = 'deleted'::text) = (deleted_at IS NOT NULL))),
    CONSTRAINT users_check1 CHECK (((state = 'deleted'::text) = (deletion_id IS NOT NULL))),
    CONSTRAINT users_check2 CHECK (((state = 'anonymized'::text) = (anonymized_at IS NOT NULL))),
    CONSTRAINT users_custom_fields_check CHECK ((jsonb_typeof(custom_fields) = 'object'::text)),
    CONSTRAINT users_kind_check CHECK ((kind = ANY (ARRAY['internal'::text, 'external'::text]))),
    CONSTRAINT users_roles_check CHECK ((roles <@ '{administrator,privacy_officer,integration_administrator,author,instructor,manager,learner}'::text[])),
    CONSTRAINT users_state_check CHECK ((state = ANY (ARRAY['active'::text, 'suspended'::text, 'deleted'::text, 'anonymized'::text])))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

INSERT INTO graphile_worker._private_jobs OVERRIDING SYSTEM VALUE VALUES
	(9, NULL, 1, '{"tenant":"01a223a3-3133-7478-b60c-09aff8f678bd","request":"01a223a3-3b04-72b1-8eaf-49571baff0bf","operation":"purge","person":"01a223a3-32df-7692-91e5-36e4c462f117"}', 0, '2026-11-28 19:30:29.76425+00', 0, 25, NULL, '2026-11-28 19:30:29.76425+00', '2026-11-28 19:30:29.76425+00', NULL, NULL, NULL, 0, NULL, DEFAULT);

INSERT INTO graphile_worker._private_known_crontabs VALUES
	('clean_exports', '2026-11-28 19:30:27.236+00', NULL);

INSERT INTO graphile_worker._private_tasks OVERRIDING SYSTEM VALUE VALUES
	(1, 'erase'),
	(2, 'search'),
	(3, 'send_email'),
	(4, 'seal_audit'),
	(5, 'export'),
	(6, 'clean_exports');

INSERT INTO graphile_worker.migrations VALUES
	(1, '2026-11-28 19:30:19.951715+00', true),
	(2, '2026-11-28 19:30:19.972635+00', false),
	(3, '2026-11-28 19:30:19.979644+00', true),
	(4, '2026-11-28 19:30:19.983465+00', false),
	(5, '2026-11-28 19:30:19.98717+00', false),
	(6, '2026-11-28 19:30:19.989861+00', false),
	(7, '2026-11-28 19:30:19.993229+00', false),
	(8, '2026-11-28 19:30:19.99919+00', false),
	(9, '2026-11-28 19:30:20.004896+00', false),
	(10, '2026-11-28 19:30:20.006248+00', false),
	(11, '2026-11-28 19:30:20.007181+00', true),
	(12, '2026-11-28 19:30:20.058641+00', false),
	(13, '2026-11-28 19:30:20.060661+00', true),
	(14, '2026-11-28 19:30:20.063422+00', true),
	(15, '2026-11-28 19:30:20.065228+00', false),
	(16, '2026-11-28 19:30:20.066506+00', true),
	(17, '2026-11-28 19:30:20.071253+00', false),
	(18, '2026-11-28 19:30:20.07569+00', false),
	(19, '2026-11-28 19:30:20.078286+00', true),
	(20, '2026-11-28 19:30:20.079309+00', false);

INSERT INTO public.api_keys VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'api_key', 'Test', 'lethe_abd7e81d', '\xb71f986a30da3e6cc6c7ac939b35fd5bdd2da606ed85f401345b3b1e9303c6ac', 'full_control', NULL, '2026-11-28 19:30:27.42918+00', NULL, NULL, '2026-11-28 19:30:27.612403+00'),
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', '01a223a3-32e4-7186-b914-64caf0bc895d', 'api_key', 'Test', 'lethe_7767974b', '\xe774defcc0129340cf6ba56f5d6d6da3dd92a8d07748cb55cace8412562dbb94', 'full_control', NULL, '2026-11-28 19:30:27.683186+00', NULL, NULL, '2026-11-28 19:30:27.691988+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cab-7caf-973e-38981902fdfc', 'api_key', 'api_keys name 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'api_keys prefix 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '\x917898dee9324270647242276129171e59ce3dc8987da0998f1df7a2f7e8d672', 'read_only', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.182252+00', NULL, NULL, NULL);

INSERT INTO public.assessment_attempts VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3cbe-7d13-978f-db876587e63a', 1, NULL, NULL, false, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'assessment_attempts feedback 01a223a3-32a0-76d8-9e9d-5ceac6054e44'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3cbe-7d13-978f-db876587e63a', 1, NULL, NULL, false, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'Ask sibylle.sommer@acme.example');

INSERT INTO public.assessments VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cbe-7d13-978f-db876587e63a', '01a223a3-3cba-72b0-b1aa-dd60173a200a', 'assessments title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'assessments kind 01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, NULL, 'assessments external_key 01a223a3-32a0-76d8-9e9d-5ceac6054e44');

INSERT INTO public.audit_checkpoints VALUES
	('00000000-0000-0000-0000-000000000000', 2, 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJhdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuMjk5WiIsImNvdW50IjoyLCJoYXNoIjoiQ0JtOHc0V00tRmV6SjFTcVNFUmIyY0FId2hQVG4xNnRBNnZqSUJ0QzZHOCIsInNlcXVlbmNlIjoyLCJ0ZW5hbnQiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDAiLCJ0eXBlIjoibGV0aGUuYXVkaXRfY2hlY2twb2ludCIsInZlcnNpb24iOjF9.orQtwbdxXclSw6zKnIE2UcR0K7gsE4cm7g7hfm1pBAN64NysYpTjPmilOvLYyLiH561CYRa_q37C87tnQbeyDg', '2026-11-28 19:30:29.299+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', 75, 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJhdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuMzA4WiIsImNvdW50Ijo3NSwiaGFzaCI6IjFkdFRhc2hQa1hWWncxSG11bFU5bzFUM2M0eUlwLVNhX2MxQnpBSENTRUUiLCJzZXF1ZW5jZSI6NzUsInRlbmFudCI6IjAxYTIyM2EzLTMxMzMtNzQ3OC1iNjBjLTA5YWZmOGY2NzhiZCIsInR5cGUiOiJsZXRoZS5hdWRpdF9jaGVja3BvaW50IiwidmVyc2lvbiI6MX0.h6CaJZfiUneJg3L0n2Nx09L9NT-nmVBoYaIt-F1YFtTIFTvuJYWgrqoxlDFYumds6QqwCGIyX2_wqUwcDjPLDw', '2026-11-28 19:30:29.308+00'),
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', 3, 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJhdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuMzE3WiIsImNvdW50IjozLCJoYXNoIjoienEwYjVmVWxYbzUzazJQOEFKaU1GS0NXWi1hVTVuY1dBQTRqWHBVZ3R1YyIsInNlcXVlbmNlIjozLCJ0ZW5hbnQiOiIwMWEyMjNhMy0zMTVkLTcyYjItYmJjNi1mYTZmOWM4ZWJkZDEiLCJ0eXBlIjoibGV0aGUuYXVkaXRfY2hlY2twb2ludCIsInZlcnNpb24iOjF9.akmMVmi_SzKEgnIoH6Edv9H3a3Mg7R2VFyxCNqjp-_R04kyQRsNVtMv1HP2vD8Z3PfJ5KtyvhNJPgE_sQkehDQ', '2026-11-28 19:30:29.317+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', 76, 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJhdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuMzk2WiIsImNvdW50IjoxLCJoYXNoIjoiX3R3enVRYno2TlJfREFtdk1ZM0xxUEh0dml2U1R0UGlvSi1XV3hIMDUyTSIsInNlcXVlbmNlIjo3NiwidGVuYW50IjoiMDFhMjIzYTMtMzEzMy03NDc4LWI2MGMtMDlhZmY4ZjY3OGJkIiwidHlwZSI6ImxldGhlLmF1ZGl0X2NoZWNrcG9pbnQiLCJ2ZXJzaW9uIjoxfQ.xf4It2j2nPnK6D19seW-Cs9nn9gVUmnUUz5-t0wFjvFF74AIsHwOifRXl9JtmRbUs258F-pLkt1Cmeyhsp0YBA', '2026-11-28 19:30:29.396+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', 80, 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJhdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuNTI5WiIsImNvdW50Ijo0LCJoYXNoIjoidnpzZ08yZDZ4N0VKZkpxMzk0eXBiMTJGWkVid2QxNmc4VEwzZ1NlYjV2USIsInNlcXVlbmNlIjo4MCwidGVuYW50IjoiMDFhMjIzYTMtMzEzMy03NDc4LWI2MGMtMDlhZmY4ZjY3OGJkIiwidHlwZSI6ImxldGhlLmF1ZGl0X2NoZWNrcG9pbnQiLCJ2ZXJzaW9uIjoxfQ.IL3PUKteYpmmW94dl7FI5UyyIynW0r5Xs5GONCVcxZMxDmglH23XtW6BQVAAXpI1Ao6gT2piNic33yfttFYbCw', '2026-11-28 19:30:29.529+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', 83, 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJhdCI6IjIwMjYtMTEtMjhUMTk6MzA6MzAuNDQwWiIsImNvdW50IjozLCJoYXNoIjoiN0g5WlZZaFhzU2N3T0ZkZ245UmVSZ1hhM3VlUE9Bd21sNExtNzlEdEpKayIsInNlcXVlbmNlIjo4MywidGVuYW50IjoiMDFhMjIzYTMtMzEzMy03NDc4LWI2MGMtMDlhZmY4ZjY3OGJkIiwidHlwZSI6ImxldGhlLmF1ZGl0X2NoZWNrcG9pbnQiLCJ2ZXJzaW9uIjoxfQ.nVgLATR2PhDI_ma3NPTI3mM-wpf75fnvk0Jk2SrglS4dnTJc0o1It0iTio4cFeIz5La2K_P9pI-QbmUGoI_aCg', '2026-11-28 19:30:30.44+00');

INSERT INTO public.audit_entries VALUES
	('00000000-0000-0000-0000-000000000000', '01a223a3-316e-781c-ac71-3811315aea57', '2026-11-28 19:30:27.310507+00', 'system', 'system', NULL, 'OperatorCreated', 'operator', '01a223a3-3169-73fe-9a36-6b59932a6dfa', NULL, NULL, '{}', NULL, 1, '\x6b0f4783ee02ec25a59222ec33c114d2a704c2c63537a0860a9c87ae3ee1cbb9'),
	('00000000-0000-0000-0000-000000000000', '01a223a3-3195-7181-b336-485ea5f18a0f', '2026-11-28 19:30:27.349094+00', 'console', 'operator', '01a223a3-3169-73fe-9a36-6b59932a6dfa', 'OperatorSignedIn', 'operator', '01a223a3-3169-73fe-9a36-6b59932a6dfa', NULL, NULL, '{}', NULL, 2, '\x0819bcc3858cf857b32754aa48445bd9c007c213d39f5ead03abe3201b42e86f'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-315a-761c-b3fa-bb2087d174ea', '2026-11-28 19:30:27.290382+00', 'system', 'system', NULL, 'TenantCreated', 'tenant', '01a223a3-3133-7478-b60c-09aff8f678bd', NULL, NULL, '{"kind":"enterprise"}', NULL, 1, '\x61ecc807763812d1487f8285be4d43420fc8a10d8815792bb90cc3f3c560fdb2'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-31e8-72d4-bf08-c65e1c3469eb', '2026-11-28 19:30:27.432177+00', 'system', 'system', NULL, 'ApiKeyCreated', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', NULL, NULL, '{"access":"full_control","kind":"api_key"}', NULL, 2, '\x38d07e02b0bffc3279275bfa32dbc86ae90ffb20e577ca0c61d75031ddc24751'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-31f7-7872-9449-e35025324353', '2026-11-28 19:30:27.447528+00', 'system', 'system', NULL, 'UserCreated', 'user', NULL, '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', NULL, '{"columns":["kind","state","email","email_verified","roles"]}', '\x661be87eccd0a3ad3f9c34e23f1300908101d355419ba5fd9670e01088af52300abffc5ecc0d7305adc9d049e3b84b3f7fa4afaa1b81e7a3d838ffe864007f387e107f46f01bf989c511d7906ed5e7bb89ba16bb0009c913c634449360976a2caaed5a0af9a75e9649f0e43086b4fa9bf7f1551bbb451d03a893c3192ded9ea66cfbd583e106ead72eb194edaf1c87d4', 3, '\xb993d86f32c90c445c1e062adf0c8057e062ca1eb8854fa19a6384c158bcc1a9'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3205-7bfb-a09a-57b8dc18633b', '2026-11-28 19:30:27.461749+00', 'system', 'system', NULL, 'PasswordSet', 'user', NULL, '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', NULL, '{}', NULL, 4, '\xf3196e798127b5e8e1e676f4cdbb1f79260c5bf371119605dbd6813aaffce349'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-320f-715c-a151-922d080e4fc1', '2026-11-28 19:30:27.471085+00', 'console', 'user', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', 'UserSignedIn', 'user', NULL, '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', NULL, '{}', NULL, 5, '\x7fd770041494ddf012e4841b77f329f54b37e81c58da6fce7daa0c9fdfc7b7f8'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-322e-7cc8-a4db-f45efd531673', '2026-11-28 19:30:27.502799+00', 'console', 'user', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', 'ClientCreated', 'client', '01a223a3-3229-77c8-90b6-b19a2e83b131', NULL, NULL, '{"scopes":["api.read"]}', NULL, 6, '\x65fc73562acf1814a9e3fd4cc807dddff021588b1b92c931f1a803514f7bc67c'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3291-77c6-a44e-51331b759570', '2026-11-28 19:30:27.601486+00', 'system', 'system', NULL, 'UsersImported', 'import_run', '01a223a3-323b-7f2c-b75d-fee49d08e7b1', NULL, NULL, '{"conflict":0,"created":4,"read":4,"rejected":0,"rolesNotApplied":0,"skipped":0,"skippedFor":{"anonymized":0,"deleted":0,"purged":0},"unchanged":0,"updated":0}', NULL, 7, '\x63a2e8f3ca54f88b57af6dafe3650eb833ee5e951682fc8431f42642b5472784'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a5-70f1-90bb-25b9101053f3', '2026-11-28 19:30:27.621059+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserCreated', 'user', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{"columns":["kind","state","login_name","ref","email","email_verified","first_name","last_name","display_name","department","custom_fields","roles"]}', '\xbd945c4d495735804a3d46969090f68ff2d0de919e536b6a7e5c4c86421ad8b811e18a99ed93641fbc36fa97128f68dfe2ac6d1026d80783b2e402e974f3c3354d05a911b749e4f37c4c27ecb05b2b0b56edff621770db407dcbd0308c08eac06f01a5510ce6d3f2cf971107fa2b3a66f912dc56d59ffc06fa199ddb3150013e2368cc237dda5f9e52f5ca0ea2285661e73dc75c99347d1a15801e18e0038c79bc0ba365f87f91d4bd3a97cfb2bcff941b5bad13a09f90a0aeff1bfb994977ee74e6509dfcaeb7d68a0c129fa66bcba5e8fa184d47a8f11851579ea9aef835e519ffc507522539b428735f006d28e6ffe8077f784112609b03ab5d6bf3d4f4758256f1d2e3473bd84098633fbb36611ef9b4f9e65b901e76dab4a833cf2e2eb918e2954fa58bd869fb71a0b33128220919ff8650', 8, '\xcf79884f278c103b0c80fc08b5ad3d4d7ba026c6e6b31e4a860caae59c4b4e2e'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b3-7702-a9e0-1d22601fef1d', '2026-11-28 19:30:27.635438+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserCreated', 'user', NULL, '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{"columns":["kind","state","login_name","ref","email","email_verified","first_name","last_name","display_name","department","custom_fields","roles"]}', '\x04d88a8d2d1c62290872cea3a6e0245cff233004d348933ad09fe876723caf8736c6760ae56912907c573cd2272992b0dbc73a9d557e593a7411344c7aeb6082e92a3d58b75614be12ca696bb105e9cf70ad8af46bd27ece7e088191822145a45da4e014bfff67e7b3f0a70a34631924e4cbcc5db3a3c636125ac606ea94f2d699c44d400ff00b71739fa9c75be33374d05236480c4db04bb2fcb4c2cc44e8c27d83b165005550049db7ea7361aab8bc616f16bea1610cdc7a17f1d199a8838f79ab92568122e6f5732ae7a91c936317662423eb8eba75c7a78fc59bd23b04a075e37f34b02d9fecdaa0aa231b95f42010ac7deef360d99f14e9d495783e990320366a9e29ac1ba2c1ba5040bc0c18b3726657319e3163a6996e6ba88c3ed38a184d7129', 9, '\x3289fe116418ba83140c9c308aba00c637fde5b7d77313b3c199afad8e8c9997'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32c2-73ca-b651-a2bb1fc81829', '2026-11-28 19:30:27.650237+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserCreated', 'user', NULL, '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{"columns":["kind","state","login_name","ref","email","email_verified","first_name","last_name","display_name","department","custom_fields","roles"]}', '\x7d37877f10451f1eada2dea6a756d23a5608ff7834306a71b89ab20d27ecb8d6d03fc2ad03f395e40d18effb3724ff190668aff851a1512ef2b3c65cf63c73484ade1c841ca9c085a85e7df357ce150e497358275a21993500de11f71198a3cab1b4658839bd8458bc466a3e5fb1781bc292ecc70f84f39b2eb1c0941d8034e2b54f6444b8a57a2cf6e0129dcf6e032022ed57bf402ada4196fccf6fd8fea2e63e646ed5d62b5ee252e03ac0575c84058d5b05e29698a5885749e4aebceea0b1b95aa4669214071b1606e8ce5105e6edefcff139115b2428bc054d74c03d5dc8ee4acbc9da5b464e5df41c7d98ca2d70b502d6d26cf879048d3bba132a6229faeaed790fc8dc9b4fbe0f91f9c8aa3baa44cef1c5099433dacef4a6ed84d5ffe52276bc78d790e460cb667918a236fc90d6c795978c63919af704f361', 10, '\xebf3fa85a89f3bb8ea752d2874e1c9f609f6e2113c806ac416eb876d1dd08957'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33a7-7fce-b1ff-bbe164cf2227', '2026-11-28 19:30:27.879988+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'EnrollmentCompleted', 'enrollment', '01a223a3-339c-74e5-851e-811dbe74c6c5', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{}', '\xc38eb4479d6b430f610450fc84320e694f46774f5b111c0dc863aded59e97afd7248e00187e913c6f85a8c6aa613d062bb4ded1087cd687569f97917d5c1310209db7f5b30f580468c56d426945efd03b55dee5cb5dbda0c0557e69032', 38, '\x94c705cea4989f6d6d8086aee1d9a6f18f97d9fe0089b9c5e9b154f60b7aa0a9'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34cf-7981-883c-c11f66f862a6', '2026-11-28 19:30:28.175594+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'SkillAwarded', 'skill', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{}', '\xdf5dd897629d174794f8e9420215ba316148b109f75bc4521711fdf7860a62affbcc8a42ef1a2eec2679003c523c80d8f679d6b856a6a1ff7e0798fe0217303799b3196c34238ced08b3ba3b', 59, '\xeb0103386433eb0a08fafd88473fed5975e70bb40010c9bb8369ee1c3c751d5c'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32cc-7818-b9f0-c9c7eafdf516', '2026-11-28 19:30:27.660506+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserCreated', 'user', NULL, '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{"columns":["kind","state","login_name","ref","email","email_verified","first_name","last_name","display_name","department","custom_fields","roles"]}', '\x2fad1ab7d745e39524d1b76d037f42b23b76e061545ab2c73638aac067496d133d41755b944517fac4ca3beaf6beec80f74d0bc70ead6d63b6a7369b0dc0d4930f52890c6f5003c97a8a3856bab1c24329cdc956ab3e0780befb7bc6599ef3a5f9ca4a321eabb3f14d2b232606a8d017d343bdab66bd57ff15a2602d4624fe4af41a71c7d34e9fe7a4b9ef4a0a634fac19c784fa18f440662602afdb96463a9d5349b723072b41de2236bd1e7e03b8f04fc0af962d3687dd534ce180670b153370d1638a01a5ef07954e99638d2e3fe97d29c3f1483cdc438dbac8ab40472b614d2f94c5a703f59ca2ccb28926a974ec145aaf44c6e3982023aa7ebc457def2bd7bbd20747a63d15416c2a9f354edfcd6a863e3547f4cbd405838e5b9e5a524e23641e96', 11, '\x6dbb7f753473b598caa9c1c676ec1478bae5ffc98508a6eb8b47cbf9b027824b'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32d9-709b-b3a3-2e72780ac324', '2026-11-28 19:30:27.673038+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserCreated', 'user', NULL, '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{"columns":["kind","state","login_name","ref","email","email_verified","first_name","last_name","display_name","department","custom_fields","roles"]}', '\x2c00c7d7ac94e8dfe3bedbe06561f26e90831ba1ece7326b355dfbc8fc83f32976fd8a2ceab91f0aa4ebdc8c4a36c710fb5b53f57e03662b5c89a04221cf22054da4ec5a859851454c444a923b5057512617e10d325685b9beaf269b91ff51b043b080edf1daebf7a199d7abe40397d4443ee5eef66bfd0f22be809c4ef061da248b548fc25a0ae057f079d3954391000ecd58ad17588e3ad2b24f4b0884a4e4748caf3a80076708b8b52e0a9a2c2dd651d4b93090cb78d139cddff83e8308d31f08f89dc723099b838df859432d66653acb7e6f16748d7b82b5a5b9e6d2750bd60afe5cd86f71db3121afad85a187e905bdf3010aefe66b935749976e4a1ad5377017b48dee6a2ca4adeff603b1a5abfc320590a15c23024bd45c70ea6e59d90eb788b467985415d6c25afbc69744bb', 12, '\x8e3a75bdf1f1afc0ffcad4b058f52c26c44777ebe54ead1d374cad86d1e61fce'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32e1-7374-baea-13de85483fb1', '2026-11-28 19:30:27.681216+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserCreated', 'user', NULL, '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{"columns":["kind","state","login_name","ref","email","email_verified","first_name","last_name","display_name","department","custom_fields","roles"]}', '\x491dc5e4d0cca55184093a86adb4488c406a90ecc6b81e54df03ccc56ede8e2ef7f4c1730b7db9b28d902cae10a4beaa13a3a7e946f9772b0c9c49c0e8acb9e0098968598612b8158b6631f5f604395dde116ebf7232190361c448bf1502013dfa2786f2bbd8ad4167505775ec4581cd4d76d57c71a2aec2ac202d336fe3557c8259f2df4c52d441f02a971ab728f11d303fd31cca5a66f61e8c6ee955d6370120f37465a251302524bbb7b74782e70bcc681ce8e3b2cd2a7b805ca9e5b8ac58e993499358d68b47f2e7861a3ca079fd8c9ec317e316e9aa6f85f609ff9593e0d35981f65bf70b3871fef19df4f89943623d7c5cdd85fad590ea22368efea72a28d4b38819338cb4fbf7969cb9ea8b341115c28c9e4f4a009e9a867beb8bc062f7750d4f8c2c5902a1719c1d1b3cd4c2', 13, '\xe4594079a931c4c24ac553fc925c25013016db44f403b3e6aedeba4d1d933646'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32fb-7985-9e3b-be086d94fbab', '2026-11-28 19:30:27.707595+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CatalogCreated', 'catalog', '01a223a3-32fa-7641-a464-e366afa8b804', NULL, NULL, '{}', NULL, 14, '\xd46f326d176cec92002763a19d5d3afb93c7dcaa5f347fc4f1348f044cb342f3'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3309-79f3-831a-61dc90d17ce8', '2026-11-28 19:30:27.721622+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CourseCreated', 'course', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, NULL, '{"assessments":0,"catalog":"01a223a3-32fa-7641-a464-e366afa8b804","kind":"e_learning","modules":0}', NULL, 15, '\x976145d1633c5fdd50c72c0a6e8906338b9b2f0a58f24d099abbb63907a82f6f'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3313-7456-af7e-e56856981730', '2026-11-28 19:30:27.731271+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'TrainingPlanCreated', 'training_plan', '01a223a3-3310-73a0-adfb-c373ddd5482b', NULL, NULL, '{"catalog":"01a223a3-32fa-7641-a464-e366afa8b804","courses":1}', NULL, 16, '\x80a858b77635f9e9587404932ff1695c6aba42a601f2f0f321eb5047934004d9'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3320-7ab0-bfd5-6e7b560f3d12', '2026-11-28 19:30:27.744668+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'SessionScheduled', 'session', '01a223a3-331e-7f48-833e-dfe357053bf3', NULL, NULL, '{"course":"01a223a3-3303-7018-bc16-494fc723b6e0","instructors":0}', NULL, 17, '\x4400dd1aac2a80c82db01ef88d324604f8b113e335474457d4eb1301fe0b6fb5'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3327-70c0-b2cb-03cadc98fe48', '2026-11-28 19:30:27.751047+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'GroupCreated', 'group', '01a223a3-3326-7d53-82a9-de0cbb3deb48', NULL, NULL, '{}', NULL, 18, '\x2feac3f4dc8f2f145e72c7b65f0bc7a71c734417e552cbea7a676f09961be8c9'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-332f-77ce-97d8-7cea2cd054c0', '2026-11-28 19:30:27.759488+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'GroupMemberAdded', 'group', '01a223a3-3326-7d53-82a9-de0cbb3deb48', '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{}', NULL, 19, '\x7388001e3030218ca3fa448d080ee2491adb7d04313ad0818512084f98972b55'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-332f-77ce-9f4e-5cd471aea7e6', '2026-11-28 19:30:27.759488+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'GroupMemberAdded', 'group', '01a223a3-3326-7d53-82a9-de0cbb3deb48', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{}', NULL, 20, '\x519a60bd519455aed44676cc9e7a25b5637068b453794459b1879b488685f8e8'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-332f-77ce-a6c7-5746d0a150e5', '2026-11-28 19:30:27.759488+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'GroupMemberAdded', 'group', '01a223a3-3326-7d53-82a9-de0cbb3deb48', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{}', NULL, 21, '\x67dd62c8241241928024241a1d1432364f626ba649da77b548c297cf705c53f9'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3337-7beb-b32d-d2120ecb8829', '2026-11-28 19:30:27.767745+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CatalogGroupAssigned', 'catalog', '01a223a3-32fa-7641-a464-e366afa8b804', NULL, NULL, '{"group":"01a223a3-3326-7d53-82a9-de0cbb3deb48"}', NULL, 22, '\xd7fff72ec718c62c38f7d9f329c6760c912dd39a00a783586d963b31be1cfc60'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3340-76a3-9396-7bcdd73dbf43', '2026-11-28 19:30:27.776415+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CatalogMemberAdded', 'catalog', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{"role":"member"}', NULL, 23, '\xd0a814c969355ffc20dc746592ef4141e2e4634f69ca4ddf1ed99c5396df5866'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3340-76a3-a582-bfe572798550', '2026-11-28 19:30:27.776415+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CatalogMemberAdded', 'catalog', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{"role":"member"}', NULL, 24, '\xdedd63529075c7b77fc2208e48406c10b008f58b13b8d4f3ae758610b1f06626'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3340-76a3-a83d-164abbc32252', '2026-11-28 19:30:27.776415+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CatalogMemberAdded', 'catalog', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{"role":"member"}', NULL, 25, '\x7dce31311ed1af2bde6ee8447f4e7031794031b09e0034beb2c25aeb94f321fd'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3340-76a3-a8ed-4fafb0185552', '2026-11-28 19:30:27.776415+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CatalogMemberAdded', 'catalog', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{"role":"member"}', NULL, 26, '\x779151f87145a1d89b98899b68038e64d382f3e9b3fa689bb8b02937a08f429b'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3340-76a3-af3d-244fcb676323', '2026-11-28 19:30:27.776415+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CatalogMemberAdded', 'catalog', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{"role":"member"}', NULL, 27, '\x508a20a8dfaa072f5e48c7fd80b362fd73336f1376c0be821460472153f9ea10'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3340-76a3-bc36-39bbf7565c5e', '2026-11-28 19:30:27.776415+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CatalogMemberAdded', 'catalog', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{"role":"member"}', NULL, 28, '\xa8a1f8ee70b64d3318709093dcf864b693c5fb2467ac2514c1cf1e1e456c3e58'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-334a-7be3-9c59-c6148f8670e3', '2026-11-28 19:30:27.786743+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'ScaleSetCreated', 'scale_set', '01a223a3-3347-7c7b-99e5-6ce60b8e759f', NULL, NULL, '{"levels":1}', NULL, 29, '\x6020bc38002bac0b8ae8364ce68363f5b812e0d7ab2a9a28ac9570635d76c02a'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3351-707a-992f-6a48831687dd', '2026-11-28 19:30:27.79303+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'SkillCreated', 'skill', '01a223a3-3350-7543-881c-32a7d869ff4c', NULL, NULL, '{}', NULL, 30, '\x0863788a487564a1117a3d0fda821699f5cc7230204de8890f67fd6d921f959f'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-335e-7fa9-bbed-d0d0e5d754d2', '2026-11-28 19:30:27.806979+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-335d-769d-9d0d-fc641bf85bd1', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{}', '\x5906268dabe7f006628e668186b622f69c5fb8c15bf5cab8afbe4adaa4c009c15664dc31455cfb9ae5da1da7508b838a557c06c9b130c13518a02db3025220c7e29ec60da2629c5543386cf6b0', 31, '\x4bea15123d70414e85a496976ef6a8eb42854a1e97032279081b5dfcfc555f76'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3367-77ae-bd19-67ed9e5acd3c', '2026-11-28 19:30:27.81548+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'EnrollmentCompleted', 'enrollment', '01a223a3-335d-769d-9d0d-fc641bf85bd1', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{}', '\xeda5ade148f88a740108fc45a33345564a708f4ad4e970f687fc9a4ec29c55c71a5bf075628b255c701c0811ef4cc351f3378895bf7cdfc3e465d3eb7538f937476733e0bc59b4e930b564d9f39fa5c7fc77141d075b46e9ce219f2cf2', 32, '\x5c3a91156d826c61f0e304aef519166c065c066ccf052c5a1a249538d0797c12'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3370-7d43-a5e8-6d98697f2ba9', '2026-11-28 19:30:27.824829+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CertificateIssued', 'issued_certificate', '01a223a3-336f-706c-b986-050b624d48e6', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{}', '\xa3685c4f02229ba695cc834985e66d35f9d54baf53925b96c562d88c57c6fa497494bff92513cd0b838c28e6906d56b139ae1adffd294a9ec675add325b6675ec19d05773b81894b2632cbc552', 33, '\x23788f60bffef8435e75e8b44721af3e82188243108176bf2c3f58dcc546ba1c'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3377-74f9-b5f7-d490058b9a76', '2026-11-28 19:30:27.831311+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-3376-71e6-ad5c-20e3cc7ff274', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{}', '\xd7ce8f6d8a412391f9fec5aba4165efe899fb2e0f514808794b1a79fae02755692e0c70f7460d0e8957b429a241717c30702717a02f2bd4f4ab324e8c8443fee0ce743c7d78873477488a4284bd6dae0287860a8', 34, '\x8fb877696f13217c05f7781b1a7a7330b4aae74ff07edec9c32c39c15294f6a8'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-337f-7b02-8953-31d706b05700', '2026-11-28 19:30:27.839688+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'SkillAwarded', 'skill', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{}', '\x14e5735adf3d636368df7b70b51bf3d4ee01ab0c729ee7b2f671e4020e95d7f863fdb2df8216e7bed6333ce84deca5d0589f08123c4796f766cb0d53fceb5e4c08d6bac8df718b69ab4c065e', 35, '\xfce515a0ec94ba10bf8f876a61ea36e11cdd7b88cf5096c2ee257e6d6636f4c1'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-338f-7bef-afd2-105fd6323d04', '2026-11-28 19:30:27.855746+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserUpdated', 'user', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{"columns":["job_title"]}', '\x1acd9c3dae1625fb852e5b66918189c6c17edadc5f1f6aa101437c1e777d31cd446dfe92913e400dcefc33ace123b4fa4526bc1188e0d33b7543f3430b78e75376f40546cd0362f6476e393c953933dddc32c7795810bf01', 36, '\x3b20bb370779c93f9b0c6407b7e999697c3bd6cf90755e605e365ebfa8c04d52'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-339c-78fd-8a11-d9c53d55d24a', '2026-11-28 19:30:27.868562+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-339c-74e5-851e-811dbe74c6c5', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{}', '\x647e4d41dbf7c8141474b23ac082f6bf93230c44a8b32d05fdfd50c446b11798dad3cc41e46f38b59072b8aa8a5e54a6571d7956d7358b6bd7e50d05f294811c2b19915f7d69a79e3ff4521184', 37, '\x9489687bb3a607f138d46a80a2b12bdb59e89c7fcf6ca5119025ffbddb9c3852'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33b9-7d8d-a980-840d79c90b40', '2026-11-28 19:30:27.897847+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CertificateIssued', 'issued_certificate', '01a223a3-33b9-73ee-89bb-10fe9897c683', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{}', '\x37af68104ff9e3aa99665d9aead49aa62912bdfd1bb591c59d33089811d676f93efb1d243aee7f7400af9f88643fd80307fe3161e49889f6893fe476f1850479877e167677ee97809caa902929', 39, '\x2303301a82e4d4876479d19b65d8f6405df09a50fcb97a2c844b1e3d28a4b3d9'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33c8-7d68-9d58-7094a53979a1', '2026-11-28 19:30:27.912838+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-33c8-7eb7-87b8-ae9cca851ca8', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{}', '\x935f0959d7d47e78e74ee87890af59dc9bfa392f8800c717b765df19e7076e01a4ee69670978af1713b79bd20bddf8ecd0f0f739253b7e386a633c1790be16bd5059652556387f6e795fcbe6986d30a725319134', 40, '\x94cea32c7ee01de3a2197aabeafe36c306cf6352b1886182d424e95277288a74'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33d3-7aa7-b21c-9bf2c0126f29', '2026-11-28 19:30:27.923666+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'SkillAwarded', 'skill', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{}', '\xa492ce01ccdac85343e053e0ee535c7da438ca61554d2b42efc453b2b106a898ebc6c1ae28195832797ebd39e9f700875af30a5c7d14f9b0d000b1043c128678e87629f9c15c2724cac6bc9d', 41, '\xba6dfb3ecdc1a029234eecdcf2a85f2bc09b9213025f7129b7f875333d7be777'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33e3-7568-8fbb-07358cf13bc6', '2026-11-28 19:30:27.939338+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserUpdated', 'user', NULL, '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '{"columns":["job_title"]}', '\x04adddff13dfd2b8625b34370ac5da940b98894a83fb3bdc3e0e9f30819be255662fa823734d32db58fd3664e217da64874d69b6caef8e154eea2f887e2dd0393a5beef3058541ba39bd55a8888b16008a3640b8e2b85c06', 42, '\x4236fd4a888a2a5658b13aaabd665d7858c29610699fe4b0fd5968e6c0fec3ec'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33f0-7f2b-b8bf-d52da35a5012', '2026-11-28 19:30:27.952948+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-33f0-7cd4-96e6-5e7b27f9f587', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{}', '\x837c2476531dde6bb468c7fbf1301c90e37bfd581ab3641be9e991a7877135e2f3636f8ab90aa9d11ecba78eb58d3222d1f80f5d3a13c8e203db0d1f9e5b9b66a19d426df6cc8b8f39f35254df', 43, '\xe652dade31decee2d18b6d4e75074c7e44c8b72a03626c5ae26e06ea41564cf2'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33fc-7553-b70b-154f571237fe', '2026-11-28 19:30:27.964333+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'EnrollmentCompleted', 'enrollment', '01a223a3-33f0-7cd4-96e6-5e7b27f9f587', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{}', '\x19c89711ea89eb1cee9b021ebf1845920934ca67dd94507404911bda0c243a8994783fe27d46a29b6b06be2b513e734908e5057ced7f94ed975f140e75434bc16e1c160cd5f1513cb6169c4de94dc03e2fe347f4d9307b8a2ce3ff68c6', 44, '\xeadd2c645503523c6fb69ce3e2e90d5f372f7a19e9a5a2673587c254919ac877'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-340b-7953-823e-f0918b3c05d9', '2026-11-28 19:30:27.979583+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CertificateIssued', 'issued_certificate', '01a223a3-3406-747a-93c0-5cd30ce7fc28', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{}', '\x37b82ff8539b1e03481c8942236b3612f9a8658f50e30e6c47a7e7a7d8d02f7e109fd52227c7b5008a9c232a0d0f61bb8919665040b9d0b46e4c02a5f38b2e9161f490468cc58e24c3ba53ce82', 45, '\x119fecbaf4439b48a5d5fef07baa236417432f319cfa50fd2be7e33aca123619'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3415-74a7-b8fa-0214028eb095', '2026-11-28 19:30:27.989291+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-3414-7d9c-8d95-919bcd150770', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{}', '\xc29852887f1dfc175371aa3d364503f302a87e4b7e6df661d5abaef58371e2e8f7c412f82626a6309e41a9d1e5b202d0a7e07ca530f25faf446843d1903941737b207e1f6911d6bc242bdbb2e4a9ea9086902af6', 46, '\x2ac349f275d3c57b2fc3e37c8aafe038235ec3959fee967d5271fa1495ec7188'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3423-716c-a36e-c2e9855df5e7', '2026-11-28 19:30:28.003089+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'SkillAwarded', 'skill', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{}', '\x4f66d3a04a36bfca21281d8ce42aeeb7483aab953746e5b39ed07d0bda5051685739b9b66d005445a37d4aa6c2a0f3298322a2a552541231eee2e9d2ce1f708f2ac3414f2a771fbe5a1e3fb7', 47, '\x72e87375b1186caec0a3a49a116fd0e45f912b8ecaee45875d3f9bfc8ecbff6c');
INSERT INTO public.audit_entries VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3437-7800-85f2-4951c64dbb8a', '2026-11-28 19:30:28.0235+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserUpdated', 'user', NULL, '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{"columns":["job_title"]}', '\x83d91f3bd3c1a9688471f9c8108bc1cd7cbcc1f7472c0d5be58e201df5b54ba62a51e41dc74a218c7173c9ad1d87d4312d5cd6b7a4cf830d49db8e5a76611b8d72963b0661151b9b270620e73fe770cf4b85f27d464b1dac', 48, '\x0c20b68a35210171a1944c30056e16e797796769812121c0fbf9c90a790a9271'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3440-7c6e-a702-0f9a5bf16008', '2026-11-28 19:30:28.032777+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-3440-7d63-93c3-53036c21e4ac', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{}', '\x407ec60d65d7c21524f2816fab31c003b8b5361930fc47f429ff6c32d69fc177bf1760c4943ff7e4f86e8daf6c09a80e663901eb67447d6941e9344c26a0036ad082e44b594be476ea725ad06b', 49, '\xb57ad10055d4c9208b737473b1b6e61fe4bc4b500af785627aa4cc5721b21afe'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-344a-7acc-b662-2930ecdda1b5', '2026-11-28 19:30:28.042675+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'EnrollmentCompleted', 'enrollment', '01a223a3-3440-7d63-93c3-53036c21e4ac', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{}', '\x5fca88b2db274adfd30430e4b2165206c03631b9e7941ab957f6eb959f8cf8945c8c678c9338f2742ce47cb58fad9937ad1f5aa8c869f22a782c378e4e7d342f3f6d7757ed21752620f4e76de5b7c480a1edd10b4b19ff651005380223', 50, '\xac18ecb75046540c65bba63bed0b9fd8484907d89d90111be677f7113fa24b1d'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-345b-73a5-af40-7cec6dd59284', '2026-11-28 19:30:28.059228+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CertificateIssued', 'issued_certificate', '01a223a3-3457-73d0-a938-aa9b6a214a13', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{}', '\x1a280b300d6553610ff77afc41c544e3bce3fa67f5e9373f78694df33ecaf6008220d581c2b33db6447b3cf629f4597bbf6cdc167ab9e171a155b8e5d088d1f464693002082f243ac5d0a59e44', 51, '\xa62189f7c4c013f5bc179493060e37cb58b95d4eee03eaf5ff3291b1e7c66700'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3465-7f8d-bcfc-193d12cc5e6b', '2026-11-28 19:30:28.069972+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-3465-7d22-ab88-29c9db38c7ae', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{}', '\xf22023c011df20109460c01228db101e7d9545fd082651fb77d86116adeb360d8fe17f7e061e7ff631e3f4af8b46bae7dfc9bb83146ce69ae6ad002b87f54c2b26a122b975d5f389a0e6534d45f4d3396ef6f84f', 52, '\xf3d83e5b7339658b6eb4d0ee005e6c368b29744eda86faa4fc35868f9a557084'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3473-705e-8f96-5d48776c123f', '2026-11-28 19:30:28.083023+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'SkillAwarded', 'skill', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{}', '\x2494f1ae1c9185c20557289562ce72682d4266a8d2b03edcb669df3b725b2b3180b63bba8afaa641110cf0709a02f16e2de3c8843434d5a56e9a9a13c72b64953989e22980a96ec19be45537', 53, '\xde4aa1e14268565814798e2227dd694a787accc7c1a28e71e51fb913686a1244'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3483-7851-acb2-df66e265d6f6', '2026-11-28 19:30:28.09952+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserUpdated', 'user', NULL, '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{"columns":["job_title"]}', '\xbf103f769376be6fcc8fe39da03aaee7278a1f56962e998f475847e1689de3b1529d38f011dfe4627bc6300eb86747f00b2a89caba49ce85ab470a8aaf0e8f4056fc3e98cb484fe6d63cd247d4419e20904b438b005a3141', 54, '\x3da010bd26cfca8011ff7fc50f014e89949f99188e93e9ed5400f071f3914305'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-348f-70e5-9303-4baee7889a96', '2026-11-28 19:30:28.111056+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-348b-741d-b412-fc842d999372', '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{}', '\x3dbbbdf74d8fe43ef915dea06eac6cb320d46532121622b3f0dc93d80328280960b62013cd6f6a3966d969278c21313a1b626db4e64cc7bd89ff2c1379cdab3d8ad98ed72007a50397ed0249ea', 55, '\xabbcf7a70508696280d6374b6efaf04f879b7aff401d74e01f07f615e775dd97'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-349d-79c6-ab18-29f703a99b3e', '2026-11-28 19:30:28.125611+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'EnrollmentCompleted', 'enrollment', '01a223a3-348b-741d-b412-fc842d999372', '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{}', '\x2b09b3f69268d567d6bfb08eb9af23667d5d12ffdc6cc8334a06d6c2376588926e8d2356e82b5e166669d4800343c1db350c5ece66fbe390373d8087002070158da3d626c63b4fcddf77dad2a21fa74ab68e0463796ee3f902d9dbf1fd', 56, '\x972f48e85e1356c7784a09f200bc12e2b3f1234d6e4cf33eab1db785aa60a630'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34af-7bae-bbc5-7b9642ac5260', '2026-11-28 19:30:28.14373+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CertificateIssued', 'issued_certificate', '01a223a3-34a9-78b2-9dda-96a26117cfc9', '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{}', '\xa5f9abc93f29637e59a4622be871fb1d0999ee6bcd4dc5654a2aa8e1f5635e2cad0b640d061c40699ca3cbcee96d91495fe0aaa4e6ff80715fe555edea60b6cb63a57d00f6d3991baef0b844c0', 57, '\xd3752a855502ff81994b9fb23f9a7da46b6fe81bd1b969a22fd3f51af1c27022'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34bf-74a7-8e4c-6b3f8eef9e25', '2026-11-28 19:30:28.159291+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-34bb-743b-866a-d4b2a5c2c7be', '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{}', '\x4eb510d3dcc84d7007ede5115eee6ee18b373e711c93b0e2c80a2d9c71f6555919916e2e440b21fa81e260d9a3b91a1b968fabef71a10ab55c3364ae126e86c61b31e3a31d7addf5484c1b78a24114d989460314', 58, '\x939aea197ea0e1fd4a8d509172c01b5cfac40b2d5a4408b2babe6afdc3257e60'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34e0-7506-b07e-b4672aab4011', '2026-11-28 19:30:28.192314+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserUpdated', 'user', NULL, '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{"columns":["job_title"]}', '\x52b3ec792f12eb3cddcd53cb1fc379bc4f372a64bcd86e0e1be90df3d1c7d0cc4d9bb27ef15d872d2fdde0166635e9feebc4beb8375c86b51b7b123eabe83d9571cf2b859632460108e6d874ad7801db8d3dc16b22c5200e', 60, '\xe561aa527d6bcf2e1aac885c911b6dc7569f657306424cd3a1e1b7858b71c54d'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34f0-7451-86e2-72adebe6f59a', '2026-11-28 19:30:28.20827+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-34ed-7e97-bb53-a5ed1136fc71', '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{}', '\xb68ca6470ed1010240a7d8a45b73151ecfa43cfcaa9f6e3c5cef8e5978840865b040ac1b7259c3325ff3b9b444ffc8ce05bbd7d84e1422c56b53f5dacde08c4af833db46f54eeb3172558f410f', 61, '\x70d403888dd9775670c49f32330db64cae5ec17e55d8a59af35207f25540c09a'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3501-764d-a53f-37b3c34caf58', '2026-11-28 19:30:28.225394+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'EnrollmentCompleted', 'enrollment', '01a223a3-34ed-7e97-bb53-a5ed1136fc71', '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{}', '\xdcde87eb8162ab53eafa44a4838e6ebe86d825c0122c7dabb797ef9da46ac95a647f5aa3427d225b84a0e7edc4e2c12f94c479f041f94730050ae8fe5ef93edb16d1ba06c3876e1b322932417db85a38f90ce83f331da0024161220193', 62, '\xc30e76cb6a5776978e7b9fce13e8a384dc28aaa50c60cc999825e8cd8357cc69'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3511-7e8f-9b6b-7f26510d2b84', '2026-11-28 19:30:28.24191+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'CertificateIssued', 'issued_certificate', '01a223a3-3511-7d32-8f7e-4161545432a5', '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{}', '\x100f6e2dc9e212b26117124ed0b40168744a097ed015b3c5676b519bc624ce769ccb4dbe02b3b1b7a4753e0be0fc5a0186d918f523fe5b301efb7fd877c2e191c178fcc6b45dc89a287bd6f2ac', 63, '\x18d03cb45a169477e75b3000abca82c8f051cd9bd4c4c82992840ccab0c34553'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3520-76d9-a101-f3d88e2b4c5a', '2026-11-28 19:30:28.256428+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserEnrolled', 'enrollment', '01a223a3-351f-7e72-8da7-6c79d6d31940', '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{}', '\x956fd93128051f65fa3c7990598351c580058071c0a18eea70bea1945f0fc2546d6dbb0aa6ed275c65ed1df3adabfe2bb2c52b709b533bce025ac0accee5cf88c9bd76a7bc34bbb2d4a1c08edfb470379a5d6518', 64, '\x520f0743060b8091905ed197015b71e96b414c6f6cde47fe659414491e899b0a'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-352b-7fdb-996a-21c5d2670ca2', '2026-11-28 19:30:28.267991+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'SkillAwarded', 'skill', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{}', '\x7c59792b51bacb19c56475c12721db7a01c3e7cab70c61d8dac7d935297633240206ce048b237f4174b188bf91aad587a9d20b9f7c765ca91abc5fd20a51d7c2371653d4327450101cf33f26', 65, '\x96c76ef0c2bcebff753101f4f09323ccfd525881c4583796b311d77a4ed4a736'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3545-7395-bc55-358ee07dd222', '2026-11-28 19:30:28.293224+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserUpdated', 'user', NULL, '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{"columns":["job_title"]}', '\x7634ac7d9dfcbca2f3812391d9ecc51c5d0f8e9069643518539ec1bab88596df81076983a9667952c77ec25fabde43d338add309a0ebb3a1812cb82db2a2ecc08ab7465a09e9115901b6c5ef511e1f262dc0c7927dfdf188', 66, '\x2c2696ca5a44936d56868a05f8d2736135d0ed59dd7724153e515c3664f3b82c'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3563-7e83-98ad-2b6341a4679c', '2026-11-28 19:30:28.323907+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'ExportKept', 'export', '01a223a3-355d-7c32-a6d7-3e6b06939512', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{"days":7}', NULL, 67, '\x423477c4afaccbc30e885a9ade76046253f8a435ceac9731bd7b07a6c7e7878f'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-36fe-778d-a8f5-00674c729dd4', '2026-11-28 19:30:28.734472+00', 'system', 'system', NULL, 'UserExported', 'user', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '{}', NULL, 68, '\x9246f7a63e9b8995729ebc1d950738fcfca6a43777a09205ebbd75294dabc123'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-37da-7820-8fd0-0221e3dc5510', '2026-11-28 19:30:28.954508+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserDeleted', 'user', NULL, '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{}', NULL, 69, '\xad2a6c708bc7084269781d9f9d1ce811247c9c779ac2aa5014a703985da0033d'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-37f0-77c6-9c3c-aaf4bd028cf3', '2026-11-28 19:30:28.976486+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserDeleted', 'user', NULL, '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{}', NULL, 70, '\x8ceefa327bc47a2d928484c35cd40c1faa8c9f90c73ccc2994ed49a8a2035d12'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3808-7364-8b85-c966587ba536', '2026-11-28 19:30:29.000212+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserDeleted', 'user', NULL, '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '{}', NULL, 71, '\x20958e5c5d6f2fbc00518750e57da03d43b24a628a0fea8cf9ebe7dad0dd8170'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-382a-7bf7-b87a-3b088be41b5e', '2026-11-28 19:30:29.034748+00', 'api', 'api_key', '01a223a3-31e6-7f67-b832-04f5a2f59fac', 'UserDeleted', 'user', NULL, '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '{}', NULL, 72, '\x308f9e1fb6785799378575152e809597379ae65c79f248c2ee17401275a27787'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3850-7c7a-b4aa-86805b6b6fd4', '2026-11-28 19:30:29.07278+00', 'command_line', 'user', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', 'ErasureOrdered', 'erasure_request', '01a223a3-3838-7556-a141-48aaac0ad9f4', NULL, NULL, '{"operation":"purge","people":1}', NULL, 73, '\x7cb731b30dfc4e91bee5540698c09ce1c04310b085ebbdfd8311fcf0cad1861a'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3892-7a1c-b46d-fa2d0920f468', '2026-11-28 19:30:29.138632+00', 'system', 'system', NULL, 'UserPurged', 'user', NULL, '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', NULL, '{"request":"01a223a3-3838-7556-a141-48aaac0ad9f4"}', NULL, 74, '\x79ed321539b0fbb0e7b97e81d677e61317450b639fa6870a7e70a6f887bc5a19'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-38e8-7560-845e-a31d7cadc139', '2026-11-28 19:30:29.224336+00', 'system', 'system', NULL, 'ErasureCertified', 'erasure_request', '01a223a3-3838-7556-a141-48aaac0ad9f4', NULL, NULL, '{"done":1,"failed":0,"operation":"purge"}', NULL, 75, '\xd5db536ac84f917559c351e6ba553da354f7738c88a7e49afdcd41cc01c24841'),
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', '01a223a3-3162-7b95-80af-ff04b5f9369b', '2026-11-28 19:30:27.298724+00', 'system', 'system', NULL, 'TenantCreated', 'tenant', '01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', NULL, NULL, '{"kind":"enterprise"}', NULL, 1, '\x00ff257c7d8244c71fd9ea2f8c60a765ea1616293d50f121fbcfd9db1b8b16ca'),
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', '01a223a3-32e4-7d6c-b3b9-e061c029fe79', '2026-11-28 19:30:27.684839+00', 'system', 'system', NULL, 'ApiKeyCreated', 'api_key', '01a223a3-32e4-7186-b914-64caf0bc895d', NULL, NULL, '{"access":"full_control","kind":"api_key"}', NULL, 2, '\xf90ea0877fad5da44db911746db1995121e1260a702f4ca1a417bf0d6da433cc'),
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', '01a223a3-32f2-7785-962b-67b483576374', '2026-11-28 19:30:27.69847+00', 'api', 'api_key', '01a223a3-32e4-7186-b914-64caf0bc895d', 'UserCreated', 'user', NULL, '01a223a3-32ef-79d5-a5d2-591d1dc49668', NULL, '{"columns":["kind","state","ref","email","email_verified","roles"]}', '\xe7cb1ec727dec577eb4f5d227edc6b762f509395c0430914c42356b14e305b68dca057f1a3a116c1a82fd83f5517dfcbdd038e1db542ca847165eb55f97bad1cd5de6ec1177165052afc36d95728da33966a89446a3d8ae89ef3d9a91862e66e3c686225756f5c794bf5950588dd96b946375e577cee732e8d84b28378ed5fb2cf837969aac08dc85fd41cdf17544740292a7906d3d8cef1', 3, '\xcead1be5f5255e8e779363fc00988c14a09667e694e67716000e235e9520b6e7'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39b3-7a8b-9556-796adfff9554', '2026-11-28 19:30:29.427659+00', 'command_line', 'command_line', NULL, 'ErasureOrdered', 'erasure_request', '01a223a3-39af-76c4-a662-ee5244fcdb30', NULL, NULL, '{"operation":"anonymize","people":1}', NULL, 77, '\x05807e4d928a7dd87d2e81006c4c94e8c1c12ce1726bebca5454c70a9d2a2f6d'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3afd-72a3-84c6-11cdef42cdc9', '2026-11-28 19:30:29.757165+00', 'system', 'system', NULL, 'TracesSwept', 'tenant', '01a223a3-3133-7478-b60c-09aff8f678bd', NULL, NULL, '{"open":0,"resolved":0,"unreadable":0}', NULL, 81, '\x90716c694a83849b28a37f88c0e1714fcb8d3e0f23b556ac01b885ff811442cc'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-398d-79ef-b0e3-18d26a223084', '2026-11-28 19:30:29.389621+00', 'system', 'system', NULL, 'ErasureSearched', 'erasure_request', '01a223a3-3838-7556-a141-48aaac0ad9f4', NULL, NULL, '{"failed":0,"findings":0}', NULL, 76, '\xfedc33b906f3e8d47f0c09af318dcba8f1edbe2bd24ed3e2a09f965b11f4e763'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39c0-7e6e-8f86-9d95172facf7', '2026-11-28 19:30:29.440902+00', 'system', 'system', NULL, 'UserAnonymized', 'user', NULL, '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '{"request":"01a223a3-39af-76c4-a662-ee5244fcdb30"}', NULL, 78, '\xd1ad8172ae34c0212e467311096923db1c5799f38a4e0feeb003a9b40814ca61'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39d8-75a9-97f0-985b575807de', '2026-11-28 19:30:29.464354+00', 'system', 'system', NULL, 'ErasureCertified', 'erasure_request', '01a223a3-39af-76c4-a662-ee5244fcdb30', NULL, NULL, '{"done":1,"failed":0,"operation":"anonymize"}', NULL, 79, '\x3f4dbb0ac752eb321ea3ba378b51d2c3bfbde96353e0baa78f0f66397cac897f'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3a17-7c87-8b47-cce74f81a7b0', '2026-11-28 19:30:29.527783+00', 'system', 'system', NULL, 'ErasureSearched', 'erasure_request', '01a223a3-39af-76c4-a662-ee5244fcdb30', NULL, NULL, '{"failed":0,"findings":0}', NULL, 80, '\xbf3b203b677ac7b1097c9ab7f78ca96f5d856446f0775ea0f132f781279be6f4'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b33-7e8b-8e23-aa1ae4f99ea3', '2026-11-28 19:30:29.811909+00', 'command_line', 'command_line', NULL, 'ErasureOrdered', 'erasure_request', '01a223a3-3b04-72b1-8eaf-49571baff0bf', NULL, NULL, '{"operation":"purge","people":1}', NULL, 82, '\xbf98006317e817015a9340e116938b83de5da8102467cf705c5b721ed4558d53'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '4f483e94-46eb-470c-a619-afe10bf8dc66', '2026-11-28 19:30:30.215+00', 'audit_entries initiated_from 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'user', NULL, 'UserUpdated', 'user', NULL, NULL, NULL, '{}', NULL, 83, '\xec7f59558857b127303857609fd45e4605dadee78f380c269782e6efd0ed2499');

INSERT INTO public.catalog_groups VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-3326-7d53-82a9-de0cbb3deb48', '2026-11-28 19:30:27.764686+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cb4-7a97-abe9-cef1930ea1bc', '01a223a3-3ccf-757e-9645-96e7f2671efe', '2026-11-28 19:30:30.223685+00');

INSERT INTO public.catalog_members VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'member', NULL, NULL, '2026-11-28 19:30:27.771964+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', 'member', NULL, NULL, '2026-11-28 19:30:27.771964+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32d4-73f0-a51a-4a83e6057abb', 'member', '8d93d195-178f-4466-a00b-7e8ce2012c4d', NULL, '2026-11-28 19:30:27.771964+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32fa-7641-a464-e366afa8b804', '01a223a3-32df-7692-91e5-36e4c462f117', 'member', '6bdfe753-311c-41f9-8474-37d107fe4b6a', NULL, '2026-11-28 19:30:27.771964+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cb4-7a97-abe9-cef1930ea1bc', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'member', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.224935+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cb4-7a97-abe9-cef1930ea1bc', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', 'member', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.229421+00');

INSERT INTO public.catalogs VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32fa-7641-a464-e366afa8b804', 'Safety', NULL, '{safety@acme.example}', NULL, '2026-11-28 19:30:27.705755+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cb4-7a97-abe9-cef1930ea1bc', 'catalogs title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'catalogs description 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '{"catalogs contact_emails 01a223a3-32a0-76d8-9e9d-5ceac6054e44"}', 'catalogs external_key 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.195723+00');

INSERT INTO public.contact_keys VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '\xf16ab6e7b70dfa953595ec82d47fa3c612e213040d7c382e5a6cccf009aca222', '\xe224d35d6493082930bf9705c5494281a9c8a27153ad71fef9eba2f599b8afb7', '2026-11-28 19:30:30.230571+00');

INSERT INTO public.course_authors VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cba-72b0-b1aa-dd60173a200a', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.23191+00');

INSERT INTO public.course_groups VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cba-72b0-b1aa-dd60173a200a', '01a223a3-3ccf-757e-9645-96e7f2671efe', '2026-11-28 19:30:30.234643+00');

INSERT INTO public.courses VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3303-7018-bc16-494fc723b6e0', '01a223a3-32fa-7641-a464-e366afa8b804', 'e_learning', 'Ask sibylle.sommer@acme.example or [erased] first', NULL, '{}', NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.712706+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cba-72b0-b1aa-dd60173a200a', '01a223a3-3cb4-7a97-abe9-cef1930ea1bc', 'e_learning', 'courses title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'courses description 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '{"courses contact_emails 01a223a3-32a0-76d8-9e9d-5ceac6054e44"}', 'courses reply_to_email 01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, NULL, 'courses external_key 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.201581+00');

INSERT INTO public.directory_groups VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3326-7d53-82a9-de0cbb3deb48', NULL, 'Line 4', NULL, '2026-11-28 19:30:27.749614+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3ccf-757e-9645-96e7f2671efe', NULL, 'directory_groups display_name 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'directory_groups description 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.222333+00');

INSERT INTO public.enrollments VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-335d-769d-9d0d-fc641bf85bd1', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, NULL, 'completed', 'pass', '2026-11-28', NULL, '2026-11-28 19:30:27.812117+00', 0, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.803367+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3376-71e6-ad5c-20e3cc7ff274', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '01a223a3-3310-73a0-adfb-c373ddd5482b', NULL, 'registered', NULL, '2026-11-28', NULL, NULL, 0, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.828752+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-339c-74e5-851e-811dbe74c6c5', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, NULL, 'completed', 'pass', '2026-11-28', NULL, '2026-11-28 19:30:27.873939+00', 0, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.862157+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33c8-7eb7-87b8-ae9cca851ca8', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '01a223a3-3310-73a0-adfb-c373ddd5482b', NULL, 'registered', NULL, '2026-11-28', NULL, NULL, 0, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.910949+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3440-7d63-93c3-53036c21e4ac', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, NULL, 'completed', 'pass', '2026-11-28', NULL, '2026-11-28 19:30:28.0408+00', 0, NULL, NULL, NULL, '5a289c6f-954b-43e3-a587-0cc86ac99366', '2026-11-28 19:30:28.030657+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3465-7d22-ab88-29c9db38c7ae', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', NULL, '01a223a3-3310-73a0-adfb-c373ddd5482b', NULL, 'registered', NULL, '2026-11-28', NULL, NULL, 0, NULL, NULL, NULL, '5a289c6f-954b-43e3-a587-0cc86ac99366', '2026-11-28 19:30:28.068157+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-348b-741d-b412-fc842d999372', '01a223a3-32d4-73f0-a51a-4a83e6057abb', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, NULL, 'completed', 'pass', '2026-11-28', NULL, '2026-11-28 19:30:28.119987+00', 0, NULL, NULL, NULL, '8d93d195-178f-4466-a00b-7e8ce2012c4d', '2026-11-28 19:30:28.104031+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34bb-743b-866a-d4b2a5c2c7be', '01a223a3-32d4-73f0-a51a-4a83e6057abb', NULL, '01a223a3-3310-73a0-adfb-c373ddd5482b', NULL, 'registered', NULL, '2026-11-28', NULL, NULL, 0, NULL, NULL, NULL, '8d93d195-178f-4466-a00b-7e8ce2012c4d', '2026-11-28 19:30:28.154016+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34ed-7e97-bb53-a5ed1136fc71', '01a223a3-32df-7692-91e5-36e4c462f117', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, NULL, 'completed', 'pass', '2026-11-28', NULL, '2026-11-28 19:30:28.217122+00', 0, NULL, NULL, NULL, '6bdfe753-311c-41f9-8474-37d107fe4b6a', '2026-11-28 19:30:28.201925+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-351f-7e72-8da7-6c79d6d31940', '01a223a3-32df-7692-91e5-36e4c462f117', NULL, '01a223a3-3310-73a0-adfb-c373ddd5482b', NULL, 'registered', NULL, '2026-11-28', NULL, NULL, 0, NULL, NULL, NULL, '6bdfe753-311c-41f9-8474-37d107fe4b6a', '2026-11-28 19:30:28.250659+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3ce8-76d5-abfd-edc8857f1c76', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3cba-72b0-b1aa-dd60173a200a', NULL, '01a223a3-3cdc-77db-921d-e37e53dba78b', 'registered', 'pass', NULL, NULL, NULL, 0, NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'enrollments note 01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '2026-11-28 19:30:30.247532+00', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cea-7c3f-9abe-7f5cf6c6b4eb', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3cba-72b0-b1aa-dd60173a200a', NULL, '01a223a3-3cdc-77db-921d-e37e53dba78b', 'registered', 'pass', NULL, NULL, NULL, 0, NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'Ask sibylle.sommer@acme.example', NULL, '2026-11-28 19:30:30.250153+00', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44');

INSERT INTO public.erasure_certificates VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 0, 'KR5LK_ez-cxWmgCBgvo0KeHFLu_p3BWE_d05-13qU0A', 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJjZXJ0aWZpZWRfYXQiOiIyMDI2LTExLTI4VDE5OjMwOjI5LjEwMVoiLCJkYXRhX21hcCI6IjgxOTE0MzA4ZGFmYWIwYzQiLCJlZmZlY3RzIjpbeyJlZmZlY3QiOiJkZWxldGVkIiwicm93cyI6MSwidGFibGUiOiJjYXRhbG9nX21lbWJlcnMifSx7ImVmZmVjdCI6InNjcnViYmVkIHRpdGxlIiwicm93cyI6MSwidGFibGUiOiJjb3Vyc2VzIn0seyJlZmZlY3QiOiJkZWxldGVkIiwicm93cyI6MiwidGFibGUiOiJlbnJvbGxtZW50cyJ9LHsiZWZmZWN0IjoiZGVsZXRlZCIsInJvd3MiOjEsInRhYmxlIjoiaXNzdWVkX2NlcnRpZmljYXRlcyJ9LHsiZWZmZWN0IjoiZGVsZXRlZCIsInJvd3MiOjEsInRhYmxlIjoicGVyc29uX2tleXMifSx7ImVmZmVjdCI6ImRlbGV0ZWQiLCJyb3dzIjoxLCJ0YWJsZSI6InByb2R1Y3RfYWNjb3VudHMifSx7ImVmZmVjdCI6ImRlbGV0ZWQiLCJyb3dzIjoxLCJ0YWJsZSI6InVzZXJfc2tpbGxzIn0seyJlZmZlY3QiOiJkZWxldGVkIiwicm93cyI6MSwidGFibGUiOiJ1c2VycyJ9XSwiaW5pdGlhdGVkX2Zyb20iOiJjb21tYW5kX2xpbmUiLCJvcGVyYXRpb24iOiJwdXJnZSIsInJlcXVlc3QiOiIwMWEyMjNhMy0zODM4LTc1NTYtYTE0MS00OGFhYWMwYWQ5ZjQiLCJyZXF1ZXN0ZWRfYXQiOiIyMDI2LTExLTI4VDE5OjMwOjI5LjA0M1oiLCJzaGFyZWRfaWRlbnRpZmllcnMiOjAsInN0YXJ0ZWRfYXQiOiIyMDI2LTExLTI4VDE5OjMwOjI5LjEwMVoiLCJzdWJqZWN0cyI6eyJkaWdlc3QiOiI5YWU2ODI3Mzg3ZTI1NWI1ZTBjOTU0OTZiZWFiZjA5MzliYWFmN2M3ODBmZGZjY2JkYWI4MWMwNTQ3OTg3NDNmIiwiZG9uZSI6MSwiZmFpbGVkIjowLCJ0b3RhbCI6MX0sInRlbmFudCI6IjAxYTIyM2EzLTMxMzMtNzQ3OC1iNjBjLTA5YWZmOGY2NzhiZCIsInR5cGUiOiJsZXRoZS5lcmFzdXJlX2NlcnRpZmljYXRlIiwidmVyaWZpY2F0aW9uIjp7Im1lbnRpb25zX2xlZnQiOjAsIm1ldGhvZCI6ImRhdGFfbWFwIiwicm93c19sZWZ0IjowfSwidmVyc2lvbiI6MX0.R7SDak_gCSaOFI0uVvKxqm1J3xTTlGNPxtEeORvk09q_beXNYj88fyzEcLnTdNawn_Ev7e5_EwwBC8AqK7itAA', '2026-11-28 19:30:29.101142+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 1, 'KR5LK_ez-cxWmgCBgvo0KeHFLu_p3BWE_d05-13qU0A', 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJhZGRlZF9hdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuMzk5WiIsImF1ZGl0Ijp7Imhhc2giOiJfdHd6dVFiejZOUl9EQW12TVkzTHFQSHR2aXZTVHRQaW9KLVdXeEgwNTJNIiwic2VxdWVuY2UiOjc2fSwiY2VydGlmaWNhdGUiOiJkNWYzNGFmOGZjMGQzOWM0NjM5NGJjZjA1OTBlZjA1OGI1ZmZjOTU4MjI1YjE3OWI0MTNhMTc3ODgxZTk1OWE3IiwicmVxdWVzdCI6IjAxYTIyM2EzLTM4MzgtNzU1Ni1hMTQxLTQ4YWFhYzBhZDlmNCIsInNlYXJjaCI6eyJieXRlcyI6MTE2OTUsImNvbHVtbnMiOjE0MSwiZmluZGluZ3MiOltdLCJpZGVudGlmaWVycyI6MywidGFibGVzIjo0OCwidG9vX3Nob3J0IjowLCJ1bnJlYWRhYmxlIjpbXX0sInRlbmFudCI6IjAxYTIyM2EzLTMxMzMtNzQ3OC1iNjBjLTA5YWZmOGY2NzhiZCIsInR5cGUiOiJsZXRoZS5lcmFzdXJlX2FkZGVuZHVtIiwidmVyc2lvbiI6MX0.n63pAbabhRuTEfRANhF5SVUyRFIRAXqGYtpGhj1Qt2PtDMDd5NA-M3UoxZyxLHiKY_eO8GkoJTEwslFuDM6VDQ', '2026-11-28 19:30:29.387969+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 0, 'KR5LK_ez-cxWmgCBgvo0KeHFLu_p3BWE_d05-13qU0A', 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJjZXJ0aWZpZWRfYXQiOiIyMDI2LTExLTI4VDE5OjMwOjI5LjQzMVoiLCJkYXRhX21hcCI6IjgxOTE0MzA4ZGFmYWIwYzQiLCJlZmZlY3RzIjpbeyJlZmZlY3QiOiJkZWxldGVkIiwicm93cyI6MSwidGFibGUiOiJjYXRhbG9nX21lbWJlcnMifSx7ImVmZmVjdCI6ImNsZWFyZWQgbnVtYmVyIiwicm93cyI6MSwidGFibGUiOiJpc3N1ZWRfY2VydGlmaWNhdGVzIn0seyJlZmZlY3QiOiJkZWxldGVkIiwicm93cyI6MSwidGFibGUiOiJwZXJzb25fa2V5cyJ9LHsiZWZmZWN0IjoiZGVsZXRlZCIsInJvd3MiOjEsInRhYmxlIjoicHJvZHVjdF9hY2NvdW50cyJ9LHsiZWZmZWN0IjoiYW5vbnltaXplZCIsInJvd3MiOjEsInRhYmxlIjoidXNlcnMifV0sImluaXRpYXRlZF9mcm9tIjoiY29tbWFuZF9saW5lIiwib3BlcmF0aW9uIjoiYW5vbnltaXplIiwicmVxdWVzdCI6IjAxYTIyM2EzLTM5YWYtNzZjNC1hNjYyLWVlNTI0NGZjZGIzMCIsInJlcXVlc3RlZF9hdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuNDIxWiIsInNoYXJlZF9pZGVudGlmaWVycyI6MCwic3RhcnRlZF9hdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuNDMxWiIsInN1YmplY3RzIjp7ImRpZ2VzdCI6IjAwOGI3NDRiMGNhODJhODRiNzc3NjYwOTYxMzJlZGUwYzM2MmFlODk0YzQ4ZTNlYTZhYzZjYzJmM2NiNmE3ZjMiLCJkb25lIjoxLCJmYWlsZWQiOjAsInRvdGFsIjoxfSwidGVuYW50IjoiMDFhMjIzYTMtMzEzMy03NDc4LWI2MGMtMDlhZmY4ZjY3OGJkIiwidHlwZSI6ImxldGhlLmVyYXN1cmVfY2VydGlmaWNhdGUiLCJ2ZXJpZmljYXRpb24iOnsibWVudGlvbnNfbGVmdCI6MCwibWV0aG9kIjoiZGF0YV9tYXAiLCJyb3dzX2xlZnQiOjB9LCJ2ZXJzaW9uIjoxfQ.dtR3aJXp8JFV0lm9-Rn7VJyQvnckyx0Hcer6uMIiVRGgX956i6tZkigc3WZ0Ict1JslV4gk2llUIzOaLQhjbAQ', '2026-11-28 19:30:29.431346+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 1, 'KR5LK_ez-cxWmgCBgvo0KeHFLu_p3BWE_d05-13qU0A', 'eyJhbGciOiJFZERTQSIsImtpZCI6IktSNUxLX2V6LWN4V21nQ0Jndm8wS2VIRkx1X3AzQldFX2QwNS0xM3FVMEEiLCJ0eXAiOiJhcHBsaWNhdGlvbi9qc29uIn0.eyJhZGRlZF9hdCI6IjIwMjYtMTEtMjhUMTk6MzA6MjkuNTM1WiIsImF1ZGl0Ijp7Imhhc2giOiJ2enNnTzJkNng3RUpmSnEzOTR5cGIxMkZaRWJ3ZDE2ZzhUTDNnU2ViNXZRIiwic2VxdWVuY2UiOjgwfSwiY2VydGlmaWNhdGUiOiI4NTk2ZmVmZmNjMGUyYjY2NDdiM2YyYjI1NTUwYzBiNjJiNmI2YmE1ODc1MWJjYTJkMTFjYzk5OTM1MjJhNGM2IiwicmVxdWVzdCI6IjAxYTIyM2EzLTM5YWYtNzZjNC1hNjYyLWVlNTI0NGZjZGIzMCIsInNlYXJjaCI6eyJieXRlcyI6MTU3OTYsImNvbHVtbnMiOjE0MSwiZmluZGluZ3MiOltdLCJpZGVudGlmaWVycyI6MywidGFibGVzIjo0OCwidG9vX3Nob3J0IjowLCJ1bnJlYWRhYmxlIjpbXX0sInRlbmFudCI6IjAxYTIyM2EzLTMxMzMtNzQ3OC1iNjBjLTA5YWZmOGY2NzhiZCIsInR5cGUiOiJsZXRoZS5lcmFzdXJlX2FkZGVuZHVtIiwidmVyc2lvbiI6MX0.PADCPFiaE0aqo23TG_XvVIAuL4n4h81nFZLUQVuK3-VJ7t570uk10xI7dJ8w1F-Nm2RWoG1c4ZOYY1_diWjqBg', '2026-11-28 19:30:29.526675+00');

INSERT INTO public.erasure_findings VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cf4-7907-89ba-b09122bf7639', '713523b4-bffd-41ef-8f03-bc6a3a627124', '01a223a3-3cf1-7ff5-a93f-86ddebdd2a03', 'erasure_findings table_name 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'erasure_findings column_name 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'email', 1, '2026-11-28 19:30:30.259253+00', NULL);

INSERT INTO public.erasure_ledger VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', 'purge', '81914308dafab0c4', '2026-11-28 19:30:29.101142+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', 'anonymize', '81914308dafab0c4', '2026-11-28 19:30:29.431346+00');

INSERT INTO public.erasure_receipts VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'catalog_members', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'enrollments', 'deleted', 2),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'issued_certificates', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'person_keys', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'product_accounts', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'user_skills', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'users', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'courses', 'scrubbed title', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'catalog_members', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'issued_certificates', 'cleared number', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'person_keys', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'product_accounts', 'deleted', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'users', 'anonymized', 1);

INSERT INTO public.erasure_requests VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'purge', 'command_line', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', NULL, NULL, '81914308dafab0c4', '2026-11-28 19:30:29.043537+00', '2026-11-28 19:30:29.101142+00', '2026-11-28 19:30:29.401007+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'anonymize', 'command_line', NULL, NULL, NULL, '81914308dafab0c4', '2026-11-28 19:30:29.421871+00', '2026-11-28 19:30:29.431346+00', '2026-11-28 19:30:29.537337+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b04-72b1-8eaf-49571baff0bf', 'purge', 'command_line', NULL, NULL, '\xb07800019a9134a211774ca39c1bc8b1e165ec42865168ff572a917dac27113ca8024f9f411889911f9fbd1ff5d76274a9300df3f93f2868289be720', '81914308dafab0c4', '2026-11-28 19:30:29.76425+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cf1-7ff5-a93f-86ddebdd2a03', 'purge', 'command_line', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'erasure_requests reason 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '\x55bb844c69aa6c45b790f386be763b80e898fe6a32e65117f3394bc83ebcacb5', 'erasure_requests map_version 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.25687+00', NULL, '2026-11-28 19:30:21.983+00');

INSERT INTO public.erasure_steps VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'resolve', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.043537+00', '2026-11-28 19:30:29.043537+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'certify', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.101142+00', '2026-11-28 19:30:29.223645+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'erase', 'done', 9, 0, 0, 0, '2026-11-28 19:30:29.101142+00', '2026-11-28 19:30:29.223711+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'notify', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.101142+00', '2026-11-28 19:30:29.223724+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'verify', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.101142+00', '2026-11-28 19:30:29.22374+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', 'search', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.249412+00', '2026-11-28 19:30:29.40092+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'resolve', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.421871+00', '2026-11-28 19:30:29.421871+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'certify', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.431346+00', '2026-11-28 19:30:29.464085+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'erase', 'done', 5, 0, 0, 0, '2026-11-28 19:30:29.431346+00', '2026-11-28 19:30:29.464133+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'notify', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.431346+00', '2026-11-28 19:30:29.464145+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'verify', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.431346+00', '2026-11-28 19:30:29.464159+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', 'search', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.483017+00', '2026-11-28 19:30:29.537249+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b04-72b1-8eaf-49571baff0bf', 'resolve', 'done', 0, 0, 0, 0, '2026-11-28 19:30:29.76425+00', '2026-11-28 19:30:29.76425+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b04-72b1-8eaf-49571baff0bf', 'erase', 'queued', 0, 0, 0, 0, NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b04-72b1-8eaf-49571baff0bf', 'verify', 'queued', 0, 0, 0, 0, NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b04-72b1-8eaf-49571baff0bf', 'certify', 'queued', 0, 0, 0, 0, NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b04-72b1-8eaf-49571baff0bf', 'search', 'queued', 0, 0, 0, 0, NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b04-72b1-8eaf-49571baff0bf', 'notify', 'queued', 0, 0, 0, 0, NULL, NULL, NULL, NULL);

INSERT INTO public.erasure_subjects VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3838-7556-a141-48aaac0ad9f4', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', 'done', NULL, '{"users deleted": 1, "enrollments deleted": 2, "person_keys deleted": 1, "user_skills deleted": 1, "catalog_members deleted": 1, "product_accounts deleted": 1, "issued_certificates deleted": 1}', NULL, NULL, '2026-11-28 19:30:29.217359+00', '2026-11-28 19:30:29.217359+00', NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-39af-76c4-a662-ee5244fcdb30', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', 'done', NULL, '{"users anonymized": 1, "person_keys deleted": 1, "catalog_members deleted": 1, "product_accounts deleted": 1, "issued_certificates cleared number": 1}', NULL, NULL, '2026-11-28 19:30:29.463475+00', '2026-11-28 19:30:29.463475+00', 'email:b239ac3f1103fd53603ba081ac14be20de79028d80e01b04be5fe7a9ff111e73 login_name:b8baf91aa1687a47002d296f3f1adbffaba480658b2344111e210ebdf37588cc ref:5828a13cd161c65382464df58957d7e6ebdb4d0e33bad198ed3abfe9b23c684f'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3b04-72b1-8eaf-49571baff0bf', '01a223a3-32df-7692-91e5-36e4c462f117', 'queued', NULL, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO public.export_chunks VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-355d-7c32-a6d7-3e6b06939512', 0, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '\x118b076274f794471b518dc459a2afdf9632c2000c596fc18126b2aefdadde366fd0fd63a1179ce226af5a85350872534e3ed2e4e8f975689a4ce114bae454716f6c3e5064689033c3d2532d47a7c9c1086c16bb483e3a4ecff6e00eb39c18e0654246f7077b6462181ee51e5c1d96f10255bed21391fa6c03de573c1133a35238c81c252cfa779fa3cfa4d0a37d4eb17fc463ebeafb867de1635589708e73c42adef78693873bdd6dd252d40d223591e157ef494032783454ba51d9fac9cabbd45c9cd017b17af5904c7b1ac721b2de7d19c6ad99bf6ee9252a01765332c27deb5a6b5e9786013ec6a9af3b45a8b111225e2137f3f1e8a73c4140fde0d27e09e4150657bdf779166737fd1083998d4a8d567e2c62e988d95f68f97cfd527d9937f0ee592e81959acb62a355bf655ed51beeb99d977a0f386b097256fe692414844f8d693da4d4a1487486b335c45afdab3065106b2155e7049ffa006ad5e2a8171d60da76431243a2c6ae5a70a5df9d23bfb60958f28e44fe3fc0ed9dcf784db2e16e447d97ece14ab0e8ef3c4a782d02e931e213544283ea900a9fe035189dfc4c3bd48112d7d59c1e2ad4f3da114a9de9ac33b81371cd81b9e5bedd16e31544ba5256ad19d56d92611ab5348958f4fde2f201ed5558a381273f4551714f266f13a8d597d7525897d3a60228b1dc58aa5763bcf64ba76c8726b9a7ca8eff5ccafd09b1d0c814fa3f1cc1f66290188783e616120d7bf1928d4025d713c51026990013c4fb71db305405b7b20e5fddc8d051ab8c9df32613f9f8952398119cefe48c4c01b5550ec50b59d1afe903da02bedcb6d26fe7835f064db2c8a78536e7b951215471ee5242be2c2f625e9979b3cf4f5fea43464cce1ac554b159443adbd724fe3465bfb8bee9ffafe8fa49a6b75deb717930ba28bce4e505e1ce00f6d62e271703d7ccebca77fbfd9922ee633db6acefeb2b209e55c67412cec522fa7bd6a790d4ba97c25e125b9f89fe9a4e25dea7a1d0c3579af8cf596b4d64ab21c77af51050b0af818eca7b5b1adfc993fafe678e5938be089a8c793142f7d436aa6709113e82d0c64e8eec80d60c59a426879de9c53481ab08f8e57299f22ce229510f5407da496e8248024be4b276a8ec67cc461ddf4022aacbd15a1d000318ee6027abe3c71a54fe419d24218918ab133b524735e70739f84190e0ea8642db57482a5469f5ede6b71ce92b5c2b6e4120beba2cf2f4a7a8328a7f9ddd9f66bd56113f2e4941068275e76a82b817762026934ef7d7c4e5dee7151eb9b832dea3b29551539f206f36fc4cdb76da364567aee6b2c3515cb49004144a4990b648b89fed43c8b903dcc4635ace30790816ad0415db501c20edd941460a181f3c84dd0f4a78d6fe0058338091c97b3cc834731cc61d7296515e950f88e4569c4baea3b7863d3dd6883dfa7da50b57343522cb01dc43b302b7bc598dc94c05378fc8e08742bad6a57726c57d75ff5f5832ba8ada00950ebf84e952b680abdeaf23901e5e1e7e683279fdac0b01e72fa47301c21ca7535276c6c09ed9702a19da9f9874ac75a5e25e71b6a3cf27c1ef28d634ef14f7db74e2bd0f57003776f68afe3c6f72c5a51eb1c007fc9d54a5adbdee19a11fd785ab3613098c4b6a969cda3475e144bf87fd50e4b4c12a32cf96b12d720323813b0aac5e1e688868d8738721e61c6a6124d6276a5daaa0a8a1fc35dd4ca6ebf8a52beb37facb860989ca8eb5757fe029f111ee4ef9e6ad217d911ae883f50ee9f73d38090c571fa1e3d99b1194cca481b46c5dc3a7c7ef9c60600a98c8c6d546e4f4e12b5e885b64753cb21a6c8fd13e7d2efd555b896fb6fb5162326a49edc4ac2325956cc5c6dea0201e69a877409d9d5d084331aa80b341d447d844d18cf4d7bbe66e134a80b9c27e178888757a37b3c0ea6a93b4da8eeadcbe9013c7663b1e2e738535dc131b21c9042c80eaa04462891b5614d8353ef70514814bbcc8e5c9bbeb32e9784c87149a295d82ac2061bdcb43af864777f72a0626d5eda3589c8b70f38f332dd72e9c9927982dd7f27ef29b60903a42136ab0054a2982bed7bd3c90a519d5272db09066996ea9d22c6d6fcb7bf9fa8426ae0a585343964bb10d1a84c6b8feb277346dc1fc1852c94a44f2c0ba934d10238abc0b797f4ef6e64be5b297046fcefd8851e9f5dcf902002c5dcde19c01f978464efa21e496d60c7d52d8ab487154022d97f4c03101de7fd1d0d206241aa61ee623d751f52700da3ba18940368ff70678a881b921494ff49dd2af53402db63ea116e094daabe4ecd6f464ca08410c3530ad4d15f65c56454f1107949db2902ac455afe5570467a52ae262184ce9897e1dfb258fb3be20bb20b635410d2b3f82bd40517fc1d1c834705c58b193354f53448ad62739d87d1e034c855fe2dc4dd99359abd64191d22505e6ee7b8c90d761e653a9c71b90f2c488de0cadca068079393afef6b77e7c1789fd003a5a2ad9df5083577e915b2d75b844dd4db99f6ba5173978fa27519af7f0ecc16d49d8e4ce4ae0fbdfe4bff2585c0f200f95a40556e25d71e7586596ad2223d2e330fdb12788bb82bcd80ada39d947966c7a5a362413812da037dba2b08f04e3589c6890a62492c50f8d45f35e8741c7ae4a1b8670729e66e61b0bdbb643760dd0ff827548b2bee241bb3f462238beb36909952b2379627cbd01e60639d1dfe9f386afbf89192dfa6dd60673171b911b8d8ee6b73d97a61e0931710137d7aed871fcf877f19c4ca9c078c28c4b00b89e9674965aad7b95791e092209db522990246f01640c69deb962743d1576a60251de415f5e982970cb01bc0994bea110d8163e672fa3ecc0ae5329066c8700d2f52e32bef6056e8577a39d47348a2ffa7683820bc8063c9f9663404a6867625054b70126f43524d21245ca6caf0e915719daecd3120cb47c05bf7623e001dab7eacfb693bdd2ae8e022ef02434c00c0aff29fac8fe4dbdf4a1b4f9a297b54c714fda2da89dd5f64e5df318569a2ea7948e0eabda0f6950b3a11cc2831442f7fdf5763cdff8dad871f916c7d1adfeac088dfc17f5dfdc3ab7bc95abb42d206f8de5799f3ae050f1f9b6e8527f07ec2ef2b092ef43f7407262d06d9f2a0c465ff636757764695ea84482f68c3fe31e94c58d580f7eb4c3c13d63109b9ddfd0de91529c1112b89b861655bf6dc9fca01c31a52e4af857f165d35e640bc275c4526370486d95157fd4334ada500232a3e516834f4a6ae89704ec1f78cb0a43ecb3cc4257307d93c66e16e5aafe98508094ad497d10e1516778da56c29eb75240fa3195249df52e0fe5e6dfb380f09b0f5c26ebaedd709a7b4aa78d8947c47e93129600d0995c019a0da314de02c79322dd3c0c335d5e82bde3424ae2e22f9bc0cc29902a3945857b0538ab262a9bebd4c0bc31211262d27776309a8697f99541b7a4c86b3c2e23d7bfbe0d8da213f971282166702063ac1dccdd3695d01eed49f95971a6240274b7b53de70192475d464e688b0de49c898d853583f8d0321c607bbde23c5be702ea8f1899b7228727ff8e5d6c2bd38c2dca68b42b6b57c8e73ec0c623b15561915cc71bd3099cfa97dc423258014a29b276fdd32be2f069e89af9cd5dd23cd6088e790b95bba81c499581561f53b25d171da772ba7cdfff9429729e0db8f28b027781d79e02857640baf86fb9270ae2239ad9c4caa7ed5b6a32c5e02aef706cde2f9940dbd84d06bc14186791917f131a4a8947a45b7b90a825eb95b3b01b0b9b27cf8034c7c3d39563e1cfcd7be09c87f260c4fe8436218c95b8a4bbcc6048eafcbbdb5b7f9f258b1bd27f6ed92b5068c4545b40da7d1d7a31e250d026cecd7d61e25a01f7766408ec603926a47252542f22f1958a9c2f720bdd296d344524b420946807add77ef2bfda4fbc435ba589b087d1898cb89ded0d5e3b344c073cd2153b1fb0159d9789ae0bbe297df88ab4bd01098a208af0062548d7d26d85262cec8b2a62779378f3328cd51cc827db1c0722ebdacb049547e79ad887ab44beddd9b1df4243e8942dedc9f67e7bce63bb9254601451ef2f4313bbb6c61cd93d1225333782e7be5352748f8a473056a8af525ef067b430798f541c54e4547b1b0fdd541e32ceff74e36cdf19caa90aa6b0b7d280a2e5f363bdf3df8dd4f3365badbbd5d42a02fd925e2373aa91ac28f690df31f7e0263bebc68565f09b84873831e311eecf8a15d910fe51c60df9df6a2bce71ed32999e6668203e3c9f4a2b83092ab8273dd1d1075bdcc4c03b962578f9eb8e5cc1212346c1aecfcc1aa51cabeeab0e2064321d5ea34d5d03dbe93703da753697717a4b5634c0041f0241b7759617a63c6f6f06c85c4e722f926866dfa53544109aaa379624c21e2919418a6d3f00fddf64c8a80f644f001b9c48e3eca95b463193494ed11c127ebc3274b8b80522fc5243807602ac669ca4ba5619bec871502645b85d53b19f7d8a6b67b075b33e6ce2dd6083e22969f6b03754416e4b0f078da859d9526382304c1086ffd66a47ca5e486ae4d06edbe386d4b26006e5e6cbb14850f784de2fa7db652f4d58e2c395407279e1965a111d3791b73e8e1a2440b2d9b2b209373533f2264953100e43635ef31c36226a2a844f43b14a265c3fdeafd8e6794d32f26d91036bd170620c71b60697692916fdf114a980c434d66682d65c8c338543974b23782034ea58601abf98041ecf3e3337a414bf35795b5a9cc61acb1cee2162d341a1049f0e493068754439bc38215dfc6d876cebea802e726f06ae780c0758b7f5be2159232049cf7a351d057b96a446e3e79c3e29e993145d5d83fc51aaa27cb20c7c333ffebc0deab3e5b892147c1f4d5a73eb928e9b8f5cbb9e3c76ff966571d520f7ef094e6e008416b58ed935c9e51ff01ed2691abf61368a40c3b42608d45669f449c5921078a9030e7645d22176a096561edd63bbcd729aba641c85868b8a75113d8076fe1207f9b8ac72cda826e2fa45caabee5119f0a4783ca36653e790e72c46904461b30134d40ee3d1f6bbd30855582974d60e911b6eeaec21c9403a0753fc310c60eb4af7fa3250a81427bf52552a5688bbdd838153e4da8ec4a9f81a7b7ff293699c2b65abc9d229ca01821f76109e46dddba7e633a61587e97b0f1533db94579d1cd7294c83d96832057c795c6c9ee64bc33d8abac180eb34758652dd23b2905165f8557e1957ee5e2e0277d0723228cea4a30d08743459d0e00c15072025013824ed11d4edcb42c8edf7d92289067c91891b5ba2eb109aa22da8b7148223b612be62e9a9ed2ed408eb171f154a64e814f2b38cd8d951eea317b94739892a716b0bf2a0089d3787ba5fe1eacb53c4b24385d69d8fc2d493dc91665a03b579ef3a006e7efea559c308dff8676d62933116a90a96ccc86b217ba6b2fa45e19e4d0fd0007371911ab376421734a0bf4e3f77ca6e4450e6366ab1084fbad82a3b4f58a6573f0910dc59dbfa19ecf256b6c85f158621ed0850cb048490c41d9adf7404e78dba920795a468a031bec94afdf353809efb9ed3818c6d0e5cd2913a77cad93fb9891264f473908402f83373a51bc34f5936e2a5b917335330c506ee17d243faf6e275f334d11435576fea3218f31fd19ff70b5e1556ad91666dc81219851286949014b41e2cc20d138620399821bd57d1ccdd3a17cda6f675bec26f2713408fe9715f81145e02d6ec1cf2acf7079c87e0707068c779d50da928415bb299e4f5bda29c8a95db63afff704807981041cf04587f9ca226e7bb9fe118579139d061953e500915ce5f80ebb3ca665f0216596adb86f5628eca9c9c12a874972cce7e37c5630f9e670e63730dcef1e8e912981e8c084de341f5d136fdcebb63f28cd6f08f847a02ef1a125f334c6d1b7f51aa7ea95d1480dbe2303c17c7935f67ca0afe57fe0937f9688f90b36b326d6a3bdc57bb9f001dd8aee6d60e82f352ca245b0ac5ecebee9a4970093013d2d299e53383f3a79c0e0c7da57ba40be215a54090dbed7e4532524e5bbd3ce31b6d666ae95de94b083198385ea6f62d06834a3e15db841cdadf6d0dc94b54920a0befe0b1a53d8616adbe4aab81eae28ee96f0dca42d6d0c9ce8be9f4bba16e6e3fa4c883c1a7aa76a84f4f38ac1caf232da99f46df79737e8e08150d65ef813e97f09420636da15b5f49e9a8575b9f3978787bc8ed66e2c82a4123cd2ba19de396a1ff66914d0a5a949e3182f9cf251a72b92072cf97bf74f195e896a2f01831f3e05ec731f4c086a0d26172be3ed63be9fcc32b50476bf80045ae52fe28774fd6d1eee8fd58bfdf63c6f63c221b1676d275922905ba114a91c06626657117eb83e671ed5cc42aaf56bd854bb917f36d1f7dd2b3d43cf59a1ad57e200049df13f884b1bc0daea233aab3dc3b6811ea6c8b1f27e2deade8a6479e1eeb6b588dc5fe32ee50722689acc75292c0f9975f3fe9f83e7ee7cb1ed3e49e2a4830d80e9653ea569056dc10e4981851be217ed39e8977e290eb794029a883f1ab2e6de5ba64b8130a36d1e82ed352668846d9fa5d9354ce9df9117d4817cd7fb061fe706ada9e80b1aec5e52ddf540c5033a292bd57a0122458c15bf9dbd98727ee3b959bbeae07ad64b5b0c7358dd82614f7f9c91a8b695794666a7a146f7560c158c0d0703fa79c205780504777bb6c14996fc64d7db215d6842af0e562163a79186f3da49fc3cf75a79a4865a075683c8e7fa5ca35cd96e8b70a2f676a10607c26d101e1bfaa451bcb0972a884e260de3a5ed79a0aa061d530415b9023f8987e06c9f974828a420a90d42014b17d14913c14f70206e99a1f7546fded4c9eb369adef63d7c9b874e0f96a8f260311336a6511bd3d1ac09c4b769414b3ba26d874ed305915cfa59c476bd12d945c192801e320971463d0283c51df14cf1b2e4928c430e245f9c4f8c2606737da3f4516b25099f41a443bdac69ab524a39afc1a84bdc364e253a435b9d0277af3d513c1c6198622973cbbdfdadda328cfeefa2e720c7ae06db39d607d3075ffdcda52610e54c65ee3928d69d970fa4dd8e2ea8a5210be30b20db379c31b5d4a6a6b981edc4595dea724dc122538e275806795be36b58d44ce37afa9e25a0db0a742cacb24fce95bea9c36c55406efd253577a017676bc3dba63b395d2ac0211f774f94644175980fe60059c3ed2a0af1451d71378ba818d91876e10775e60ac441b6a0cc6c589b23a8174c9fb61b14404bca917e9c0da5845d4623af72debdfe8ade765f21a8ed6d021518121c4aca16db356214defef122b3cfc22145c65fe7cf4a62fab404987336962f3e286f651c7a11ee3c36d33c958d3b2cda6989439e50b5c9c0cc4fe436363f641b35b0c2722511bab62e9a2c4c021070068e9980bda31d362ba93db4c3b9f9b76e886ed1911c84b4697ffd673c76746eca609fada72fb625e692ddbced9f53d43b9f3082045381c772b5513630b058b3f4b33355dfd6c66554f1e37898f9bcf71f25a20fcd6aabf62d10dcfeca360a99f42be248c931324b4b9442832b837ae6639e075dc8a80d327a3c6e3105fd51e6e4bfb2add9aaacfe067330b5ba01d81e08fc9f21c981ec09324f580e4de939000d1b879436a9439a16635ce37c9ca76625248bdcbec7a5dbcc99693c6c0536c2a7a4ffd0f42b16d5f2f9de190f6894ae5fd335d80fb3253202daf91df1f35ad565cf1ca6b6aff51aa2c2cd91f558c30ffe0a2ce6ac5b01a4742a0c83e77459f47a75f8ee0fa878dc243659e97acabde444c062eb8ca1da26c64276070b51b31349b84f69f458cc650433827e25a11640c12c000a35dfd1d94eaad7ac3bc91ffd156ba1285419c426d22c53de5aaa11a589b3287ea08fc5e060818d569026183062af3766ed84497e35b2ec482588797e18a2a9116ac2ec57f5be37e04dc9adbbf64fe5c92d9da715fc8eed198454ef29088e3b48d07dd4057d51650d8c565efe63f2be3e86762bff0c33823754ec885be00bc71c4a1a62fe0445809a5d5edc889a6d4d2e9c4d2bca57472b41b555f2d963c6e8209b32992e330076bcec795f778f379f4ba8b3820f18d4e9f796908ce5ef016c418ede020116ebc3261e53b0554ec1f62eb4ecf9066336e3b040e39334a1370b4d86b7c3b5c410a6775f8bfce5ede97ff2d5ffdd54a14077e93ee83da21c03d8ddb1a2e6476aba0cb4f80aab476a982a4f969b2731c283f7a21a0a6a5e2ebb33616497d65eeafc517c0071f1c9faaa8312cd7b8c9ab1fa506fac13ffeca95ace47faad9617a8436f0b248528103896d256ca41fd0f58c75daccaf34103ed42b18a0f6fdc60d5e310ca073bba57ead8e3b001c09a9c79eaed27a754aa4667a5322a48771a94f903dd1059e96d92ec9092a95ecb616139f89d2b7dbbd1fe7b41f069658848c3b40709676fbf4325597bf06732b243edc356b4c6fb10114c300679e9532c1f0b0e3de59216c3a94be25cbae85b4c494116b1ea60d9bef3649f4424631f1f4b86cfed29e2e845debadde5c6c66251227a4a7321066c5f1aba8f9e8220ba3a72208de066aa78e13982afc1b59558fc0d1c9aaa93bd2ccacde784fec7205f66a1b80b8e3df1af30d2f594da9f2361c97dc60e67d97a90f7209a7b295518d418c5b2c9715c1d3a7d50f3691eaed4acb45a63b9051f7bd9981d80f11ebb7a87257a66dc8d462797f565974185db52b4b18081a373d21ea3f9e01211426fd94814d9ff5d72192d507216ca1cc56d177760a98e6406951cde5d0919cf4417c18cd5f7e3ced662c48bd4a4b2f1d80af1d97850611b9e4484c38b1af733293e92afa1649acf1058bf6dbb875c8dd68b5640a497bcfca4edaac870822a5a2bffdf4e5444620246dd377a24710624d3f407275f86e446cf335ad6e51cfe9e085c2cb73bac360b0e9c3ae6b62b76d6bec46efaef0349c24ab11caa52272b7ef3195d3793251f14c206317bcf72b8da7dbe97ae98f7f983d9f38e299176e7dc2f078edf6b220eb12cddd9353a55cbe4c7754ec810980efc1b409636cb4a4d62e25582f18af0e4d03b4987da449c9aa9e18dd570f9b027295186b8fc044395a6ef2c1393bd2488f2d0ec4b00faeec40b1c735cc29d854b0157c52140cb46e1cb4461c7dd7ca5c7c7ff499c56dc56b559547980c99b84d9932a5767de22f4da60773c61896342d788579bd093d2665f31ff9390793ff725d352900cbcef5947956f3d68792fbf08787589c883151d5aea303dce9f2d7da35157c43a6eeb0ecb98b3594793a81bcbad345417841485d7f2259005bca488dc134b281b9ea7779ff627a8f146ce1f5b665dab030967b368d668f1018f93530b8cb11e5adafc0f2a7e4a4def5b8c0f04e403df21fc92955bf665b4a523d69336d9627cfaa244cf8b242e2c830b0c0f86140829ea8ee8623cc5e9047e25eff30d90c900b63f7399ff54900a34bdfcbd54f0140487dcf45f8f9dea5085beaa75cb8314f498c1e74686f7b214069709def44b2f7faca72f0395410d1ecf831cf440c02618e97ea6ece4af34314ab528785bf2d12a4e3690ac59ccc8d8778ae2275444285c403a6e154795ca842adf318972d8396764e2e876848b570e68f0a7a7f564b02e6d221ada3447439151c00a081c38b597ea806e1016967a9f12865113ab7f2587645f7c305d3e141a98305aeb0b732525affbb55a77cdf51235ca69fae4f6accb6f382f71cad37367f2c1286a6275aa65434fdca481c248d584cec26f855077c310f8aebbc988c7a27b51f7a5124e8b6787159ec301b672a58f80b6caf4345f8c1761e2fa3c9ffaf9e7e0b4235e92747e0fe4aa165ff8a8728a82e05018ed666561f912eafa670bba025bae32dd5c335938f23d5e3014bf998091a5b1603e1dd45794a2c9e9d226a48ea1c224abc7f32275ab93f61cc1891994a3cfbad000846581a173e4f12846eddd8877e4ffa30799bbbd62eede8f34f36f41c8db843690ec8f029cb580ce9e74d88c7a6fba5abb7cf14062086bf21183a98a2f593efaefd2a389d3f8bc40ba48d39ee7d3bb323febc6a7697f050803587151307291395601c40d92c6a6db33e7b71d65eb3d35477964095331d4009abf1936ed45cf34f49a13cb504ac75366dc4cfdb566d3cee72776267704f171fc12b6ce05ddc14dc69c14898fd8d78a894bc7918ab17a0e90f89e6a3893519b3c73c577c27e22da9634d56f3cf81f400ceb8b38b0627daae3825f47eb8f43102ecdf633f0d8fc9d7569ded5b54cf3f269a2c14de29eaaceaa5d637e986eb715ab2dba483a623ab3a3de6ca7cd98a89ffeb62bc5558c407a9aa3e849d77410665dabe7690f22934b6c88fabfe85fdf5259da100038ac4f9211375a4c86fac3f5723a98b402fed4ef5c810f5c1a6ae9d5012fba471e4d4aea8b92b109ac111a3778277e7e7d0c3c8164dde15f3fe15adf7e3647dd41c996caee8eef12d0c7dc407a619c1916f78fa54c76272ceb40a5b46820dfa283a9bbc8fcc7bad554c480f558d3022a3f33c072c5a1558dc1aec16e9d7fcb059b76f1fc6716a180c3abe5d5bebf58f29df9ab8832be16bfa19e8255355f6d5319a73747fe4dd07884ab90dee5204fa1c97f219e0d0da56fa54a6c94d5251d46ebc2b1d4a12f83574934037f75e7f20f72ad05ed13c6630d634b8035f8d35466e5b4ef4a47933a8c4406dea6f07a46a80366562df9d05b0542808501732806137703f20039bfce78cc822fb76dce5413fb3fbed23e1dace3193b250bca894b06321bb9949121bc6e7d5d73d1cc03b38a5616dfa1dc94d4c9a5fcbc04b345a3459b62d454a301e868346450b165887eeabac3fb152413b69a08a6c9b05656cf1e3da47de9701ed0d60cb331bb2000e4928186489baac1f11984d04f7e661fbfdbb81758dfdfa8f152de710d06bf20617947e14afe970a0ec148bad827fcc2228272c7458f0806dc7aaf52ec05441fe3c79bad696a535631f6a0a97c1c10a3bb25d40651a181126353b20e485c517d05d1093d6d8af2beea178203a16a63a2153d75a1eea0aef7c04acc20e9ebcef902b69337584ff5f5ff2eadf525ec95a4dffd0c635669cedb6e96bba2698ab500c0789d0a36120b8a3a48594dfb5ae88fbe2aa32ff7de5d9d2e62a833942a745aa112d758333e1c27b6a147bc5999337bf40d0764a41d997f3af3272cdb8568c50627d915c3953f9dfce5d9c454b666a12a7f03643d5296d682694ad319af3d3441aa0f39522147c36f9a82a6681ed40910fe63a25dd8aa42fe48355839a7fa1de7d8f488cd38a5d3f5a8911fde1dd7bf2d10438d9c06aab58667cdc2e077c18c72b00f1899c6835267321600946eb13c4bc96f82882c68002705a7d440cb6b06df1265f2c79447c1fefa40ab0f5d41ba4b9febe144a5f05c5323eabfd99bb120b75d068f55a96451d52a7a73beb2e49c3155b6f3661c62cda4fa65231ba501bce158d4ec3722633ecde0f7fee33ff2d6072e225cf9b508b99424a8c97bf140ab80dfa9cb2a74ded0c84cdbcc950e285fc14a33b9167ad6475586b071928b86188fef76c8f65d49f2b67ba5ac5541b8d30e555078d0864233ebcbb861ebff03a00355c718abdf06c5768280c6988952d317c9058a19a967f2b98ddda31a465a09fd0f4e58fd29991b41dadfdfc6ede2c6a39ae46d2024038115358c3137b3764a221fbae633015b6d4ea3c122776051b516b3b0fdf27fb34f2bf9c8565de826649b2d63b9e305a06ed58a3a3fad346519532494981f0bd52431a3631102dc89a393259050e2e9862ae822034747a49b82ec6a5ca62d8f41bfbd37e8324aa2e5f54b1fd18caedfa3f7802b2ee2ea314e4a7a17a8fbcc4724117a631845c2b62dc3419a7a26b443cb2f05827e66de3b7be84a0d02e3b6ab0b3e2931123778185d2e20bb8dfbd560842f33f1e419c595df4e402072ec39712ad5ed882f89138bf2e8f87f642c78e2095f5acaadaf3ebc0e6a5b03778f11b9e4fa41b3388e0c217df2d82b6edf8639021aa30065f07c5b20f8c5f1f53f7519d354efed19772225371cc25a7831867b38f9a5026814c6e1f56c15aa4a455993c3ea4be78e748ae578bd352f6ef38c2b8aae69eeaa5c32de7ac7cb34a32860332fde760ddf57e1abd10f29c2288d722b7b01152bb8ac09d93b77cb53d997f9493cce153ee035727f3106566a68f67e60c8dee22bc2c2d0a73dd85bdf0817df1f3792944a8df3cdcf5cc78fbb5b7b8fb7294631115e77824e745011e8430cf5406de51fa71201967bd4c44dd39a5bcf8d4857fc6d4c101cafc5e0ecff4eab1e4cd9976981242cfeaaac0609c8086a208a980ead02882a205341857b89d16c0ce2eeeaeed23f8518fa6d86321d928fef6d36e3b62647b5501ec55184246f7023603301da04b5d29630c41e835643a11bc7f033bfe5adf11cc7114f2d1467f2e34939657d9dcb479ba604918cb3999f8d4c0b393f646d00594be74b196975dd6e4a01c905cabbb50ea1b71ad769762606d129dafec561cdd7b499e6ae3fdc1d2a5d55267ee91b2f0b53b4f2557f7578acf81b9e30af995a21bedd4613d6f1e0f45f8d301561a217d3e254c68e023e910b52869ea9365371e665398722994e56f2a6bcc3cfd843ea4e0be4ebe97b51d6ea3b1ff9133aad875d64fcf46efcdf0740818fbe9c23fd594fb7a53c967229050392a97c8c97b44b2d06108046f191a43a815d5f7141db5e5610ba55a3469ab133031c28f22fe0c4f1cb0ceb486edc90f6ae09c26af7765220f10b6c79522fc86ab53cf6927d0d9e11806165f72483342986833cbe8d112b07168db0467cde72e55d7cde1db25992aa78fdbac30a7a3a00fea687e11c5bfc732fc150d88a1d9f60baf599d1a6d6a2ebf32f1e338439bf50ea9a3a43f56857a1b09d7438e8eb7177930cb823f5e592b8730b2c65dc763bdec8d1c13f32cbba4409328eb8c3eba6d160a2dccc90ed82fde1c121ead420a3ef06e68e412f7d96b4a8717fe483c82f129549881a957c8a4cad32d277bacf759ef5e9c60d99248a78e7962ac8c0c51f6748bdf92c6e7725507816da086542ab472e210e81ee92a1c88f649f36c5bbf12aa2438229ab53dd8709eca8a2849c909c92dbd01253a339f45cfe1fdc4ebb2769555c52d3f46f674a7e943f790b4762873e40b1d3303c2b2951a372f41f89d1df4c82c5f1cc19847237a667068abcbbac75383b3b6523812f06dd56964b5163473245b4645da1a68f058f910f158b4480dbebdb423e8c1a924d98a7630c7930050f569a4e7cb81cee3fd87949d842141ce9138d17c4cbb7025e2b8107388a1a74c36241d2abb7cc95845e85d5de977ef709d715e64284020a46538f8788a15729b35af36493021d42d660b4796ddc7d44351660c81a5c283c27f16f7c30f4ba6ca006ab44571dba436f184b12c74f2def8f430b04a8907ad2302cba7f680a31c62d74d3c2ea525647c3eb2e9c6b80def4c57b87e34d1805af64b85b6eb09926e7de55e26d5b8406347fab6c86d92d6aff7dc20a33a3d2cbbff54287f8235698e3dd2ed053ee19ef12716980d49d86a2e8e61bb3e45d4bd4af7481d8e0b39781f82ad9a02b223248bbb6e0a155061e09dea61030877d9da92c5cbe136e8f06cfef41eef5c7d69a7c5aedbd168b691981e2f28fbc67725b1f5fdccdb930262473a7a20fb5cc66e1400e928ae7ac6a2fb81d858dfe4e7f74a741c0b75b47c1afa95edecb3e8c6fa448873021141c06d595fd498f8d29d5608c6162dcbb19ce3a96bf9da727eafd0a49208edafd4513c91f7db7b9427bf8145605b8ec3c30e2652f6b0dc4c9f4a0d3764fb2710dd2be7f6397bee790208cbf8daff024865ae96188b79a948057953b66cbca8fd40ed567c5c13f751c026528ba789b94f27a3b0f2bd1a5050b2e8d648a22be2a062a5076cc0a077461376bf77e16770d8d750382ee0c8e68e1392a5d58f25773f778041755c5b49d4d44983b21e79c1489869bf747de3338bfc2ea39016c13322920e66b0f8068756e5c0bdba1db23cfde71fcff74b51671797851e4dcc5b31ac8c715cf03c2e4e25ac1fbeec7083847edecff500e358c2a0abe48930c0fe0b78b84d8b0f14ff7b850c9507f0eef8ed2e99b85551e6a17b403dd1232497e8fac21a92eb13fd1c8ee349b7e256f5349527508fb6f5dc44240ee9895755002074a2f0e710dc4d5a50cbb4ac4931b2b94cc5ce1f58d3ffb47409559e9d21255819c039593e257956bb0f51ecdc7df13abae94729b2e1b71b769af7244fe9dfc2a136ff696daea374c1f4d3f78e1344abba880fc507a9f18c470301876c217da02218acc505f2b5305bd0289b4efca7fa369d8636271bf3ea4f634a9f438daff0d318faf1a99b00755d7c631db895d386c3801c687e7b27200072d2ddbc6be7e3fcecd7bed289d756d892505e6083a769b4c6e373fdf45a519879a3a2b94b8a3155808b1ee2056dcf6a885df6f4fefc016041f1fb4b72c8c8262d5dca52a29ddf39a9d1f1b782b129c5028a5c94700f9913d2d21ecc2fd739c58c804ea86dd989da492c69ca58a1c29b178a2b82a02a328ee4a340fefd204ba967e46442a56940cab3f8e4cab7ae439ae51dff6e5212b7f0c18077f3bb5a4d9cddf0dd9bb3143fb0b3d3f8a38fe43c96566facea36f6459c3efd72a3aff2c2aa9cb1ce30c5ff6c2228e02e1caea0d64384c12720c54a7a34bf7fa504e522d2aac475af94da6e6df0cff7a6d4729f6e702c449e9576da4ed1b681f2d8da6035ac0313af430a812a2cf62e668b3b93de783a1bf8056c51236668152bcac3d4ee855269ba65931a8f313b5a434192e4e3257928f29385beb78438235e6757ac1f7a9dc67fb20e4c9a0ee8de780c14725d2252a53d1e59cc5fcf05966d488e49e28884cce94beaf8be4416e95fbf6d2d80815b0673f84b6d161ea9761f7617d047825acd8fe3e580cb120b8b6f4d96ab16814316d14f9941899c5c18cd98c11a262487a8ef124b10f91086835a5afa6665523e574b2bfcf875f3d0f7f79770ba49fba556be4b803a23fe96e320e0f5ed619cb5a5f4a13530f0b3c54d2f4a44063898a9e200d5ada9901fbf9cc89a83c0592d9235fc51074a5e1f7cec1f2822c8cf31df78e958792f843231c3baa913f6ae8b89d7d3978c9669b26e560a4e2cf8fb00b58f7ba7f830c8b0c06611785ab66b750c4fbc756e2d64aad27d56d4edfe05fd35a4bf704ffbd11416cea61ad26f4b7d60b8ebd59108640691a60abff3f47727b55f095e75b59eb8eeb38fa1faee67a37aa621fa6cef0080780b0e25e5bb1ea31516ae77e80320b1c243dbade95ecf5ea34e59a9223cd897a9e832c4fe3222b6016c4398b0a6dd87845b6cd1327db1ed4a45c04070c84dd8b98a28c8b4a36bedc9654026bbf1508e4a22f9721640856034a77460d8fe086cc10595aa06f0ae715715602c108ad23855f62ba97f2eedd528a3429e1df0b0e6fee4d3159bba9aad44aa92c0544efcba080d4c0a5cf0c9dbd42527e820bd39cebe0666c1eb997e460c2982512c7e935b0662bf03fc96dd8f4a29f11cbbc5da49f0b9202d5c369a6080ee6a497dc76c660119e1016d51535fe6834eb2a35be1d01e65215320364c30eb96d6a8f869bc8c1ec4560e301883f76ace728475910f8a49a9d0ddf93134c4af55565e2992650d248a52ec2606e452969b0e9401117fb0889aa0aa8b6310e1115d946a88b3c2d5e9fb2119540d266713b091f448563589cc334da5a13447b6b81e76365690988bed7bba6872a70dab23c17335d939e83c210edb7d2a567ba41ea123770386937d897fae6525fc33307b9b8ef889cf537230a2c87e49b1c9f64f06881fb392d1e0b443f75613742c28760b2f4ee1ab839aa2dc51843d9bc1bf63e2bc784940e61d4ba55bc03cfb7e399a0809cff4d2d138e4f1544adeeaa19dea65ecd8219d64d834ae476d7e49bffc9745a4f090ccdee329dc5da35b9a5b9f1b3a5a4db45eb101d845ca4152c0f38ab4b54ad3972b3b30c949dc58b1444c0845720f06268d66cb0c165f2b70bdfc065c05535c306963b90fb07a8862b2e3cab7e72b6eea069a47de52576ca8235132bb83a1dfdbee37cc6d235cf4ea2407e587778c4aa3831e18aefcf272680e86fe0e44f42e40f8d0d07aeb0a07a42f35731028baac8817acc85a069ea7fc6e964c9305a50b6b752f613b0daa047261933f3687146dab7c1d570b2d51ddfbd1ef7543f57f1f6ebcd49f8b70c2299b8e967474a38f93171aefc89937123c9d2cf9477c835c61c08d001d97958d14504610c360ab19f1ce239e8f162354bfc944970fd15c7a62276e55a464038e39b52e6c1ea75a2085b69927f042ef53f413dfc3d21783dd3153ad70b94b11b97b6ec7ae4c347147e0265811d98e437f35a81532b79b038b1fbc36c8750c6994490a701a74086810e6bc034bdf34e938c77cc6836538f05134a22bd8e69d86e41e13252d5afb55d5a764687c880373cb1c80aef5a145f2c7c8cabdfb000c3bdc19fc247718d48f88002489cef62185cfa66a0aeeb67a84a85e401e33cd576eab348b16dd2d699758538ac38bc76d1663de15fc41845cea79751594dd73cb68cbc920366ac88ce8cecf33f81d519b53fb62b9da570fbd4c1de807ffd7abe6972127108fcedd04549810678fd17f1c539e8b2a524ff0be19022104d8d9150bbe764be15b8d69ef949f0bf3ddeabc11fefb8994f50d408b955d98f0e2dffef71a4c7bd773eb3e86c6ed0027e3486d17b7a19d5f51655df51b013ba87c25a9907ff7997a937782311a05c73cb6a3fd0654e2006b990aac942f2dbae6edcc77df2ccc51397885644eb3dfb932bc099df29c3ff2876bae906ca1658ca0099c46f3e564e4dfd6954f62e8a1f38a58bda337cbf8486af8ef2ccae062fdf224125e64a53f61e84472e76c4778209eed1f47a4aa1388ab741c90dadaad565393243029377f2d895d65ac6e51d2cf0c8f024d2edf332f3411da207d5a3ef5fd9631e902bc23100aa4fe2fd3854a5ea5ee1dc6e34d5a6acb2cefee8e0025e6180cbb92489762c94d5da1f5a60ac385cea5a102fc2d451ac331b7aed1451b8466f0433d31a103a563e806c113e91f86621005f4b91baa509446185b29172e24204ae8968176186d42f2328118cb0814540edb199658fdbc7e0ed1ba89bfb7753411771c38b81d2dca3ec08b719caeba16d9396ff474601429c5d40bfa3fa0814e3dfc6607a03c3887c0b4695a013f37e50e0f06859441e3157cae1cb256f85e709c670b35dd8d91313e61e6e13dfb18aec8aaac66af9cde4305a79215d234aa433205051a57cf6d39d4604626c23807af89e41234f56151c536e68d58b3fbc3a82c435b211102096d4dbe675dc3f5859aa0bba9127ce14681683cc30ed8ecbd5cb24bd1e8570e58bd3f2d535929121e9ae5adfef24244f2225a61db66292079e3bcb2d662a9ce91f5b5dabaa2d356955699093e17105451e2b1f3199bfbb2493d433f74272058b6748ea1136f01a9e31059a49bd4220a02f26b350eaef2fc483a8a67f73cca850c5627a01ad87a49751b8b8e66badffb4e685f8bd86182a1af2b252114189294cc909516bd181e3744df2af90cdb408894d93d33a6a5678c3803854270f8bcc89d5a50639d23276a51b9a563a2efbcf5712047aa84e6aa5c7d9860528d500cb26fee7baaa62509adc264be7330d0b1f351336f9b7833032585be2a99f8a16fe14b27c3dd5ee4d4ac3a46fc4eed306aec56b480ad32fe7c921ae86d37466d006a8e57977ff29fb21be4a242ed4542c0e255d76d281411ae16f3313649b1bb59664074a534d6c3aec30fcc4bf03613d23ed7c8e6e7aafc897e9a688ed7b87091cf1bccfc48ab63de1628992607f54774ebf336cacba49157cf5c766fa2fd118f22231e64d31b9b11eb530a468c63ec48a3accb9aaeb161ee965a3335af90d86ba5a1dc64e2db03f92769c998d5e10346b4978087b2719780c65973d8e2a5e8e896f094d86f740add343e287d62a120d7ce2e87e90fc456db2ad17151d3cb32408ffe56d77d74ed8473c3e9d48fbe7707674f9192d676aea6be64f6ab6d423dda01e5eb18ffb58af89ad26d29309a74decdc468ba6f1de32ea5d442033db61012db09998cbd5a51bc4c9f8cad4276b1c38d65d6b4baa8ddea45f0a254f82a4b1c7805c8d68865d5028688c87e653db7cbfeffd614f7919d7f5ac0c15064ebc4262a0e92f138d8851b262750734a9fa43c00f0f1bca568d95436061a99f8621dac9def8bfb7257e91570e56ebd50fac7e026a3e8a986d784e120372fa8865c2f6520a6fd1bd4867b737a5a59fc4fa2f66016974b3739f4c189f1e9f815f99b69d032296d0a2cfc6ff3ac459ef6594431bf8dfc03aa9c5a66512c96b2622b03bb8c435725515ae40dab68f7a3e69e35f12b56f17577fe45772d3b1384d7ed5671c4f40b5c0da2006e44dbf89031ae7b7eba79d44d076f6d43f337fc9e7bda0abc54d08a9b832bec48806e3f049e3be9ee32ad974719beb781659283d441b5cbfe137089e4485582511e0e673fd50a8d37064b9258bcd74c794db5dd24a360691513cb20ccb52cf33147e81271b115fcbea785977c947ef2a7b2bd2f58262adc37c6b3e5c3677771ee47fda796fed1e1b5654735362309dfc8a10b5237aa14af9888442c5384b4febe7ec8fbd4b6db0a2171b6464ef876fe49d451f8d07887b30d446f04189c1eaf37e032848c858385bdd80130b0e6a0f9c912558c0ac05fc5579f4f0d7726cea7d130e7429f7ffc3ef30a4620d98613b3901ddab38c5d89918ad4bb07616bdde43cbcfab68c32fa5189a67147aa067ede75319a633b5c15e56b41c04767f7d91decf67e06d00f3901982e7f19726255c90f3986ac503c95d8426eaea3f95ddd826ee1d08efe7a05d3a119bc6b9cf1ec850a4158666ec04ce9f4ae603cd63b990109dad49afe75bb361e4f4126e550e37ffa1fd82625545f3ad1e75e17c1bad4de7d5ae07dd301fd6f98e3b969397084279cdb647a6d8cd42cf7355710d2b8cd68552d351df23b1e2091075fa7d19faf72b6a3a4834a4851ff8e254e1416e38ec3e00103138327972b419b63963dd76c2f8bdf207a0d969783446aaa57a4608ce622a1ad404b48b495384253b7b8716294eec87dcba401a58fb3aee38a0902a58bb6349e567ccd3553bb5c28514c7650ac03413d2937db65ade1eb96da7dacaab2579bf827f5f2335e0b6518d31af0a587bd959c3ce17bed0f0da4a0c48eb65f006a13305f11ec476189388bbceccad3aef61a400d99d48563b6410b050ebcb300b7db0f82cb4a9bb66c363cf22c9fc47227b9dfa8bfc74e76a604cd9c19db41a56f1f9e440a8d128796f44bb738f592d1919dd8c19990b877368b1b53503d9acfca0c5bf394968afcacd480256f0cfd2936d458080b4254924ecbf5c99c7acfe5959751f554891427cf73cb7519a21e9011b81f2491140bb5eb55714242524222513b5ef0461d1ef69ba90fbd8b25454297dff65d2713b08237a05f7ff94e9e34f6a1bfddaa2d494f10987d968fcab09457cf7f9cb0'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cf6-7072-b95e-efeb876c8cc8', 1, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '\xd3d41bb8a6ebdf36af2ac46fd66ca88f37de61cda94411e15ad98700004dfa6e'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d11-7ea9-afd4-acff40194835', 1, '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '\x6fd60a6e28ef26ee54c1d881df976835d3104dd739c7f6ca1b53864424ad32d7');

INSERT INTO public.exports VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-355d-7c32-a6d7-3e6b06939512', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, 'ready', '\x32e7ec9ad0e46859733c7ac79ce852d5e581287633af68322e7d4e74116c32d2843fd2f4a5ee86ce68882eea6454dfed24e1b025696de503532e33fe', 13884, 21, '2026-11-28 19:30:28.309514+00', '2026-11-28 19:30:28.736564+00', '2026-12-05 19:30:28.309514+00', NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cf6-7072-b95e-efeb876c8cc8', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'waiting', '\x5b525ab3867e2550013bc55536d349732773d9c1ec66a8b91f774c58c4c53875', 0, 0, '2026-11-28 19:30:30.262189+00', NULL, '2026-11-28 19:30:30.26+00', 'exports error_code 01a223a3-32a0-76d8-9e9d-5ceac6054e44'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d11-7ea9-afd4-acff40194835', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'waiting', '\xe45df96118daa2c64daa6e0cb2e68223c7025240c2bc0a83a438305aece34f96', 0, 0, '2026-11-28 19:30:30.288649+00', NULL, '2026-11-28 19:30:30.286+00', 'exports error_code other');

INSERT INTO public.group_members VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3326-7d53-82a9-de0cbb3deb48', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '2026-11-28 19:30:27.755582+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3326-7d53-82a9-de0cbb3deb48', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '2026-11-28 19:30:27.755582+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3326-7d53-82a9-de0cbb3deb48', '01a223a3-32d4-73f0-a51a-4a83e6057abb', '8d93d195-178f-4466-a00b-7e8ce2012c4d', '2026-11-28 19:30:27.755582+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3ccf-757e-9645-96e7f2671efe', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '2026-11-28 19:30:30.312705+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3ccf-757e-9645-96e7f2671efe', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', NULL, '2026-11-28 19:30:30.315078+00');

INSERT INTO public.idempotent_requests VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', 'idempotent_requests key_hash 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'idempotent_requests fingerprint 01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'idempotent_requests body 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.319159+00', '2026-11-28 19:30:30.318+00');

INSERT INTO public.import_files VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', 'import_files source 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'import_files file_name 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 0, '\xba0746477fb992400801fc8b96eb1477632a11892a87231acc8226c25a970666', '2026-11-28 19:30:30.320849+00');

INSERT INTO public.import_runs VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-323b-7f2c-b75d-fee49d08e7b1', 'users', NULL, '2026-11-28 19:30:27.513685+00', '2026-11-28 19:30:27.600727+00', 4, 4, 0),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d32-78dd-aed6-b54972525818', 'import_runs format 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.322025+00', NULL, 0, 0, 0);

INSERT INTO public.issued_certificates VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-336f-706c-b986-050b624d48e6', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, 'C-1', '2026-11-28 19:30:27.820781+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33b9-73ee-89bb-10fe9897c683', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, 'C-2', '2026-11-28 19:30:27.88811+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34a9-78b2-9dda-96a26117cfc9', '01a223a3-32d4-73f0-a51a-4a83e6057abb', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, 'C-5', '2026-11-28 19:30:28.133624+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3511-7d32-8f7e-4161545432a5', '01a223a3-32df-7692-91e5-36e4c462f117', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, 'C-6', '2026-11-28 19:30:28.232817+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3457-73d0-a938-aa9b6a214a13', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', '01a223a3-3303-7018-bc16-494fc723b6e0', NULL, NULL, '2026-11-28 19:30:28.051549+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d37-7ebd-8773-6eec4699b33a', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3cba-72b0-b1aa-dd60173a200a', '01a223a3-3ce2-7677-9bec-16ad0920e2c5', 'issued_certificates number 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.326647+00', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d39-70c4-beb6-d86f134cb9d8', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3cba-72b0-b1aa-dd60173a200a', '01a223a3-3ce2-7677-9bec-16ad0920e2c5', 'issued_certificates number other', '2026-11-28 19:30:30.328766+00', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44');

INSERT INTO public.lethe_migrations VALUES
	('0001_foundation.sql', '2ef96e4ca50c609b975ab31b419c6c53117166eae21562160be03e1cfeb20f9c', '2026-11-28 19:30:19.287775+00'),
	('0002_tenancy_people.sql', 'a9892219744db475f5edbecf5adf59be0531455c015a96f827e30408c70901ed', '2026-11-28 19:30:19.303694+00'),
	('0003_directory.sql', '434fc2ad0ff03c0cd36427e6d646c96a812767ada5006d9ddb09f17b6b94eb45', '2026-11-28 19:30:19.366083+00'),
	('0004_learning.sql', 'd3bd41df184bed10033566fa7f1dafad8c5aef3be4ef5326101dc552e46e473e', '2026-11-28 19:30:19.383542+00'),
	('0005_skills.sql', 'b016bae631ce13f120bb9dafe8872a79d15773fe9ac7095e8fee0ebce035abc0', '2026-11-28 19:30:19.585148+00'),
	('0006_imports.sql', 'e932a6afd74fe3e3d4acd6239addb7b87cbb740396a7b6f7df3f93d65d11a4f6', '2026-11-28 19:30:19.635986+00'),
	('0007_erasure.sql', '8c15d9d09ffc103f715ccd917306c50241d6bf6d8b32dc000accf8cb87cae960', '2026-11-28 19:30:19.648924+00'),
	('0008_sweep.sql', '985abbe12071e7ce795103206a748763bdc6a3488d3e661124560517c45bb1aa', '2026-11-28 19:30:19.711315+00'),
	('0009_anonymize.sql', '3c15c47f4d4c3114141880a106a8907093fee56c4320b05220546f21912b2a48', '2026-11-28 19:30:19.72501+00'),
	('0010_access.sql', '62a6be0fff673ab1c1022936c1d28c5c656126c9787baf5d5d3e821b6cd748b6', '2026-11-28 19:30:19.727119+00'),
	('0011_audit.sql', '0a08cb24eac2dcc7fde4261cbc3e667408953bf300f4c0ea1078d1bb76e32c63', '2026-11-28 19:30:19.803714+00'),
	('0012_http.sql', '26a8eb35c19d3c9caab27544578bd1d842bc1d43cd55fd47078df1b589f9d6a4', '2026-11-28 19:30:19.844375+00'),
	('0013_exports.sql', '683c9f32e07268a135bfc649b96f6c1ad729f7b958e043be93aab2b0562afd78', '2026-11-28 19:30:19.859077+00'),
	('0014_learning.sql', 'ccc13e6a55aa61e1628b5e560dd89d7037cdaa28d9383bd15cb886683ea959b0', '2026-11-28 19:30:19.880741+00'),
	('0015_operator_acts.sql', 'b6ddca4b81ae80430e3decae2eac75cd3ea6340fa2c8cb87d1d636da7597d7a7', '2026-11-28 19:30:19.910636+00'),
	('0016_lists.sql', 'a0fb64ef3f8260d7e25f4a76cc81dcc332d1bad9e211f2c7cf98f949e1e61e37', '2026-11-28 19:30:19.914957+00'),
	('0017_tombstones_of_each_request.sql', 'd57e54f87e162b20dffdff9a14562d2d698f5a884e9a4919d5cd2f42bd5906cc', '2026-11-28 19:30:19.921075+00'),
	('0018_next_subjects.sql', '27e3cca186ab6e75f68a8740e86594c803aeae598d2cd15333c01166c896e545', '2026-11-28 19:30:19.927259+00');

INSERT INTO public.modules VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d3b-7974-9134-0d0ec3e21156', '01a223a3-3cba-72b0-b1aa-dd60173a200a', 'modules title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'modules kind 01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, NULL, 'modules external_key 01a223a3-32a0-76d8-9e9d-5ceac6054e44');

INSERT INTO public.notifications VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-38e9-7c8d-9b0b-651f0f1e73d1', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', 'erasure_done', 'A purge is done', 'Request 01a223a3-3838-7556-a141-48aaac0ad9f4: 1 purged, 0 failed. The certificate is ready.', '{"request": "01a223a3-3838-7556-a141-48aaac0ad9f4"}', '2026-11-28 19:30:29.101142+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d3f-7fda-9203-e941b2ea5eaa', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'notifications kind 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'notifications subject 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'notifications body 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '{"canary": "notifications data 01a223a3-32a0-76d8-9e9d-5ceac6054e44"}', '2026-11-28 19:30:30.334641+00', NULL, 'sent'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d4b-73b6-ac6a-39eb568acde3', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', 'notifications kind other', 'Ask sibylle.sommer@acme.example', 'Ask sibylle.sommer@acme.example', '{"canary": "Ask sibylle.sommer@acme.example"}', '2026-11-28 19:30:30.346642+00', NULL, 'sent');

INSERT INTO public.oauth_clients VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3229-77c8-90b6-b19a2e83b131', 'Client', '\xb47c1060546123f4ab929a5df3a9c6ced326d81ef46b9ed39d3719e5fc7d43be', '{api/read}', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', '2026-11-28 19:30:27.496345+00', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d4c-7f26-b92e-6e0bed54a683', 'oauth_clients name 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '\x0d637d56f7f20e579465be6e8da464e196c41bbbd9812fff6049123b488ca9a5', '{api/read}', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.347806+00', NULL, NULL);

INSERT INTO public.operator_sessions VALUES
	('01a223a3-3196-7da2-acdb-d26cdab59529', '01a223a3-3169-73fe-9a36-6b59932a6dfa', '\xe7c1fa8b8ab812ab42e55c43de4ec82277c311312e81e5273d5480478523631a', '2026-11-28 19:30:27.334293+00', '2026-11-28 19:30:27.334293+00', '2026-11-29 07:30:27.334293+00');

INSERT INTO public.operator_sign_in_failures VALUES
	('\x94d45a64b6cb5319daf37905498a43f3363213e7e24ec70a31ec1473d2b49a1a', 1, '2026-11-28 19:30:27.39947+00', NULL);

INSERT INTO public.operators VALUES
	('01a223a3-3169-73fe-9a36-6b59932a6dfa', 'operator-1', '$argon2id$v=19$m=64,t=1,p=1$BFUscJwJhWTP5/MN1o4q2g$VBvIJZ4dxh3g/B+VSBnYjMDHT9pEDjInNLi+Y1nvcM0', '2026-11-28 19:30:27.304636+00', '2026-11-28 19:30:27.304636+00');

INSERT INTO public.passwords VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', '$argon2id$v=19$m=64,t=1,p=1$iXDlMQukxKWqXASfD0sOnA$//PbuXKGgpvFYjZPIFLp5ca7+MFJ5h9GsnivY4l0ZQw', '2026-11-28 19:30:27.437553+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'passwords hash 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.348922+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', 'passwords hash other', '2026-11-28 19:30:30.349623+00');

INSERT INTO public.person_keys VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', '\x40d8745aba170a53e79fc50896e163d03d0f4aa852f7948892ad8e6793911f543d15ed9247657ccc5af33d76841b7622fa84a9064ff97ab01222f4f1', '2026-11-28 19:30:27.437553+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '\x8e047c3cc73c5479e8bb91cd9dd4b4b194b4a7f7b098e03413eb59850647a39e27df5c4ae08ee673ee0dc978a4773ed15b73964575e3a2319bca1ab6', '2026-11-28 19:30:27.615438+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '\xbb4714423ddc5cb3f54d6d9985c161bc44846e455129ce6ea9ad0dcbf6095f6a9741ba461ff5bc1d0ac0e1b5ccc4d2f771f2d7e97f9c31907eae71d0', '2026-11-28 19:30:27.632215+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32d4-73f0-a51a-4a83e6057abb', '\xa472c44f3fe269a174823343ce2f7896703d4ee6fbc707324cfa6db6779f92f39eef29211c92f47c41c7333838f81055d6ef8e40dc8fa64da5f7e89d', '2026-11-28 19:30:27.667584+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32df-7692-91e5-36e4c462f117', '\x159aa949c7a4bfd229942f5c8b03ce91b0c805607c5c8a1444ca5e7d9362e8cd7d01174e148a899098e61f7c836e90e86d47703af5ee4f8d7b1f107b', '2026-11-28 19:30:27.678239+00'),
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', '01a223a3-32ef-79d5-a5d2-591d1dc49668', '\x54e146866a38562871b52ac16ce0c71ee41811b284569051ad75cdd947e66afed3efea94bf7f67764df31264783053336fe8344bc311fc57bfae9731', '2026-11-28 19:30:27.694+00');

INSERT INTO public.posts VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d4f-7c0c-9562-7ef4d7292120', '01a223a3-3cba-72b0-b1aa-dd60173a200a', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'posts body 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.350758+00', NULL);

INSERT INTO public.product_accounts VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', 'learn', NULL, '2026-11-28 19:30:27.437553+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-327b-7001-be47-6d975139aadf', 'learn', NULL, '2026-11-28 19:30:27.513685+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-327b-7629-a3ba-ecf2328e6ae7', 'learn', NULL, '2026-11-28 19:30:27.513685+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-327b-7b17-a154-df164ed27895', 'learn', NULL, '2026-11-28 19:30:27.513685+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-327b-7b45-b589-42037e5ae436', 'learn', NULL, '2026-11-28 19:30:27.513685+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'learn', NULL, '2026-11-28 19:30:27.615438+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', 'learn', NULL, '2026-11-28 19:30:27.632215+00'),
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', '01a223a3-32ef-79d5-a5d2-591d1dc49668', 'learn', NULL, '2026-11-28 19:30:27.694+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32d4-73f0-a51a-4a83e6057abb', 'learn', '8d93d195-178f-4466-a00b-7e8ce2012c4d', '2026-11-28 19:30:27.667584+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32df-7692-91e5-36e4c462f117', 'learn', '6bdfe753-311c-41f9-8474-37d107fe4b6a', '2026-11-28 19:30:27.678239+00');

INSERT INTO public.progress VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3d3b-7974-9134-0d0ec3e21156', 1, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3d3b-7974-9134-0d0ec3e21156', 1, NULL, NULL);

INSERT INTO public.ratings VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3cba-72b0-b1aa-dd60173a200a', 1, 'ratings comment 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.367227+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3cba-72b0-b1aa-dd60173a200a', 1, 'Ask sibylle.sommer@acme.example', '2026-11-28 19:30:30.371222+00');

INSERT INTO public.reappearances VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3ccf-757e-9645-96e7f2671efe', 'c3168b6f-eb91-4ec7-87a9-868590b4bc01', '2026-11-28 19:30:30.372077+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3ccf-757e-9645-96e7f2671efe', 'd3a517fd-fd83-45ba-9d6b-6b8367ff450f', '2026-11-28 19:30:30.372941+00');

INSERT INTO public.record_actions VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 1, '01a223a3-3d3b-7974-9134-0d0ec3e21156', '2026-11-28', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', 2, '01a223a3-3d3b-7974-9134-0d0ec3e21156', '2026-11-28', 1);

INSERT INTO public.session_instructors VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cdc-77db-921d-e37e53dba78b', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.386642+00');

INSERT INTO public.sessions VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-331e-7f48-833e-dfe357053bf3', '01a223a3-3303-7018-bc16-494fc723b6e0', 'With Q-4711', NULL, NULL, NULL, '{}', NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3cdc-77db-921d-e37e53dba78b', '01a223a3-3cba-72b0-b1aa-dd60173a200a', 'sessions title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, NULL, 'sessions location 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '{"sessions contact_emails 01a223a3-32a0-76d8-9e9d-5ceac6054e44"}', 'sessions external_key 01a223a3-32a0-76d8-9e9d-5ceac6054e44');

INSERT INTO public.sign_in_failures VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '\x9c145e223a0e9e76fc788dc5c45b6dc2a1c3294caa5373b4104430d03490b01f', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 1, '2026-11-28 19:30:30.387942+00', NULL);

INSERT INTO public.sign_in_sessions VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3210-709f-bc8f-7e51472c470f', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', '\x3a81f664e1795d8ef3c0922c6d893f8daafb88b10d7086a1bcffdddfb2a4173a', '2026-11-28 19:30:27.469216+00', '2026-11-28 19:30:27.469216+00', '2026-11-29 07:30:27.469216+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d75-75fb-a4f4-99cf8126dc8f', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '\xbc4f41b094a2381ca02a4654bca71bbbd64899f5f9156b89df4e166ab9e2e24b', '2026-11-28 19:30:30.388844+00', '2026-11-28 19:30:30.388844+00', '2026-11-28 19:30:30.388+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d77-7c5a-b77c-6bfe8cba131a', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '\x4740eb2e849a0f614f30843d8eccbde59c010e008f17c8547b581670bd1581c6', '2026-11-28 19:30:30.390644+00', '2026-11-28 19:30:30.390644+00', '2026-11-28 19:30:30.389+00');

INSERT INTO public.signing_keys VALUES
	('KR5LK_ez-cxWmgCBgvo0KeHFLu_p3BWE_d05-13qU0A', '{"x": "1cOS50Wohwn13Aj4Z4LZ9G2m6SYJRE4dAGZ1sMS7lQk", "alg": "EdDSA", "crv": "Ed25519", "kid": "KR5LK_ez-cxWmgCBgvo0KeHFLu_p3BWE_d05-13qU0A", "kty": "OKP", "use": "sig"}', '\x8ae4964507ebf1b66d31b13819c86ca00e5b427c14aa3c6b8de0d01cae47612142561a49958d498f413b977af56ab275277be756dc9688d13127654d154df32de22b51611006708fae7daff9cfb2495dbd172adaaeb2571be01e74d275b9025c51b2b8569aef5f52dd751992f021cd897290859c02446567ef9b6389ee8bdf53ae718fff05bb3430917bf14b0b12b006c9c6122eaec5a7f227649cd64b', '2026-11-28 19:30:29.101142+00', NULL, 'certificate');

INSERT INTO public.skill_levels VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3349-7384-8d53-f8cd7f4c6c5a', '01a223a3-3347-7c7b-99e5-6ce60b8e759f', 'Knows', 1, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d79-7666-8ca0-8b11db79f91e', '01a223a3-3d78-7784-b262-3be440745d12', 'skill_levels title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 1, 'skill_levels description 01a223a3-32a0-76d8-9e9d-5ceac6054e44');

INSERT INTO public.skill_scale_sets VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3347-7c7b-99e5-6ce60b8e759f', NULL, 'Levels', false, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d78-7784-b262-3be440745d12', '01a223a3-3cb4-7a97-abe9-cef1930ea1bc', 'skill_scale_sets title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', false, 'skill_scale_sets external_key 01a223a3-32a0-76d8-9e9d-5ceac6054e44');

INSERT INTO public.skills VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3350-7543-881c-32a7d869ff4c', NULL, '01a223a3-3347-7c7b-99e5-6ce60b8e759f', 'Fire drill', NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d7a-7c77-807d-5bba1d8e0458', '01a223a3-3cb4-7a97-abe9-cef1930ea1bc', '01a223a3-3d78-7784-b262-3be440745d12', 'skills title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'skills description 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'skills external_key 01a223a3-32a0-76d8-9e9d-5ceac6054e44');

INSERT INTO public.submission_file_chunks VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d7f-75f1-8051-3a987f9eb4dc', 1, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '\x7375626d697373696f6e5f66696c655f6368756e6b7320636f6e74656e742030316132323361332d333261302d373664382d396539642d356365616336303534653434'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d82-75a0-947c-8094e0486c86', 1, '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '\x7375626d697373696f6e5f66696c655f6368756e6b7320636f6e74656e74206f74686572');

INSERT INTO public.submission_files VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d7f-75f1-8051-3a987f9eb4dc', '01a223a3-3d7b-73c2-91d8-3b1679070f04', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'submission_files name 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'submission_files media_type 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 1, '2026-11-28 19:30:30.398925+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d82-75a0-947c-8094e0486c86', '01a223a3-3d7e-709f-91b8-6fd021b06e52', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', 'Ask sibylle.sommer@acme.example', 'submission_files media_type other', 1, '2026-11-28 19:30:30.401887+00');

INSERT INTO public.submissions VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d7b-73c2-91d8-3b1679070f04', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3cbe-7d13-978f-db876587e63a', 'submissions comment 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'submissions feedback 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.394626+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d7e-709f-91b8-6fd021b06e52', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3cbe-7d13-978f-db876587e63a', 'Ask sibylle.sommer@acme.example', 'Ask sibylle.sommer@acme.example', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.397816+00');

INSERT INTO public.tenant_keys VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', 'identifier_hash', '\xbeabaaf3fd98f2285d4f3c8e7cbe55cfebf9191f2b2c0e2ae35336fb3b5d2c68a50ccfae9caaaad2b4e52d014f1b95d8097adb34fa3c342c9b1d7de8', '2026-11-28 19:30:29.043537+00');

INSERT INTO public.tenants VALUES
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', 'Beta', 'enterprise', NULL, '2026-11-28 19:30:27.296455+00', '{}', 5, 'create'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', 'Acme', 'enterprise', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:27.277158+00', '{}', 5, 'create');

INSERT INTO public.tombstones VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', 'login_name', '\xa9c0e11e0e10f685c5d940713f1d0f1410d556435df865fa76dfb4faa8de3ffa', '01a223a3-3838-7556-a141-48aaac0ad9f4', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', '2026-11-28 19:30:29.101142+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', 'ref', '\xfe2d88fbcdbbf5f5176a137f595d4dccb59327c6de5cbd53672bef3dc56f2178', '01a223a3-3838-7556-a141-48aaac0ad9f4', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', '2026-11-28 19:30:29.101142+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', 'email', '\x177e118ec055487e3ec8e9e0b7798f119a054d30b6bc40ee54e2cabc26962404', '01a223a3-3838-7556-a141-48aaac0ad9f4', '01a223a3-32bc-70cf-bc0c-4c52a4ee85a2', '2026-11-28 19:30:29.101142+00');

INSERT INTO public.training_plan_authors VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3ce2-7677-9bec-16ad0920e2c5', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '2026-11-28 19:30:30.414745+00');

INSERT INTO public.training_plan_courses VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3310-73a0-adfb-c373ddd5482b', '01a223a3-3303-7018-bc16-494fc723b6e0', 1),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3ce2-7677-9bec-16ad0920e2c5', '01a223a3-3cba-72b0-b1aa-dd60173a200a', 1);

INSERT INTO public.training_plans VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3310-73a0-adfb-c373ddd5482b', '01a223a3-32fa-7641-a464-e366afa8b804', 'First week', NULL, '{}', '2026-11-28 19:30:27.726309+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3ce2-7677-9bec-16ad0920e2c5', '01a223a3-3cb4-7a97-abe9-cef1930ea1bc', 'training_plans title 01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'training_plans description 01a223a3-32a0-76d8-9e9d-5ceac6054e44', '{"training_plans contact_emails 01a223a3-32a0-76d8-9e9d-5ceac6054e44"}', '2026-11-28 19:30:30.242005+00');

INSERT INTO public.user_skills VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-337e-7095-8472-f04eb6336e83', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-3349-7384-8d53-f8cd7f4c6c5a', '2026-11-28 19:30:27.835731+00', NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-33d3-773e-a3c8-ed89ecf62667', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-3349-7384-8d53-f8cd7f4c6c5a', '2026-11-28 19:30:27.91674+00', NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-346f-72dd-ac3b-a9a40fd4c93c', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-3349-7384-8d53-f8cd7f4c6c5a', '2026-11-28 19:30:28.075748+00', NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-34cf-7e7e-b5e5-fb9ea2b523d4', '01a223a3-32d4-73f0-a51a-4a83e6057abb', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-3349-7384-8d53-f8cd7f4c6c5a', '2026-11-28 19:30:28.168317+00', NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-352b-70a1-81c8-ecdf129270f6', '01a223a3-32df-7692-91e5-36e4c462f117', '01a223a3-3350-7543-881c-32a7d869ff4c', '01a223a3-3349-7384-8d53-f8cd7f4c6c5a', '2026-11-28 19:30:28.264557+00', NULL, NULL, NULL, NULL),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d94-7bd1-9513-f51024796f54', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '01a223a3-3d7a-7c77-807d-5bba1d8e0458', '01a223a3-3d79-7666-8ca0-8b11db79f91e', '2026-11-28 19:30:30.419602+00', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'user_skills revoke_reason 01a223a3-32a0-76d8-9e9d-5ceac6054e44'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-3d96-7cc4-b567-e285ed838155', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', '01a223a3-3d7a-7c77-807d-5bba1d8e0458', '01a223a3-3d79-7666-8ca0-8b11db79f91e', '2026-11-28 19:30:30.421582+00', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'Ask sibylle.sommer@acme.example');

INSERT INTO public.users VALUES
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-31ee-7f8e-b15f-d24ddfb67a2e', 'internal', 'active', NULL, DEFAULT, NULL, NULL, DEFAULT, 'person-2@example.org', DEFAULT, false, NULL, DEFAULT, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{administrator}', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.437553+00', '2026-11-28 19:30:27.437553+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-327b-7b45-b589-42037e5ae436', 'internal', 'active', NULL, DEFAULT, NULL, 'N-1', DEFAULT, 'nora.neu@acme.example', DEFAULT, false, NULL, DEFAULT, 'Nora', 'Neu', 'Nora Neu', NULL, NULL, 'Assembly', NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{learner}', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.513685+00', '2026-11-28 19:30:27.513685+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-327b-7629-a3ba-ecf2328e6ae7', 'internal', 'active', NULL, DEFAULT, NULL, 'N-2', DEFAULT, 'oskar.ott@acme.example', DEFAULT, false, NULL, DEFAULT, 'Oskar', 'Ott', 'Oskar Ott', NULL, NULL, 'Assembly', NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{learner}', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.513685+00', '2026-11-28 19:30:27.513685+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-327b-7001-be47-6d975139aadf', 'internal', 'active', NULL, DEFAULT, NULL, 'N-3', DEFAULT, 'paula.pohl@acme.example', DEFAULT, false, NULL, DEFAULT, 'Paula', 'Pohl', 'Paula Pohl', NULL, NULL, 'Assembly', NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{learner}', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.513685+00', '2026-11-28 19:30:27.513685+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-327b-7b17-a154-df164ed27895', 'internal', 'active', NULL, DEFAULT, NULL, 'N-4', DEFAULT, 'quirin.quast@acme.example', DEFAULT, false, NULL, DEFAULT, 'Quirin', 'Quast', 'Quirin Quast', NULL, NULL, 'Assembly', NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{learner}', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.513685+00', '2026-11-28 19:30:27.513685+00'),
	('01a223a3-315d-72b2-bbc6-fa6f9c8ebdd1', '01a223a3-32ef-79d5-a5d2-591d1dc49668', 'internal', 'active', NULL, DEFAULT, NULL, 'B-1', DEFAULT, 'bela.baum@beta.example', DEFAULT, false, NULL, DEFAULT, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{learner}', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.694+00', '2026-11-28 19:30:27.694+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32a0-76d8-9e9d-5ceac6054e44', 'internal', 'active', 'i:0#.f|membership|Sibylle.Sommer', DEFAULT, NULL, 'S-4711', DEFAULT, 'sibylle.sommer@acme.example', DEFAULT, false, NULL, DEFAULT, 'Sibylle', 'Sommer', 'Sibylle Sommer', NULL, 'Fitter', 'Assembly', NULL, NULL, NULL, NULL, NULL, NULL, '{"shift": "early"}', '{learner}', '{}', NULL, NULL, NULL, NULL, NULL, '2026-11-28 19:30:27.615438+00', '2026-11-28 19:30:27.843827+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32d4-73f0-a51a-4a83e6057abb', 'internal', 'deleted', 'i:0#.f|membership|Dorothea.Damm', DEFAULT, NULL, 'D-4711', DEFAULT, 'dorothea.damm@acme.example', DEFAULT, false, NULL, DEFAULT, 'Dorothea', 'Damm', 'Dorothea Damm', NULL, 'Fitter', 'Assembly', NULL, NULL, NULL, NULL, NULL, NULL, '{"shift": "early"}', '{learner}', '{}', '8d93d195-178f-4466-a00b-7e8ce2012c4d', '2026-11-28 19:30:28.988146+00', NULL, NULL, NULL, '2026-11-28 19:30:27.667584+00', '2026-11-28 19:30:28.988146+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32df-7692-91e5-36e4c462f117', 'internal', 'deleted', 'i:0#.f|membership|Quintus.Quell', DEFAULT, NULL, 'Q-4711', DEFAULT, 'quintus.quell@acme.example', DEFAULT, false, NULL, DEFAULT, 'Quintus', 'Quell', 'Quintus Quell', NULL, 'Fitter', 'Assembly', NULL, NULL, NULL, NULL, NULL, NULL, '{"shift": "early"}', '{learner}', '{}', '6bdfe753-311c-41f9-8474-37d107fe4b6a', '2026-11-28 19:30:29.011698+00', NULL, NULL, NULL, '2026-11-28 19:30:27.678239+00', '2026-11-28 19:30:29.011698+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32c9-77eb-afb1-e7ec48d9a658', 'internal', 'anonymized', NULL, DEFAULT, NULL, NULL, DEFAULT, NULL, DEFAULT, false, NULL, DEFAULT, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', '{}', '{}', NULL, NULL, NULL, NULL, '2026-11-28 19:30:29.431346+00', '2026-11-28 19:30:27.65619+00', '2026-11-28 19:30:29.431346+00'),
	('01a223a3-3133-7478-b60c-09aff8f678bd', '01a223a3-32b1-79d0-88e4-c1da2c9adfe6', 'internal', 'active', 'i:0#.f|membership|Tilda.Tann', DEFAULT, NULL, 'S-4712', DEFAULT, 'tilda.tann@acme.example', DEFAULT, false, NULL, DEFAULT, 'Tilda', 'Tann', 'Tilda Tann', NULL, 'Fitter', 'Assembly', NULL, NULL, NULL, NULL, NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', '{"shift": "early", "canary": "users custom_fields 01a223a3-32a0-76d8-9e9d-5ceac6054e44"}', '{learner}', '{}', NULL, NULL, '01a223a3-32a0-76d8-9e9d-5ceac6054e44', NULL, NULL, '2026-11-28 19:30:27.632215+00', '2026-11-28 19:30:27.93213+00');

SELECT pg_catalog.setval('graphile_worker.job_queues_id_seq', 1, false);

SELECT pg_catalog.setval('graphile_worker.jobs_id_seq1', 9, true);

SELECT pg_catalog.setval('graphile_worker.tasks_id_seq', 6, true);

SELECT pg_catalog.setval('public.record_actions_id_seq', 2, true);

ALTER TABLE ONLY graphile_worker._private_job_queues
    ADD CONSTRAINT job_queues_pkey1 PRIMARY KEY (id);

ALTER TABLE ONLY graphile_worker._private_job_queues
    ADD CONSTRAINT job_queues_queue_name_key UNIQUE (queue_name);

ALTER TABLE ONLY graphile_worker._private_jobs
    ADD CONSTRAINT jobs_key_key1 UNIQUE (key);

ALTER TABLE ONLY graphile_worker._private_jobs
    ADD CONSTRAINT jobs_pkey1 PRIMARY KEY (id);

ALTER TABLE ONLY graphile_worker._private_known_crontabs
    ADD CONSTRAINT known_crontabs_pkey PRIMARY KEY (identifier);

ALTER TABLE ONLY graphile_worker.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY graphile_worker._private_tasks
    ADD CONSTRAINT tasks_identifier_key UNIQUE (identifier);

ALTER TABLE ONLY graphile_worker._private_tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.assessment_attempts
    ADD CONSTRAINT assessment_attempts_pkey PRIMARY KEY (tenant_id, user_id, assessment_id, attempt);

ALTER TABLE ONLY public.assessments
    ADD CONSTRAINT assessments_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.audit_checkpoints
    ADD CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (tenant_id, sequence);

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.catalog_groups
    ADD CONSTRAINT catalog_groups_pkey PRIMARY KEY (tenant_id, catalog_id, group_id);

ALTER TABLE ONLY public.catalog_members
    ADD CONSTRAINT catalog_members_pkey PRIMARY KEY (tenant_id, catalog_id, user_id);

ALTER TABLE ONLY public.catalogs
    ADD CONSTRAINT catalogs_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.contact_keys
    ADD CONSTRAINT contact_keys_pkey PRIMARY KEY (tenant_id, hash);

ALTER TABLE ONLY public.course_authors
    ADD CONSTRAINT course_authors_pkey PRIMARY KEY (tenant_id, course_id, user_id);

ALTER TABLE ONLY public.course_groups
    ADD CONSTRAINT course_groups_pkey PRIMARY KEY (tenant_id, course_id, group_id);

ALTER TABLE ONLY public.courses
    ADD CONSTRAINT courses_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.directory_groups
    ADD CONSTRAINT directory_groups_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.enrollments
    ADD CONSTRAINT enrollments_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.erasure_certificates
    ADD CONSTRAINT erasure_certificates_pkey PRIMARY KEY (tenant_id, request_id, number);

ALTER TABLE ONLY public.erasure_findings
    ADD CONSTRAINT erasure_findings_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.erasure_ledger
    ADD CONSTRAINT erasure_ledger_pkey PRIMARY KEY (tenant_id, user_id, request_id);

ALTER TABLE ONLY public.erasure_receipts
    ADD CONSTRAINT erasure_receipts_pkey PRIMARY KEY (tenant_id, request_id, table_name, effect);

ALTER TABLE ONLY public.erasure_requests
    ADD CONSTRAINT erasure_requests_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.erasure_steps
    ADD CONSTRAINT erasure_steps_pkey PRIMARY KEY (tenant_id, request_id, step);

ALTER TABLE ONLY public.erasure_subjects
    ADD CONSTRAINT erasure_subjects_pkey PRIMARY KEY (tenant_id, request_id, user_id);

ALTER TABLE ONLY public.export_chunks
    ADD CONSTRAINT export_chunks_pkey PRIMARY KEY (tenant_id, export_id, "position");

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.group_members
    ADD CONSTRAINT group_members_pkey PRIMARY KEY (tenant_id, group_id, user_id);

ALTER TABLE ONLY public.idempotent_requests
    ADD CONSTRAINT idempotent_requests_pkey PRIMARY KEY (tenant_id, key_hash);

ALTER TABLE ONLY public.import_files
    ADD CONSTRAINT import_files_pkey PRIMARY KEY (tenant_id, source, file_name);

ALTER TABLE ONLY public.import_runs
    ADD CONSTRAINT import_runs_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.issued_certificates
    ADD CONSTRAINT issued_certificates_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.lethe_migrations
    ADD CONSTRAINT lethe_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.modules
    ADD CONSTRAINT modules_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.oauth_clients
    ADD CONSTRAINT oauth_clients_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.operator_sessions
    ADD CONSTRAINT operator_sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.operator_sessions
    ADD CONSTRAINT operator_sessions_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.operator_sign_in_failures
    ADD CONSTRAINT operator_sign_in_failures_pkey PRIMARY KEY (login_hash);

ALTER TABLE ONLY public.operators
    ADD CONSTRAINT operators_name_key UNIQUE (name);

ALTER TABLE ONLY public.operators
    ADD CONSTRAINT operators_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.passwords
    ADD CONSTRAINT passwords_pkey PRIMARY KEY (tenant_id, user_id);

ALTER TABLE ONLY public.person_keys
    ADD CONSTRAINT person_keys_pkey PRIMARY KEY (tenant_id, user_id);

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.product_accounts
    ADD CONSTRAINT product_accounts_pkey PRIMARY KEY (tenant_id, user_id, product);

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_pkey PRIMARY KEY (tenant_id, user_id, module_id);

ALTER TABLE ONLY public.ratings
    ADD CONSTRAINT ratings_pkey PRIMARY KEY (tenant_id, user_id, course_id);

ALTER TABLE ONLY public.reappearances
    ADD CONSTRAINT reappearances_pkey PRIMARY KEY (tenant_id, user_id);

ALTER TABLE ONLY public.record_actions
    ADD CONSTRAINT record_actions_pkey PRIMARY KEY (tenant_id, user_id, id);

ALTER TABLE ONLY public.session_instructors
    ADD CONSTRAINT session_instructors_pkey PRIMARY KEY (tenant_id, session_id, user_id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.sign_in_failures
    ADD CONSTRAINT sign_in_failures_pkey PRIMARY KEY (tenant_id, login_hash);

ALTER TABLE ONLY public.sign_in_sessions
    ADD CONSTRAINT sign_in_sessions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.signing_keys
    ADD CONSTRAINT signing_keys_pkey PRIMARY KEY (kid);

ALTER TABLE ONLY public.skill_levels
    ADD CONSTRAINT skill_levels_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.skill_levels
    ADD CONSTRAINT skill_levels_tenant_id_scale_set_id_value_key UNIQUE (tenant_id, scale_set_id, value);

ALTER TABLE ONLY public.skill_scale_sets
    ADD CONSTRAINT skill_scale_sets_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.skills
    ADD CONSTRAINT skills_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.submission_file_chunks
    ADD CONSTRAINT submission_file_chunks_pkey PRIMARY KEY (tenant_id, file_id, "position");

ALTER TABLE ONLY public.submission_files
    ADD CONSTRAINT submission_files_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tenant_keys
    ADD CONSTRAINT tenant_keys_pkey PRIMARY KEY (tenant_id, purpose);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_name_key UNIQUE (name);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.tombstones
    ADD CONSTRAINT tombstones_pkey PRIMARY KEY (tenant_id, kind, hash, user_id, request_id);

ALTER TABLE ONLY public.training_plan_authors
    ADD CONSTRAINT training_plan_authors_pkey PRIMARY KEY (tenant_id, training_plan_id, user_id);

ALTER TABLE ONLY public.training_plan_courses
    ADD CONSTRAINT training_plan_courses_pkey PRIMARY KEY (tenant_id, training_plan_id, course_id);

ALTER TABLE ONLY public.training_plans
    ADD CONSTRAINT training_plans_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.user_skills
    ADD CONSTRAINT user_skills_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id);

CREATE INDEX jobs_main_index ON graphile_worker._private_jobs USING btree (priority, run_at) INCLUDE (id, task_id, job_queue_id) WHERE (is_available = true);

CREATE INDEX jobs_no_queue_index ON graphile_worker._private_jobs USING btree (priority, run_at) INCLUDE (id, task_id) WHERE ((is_available = true) AND (job_queue_id IS NULL));

CREATE INDEX api_keys_name_text ON public.api_keys USING gin (name public.gin_trgm_ops);

CREATE INDEX api_keys_owner_id ON public.api_keys USING btree (tenant_id, owner_id) WHERE (owner_id IS NOT NULL);

CREATE INDEX api_keys_secret_hash ON public.api_keys USING btree (secret_hash);

CREATE INDEX assessment_attempts_feedback_text ON public.assessment_attempts USING gin (feedback public.gin_trgm_ops) WHERE (feedback IS NOT NULL);

CREATE INDEX assessment_attempts_graded_by ON public.assessment_attempts USING btree (tenant_id, graded_by) WHERE (graded_by IS NOT NULL);

CREATE INDEX assessments_course_id ON public.assessments USING btree (tenant_id, course_id);

CREATE UNIQUE INDEX assessments_external_key ON public.assessments USING btree (tenant_id, external_key);

CREATE INDEX assessments_title_text ON public.assessments USING gin (title public.gin_trgm_ops);

CREATE INDEX audit_entries_activity ON public.audit_entries USING btree (tenant_id, activity, id);

CREATE INDEX audit_entries_actor_id ON public.audit_entries USING btree (tenant_id, actor_id, id) WHERE (actor_id IS NOT NULL);

CREATE INDEX audit_entries_actor_kind ON public.audit_entries USING btree (tenant_id, actor_kind, id) WHERE (actor_id IS NULL);

CREATE INDEX audit_entries_contact_hash ON public.audit_entries USING btree (tenant_id, contact_hash, id) WHERE (contact_hash IS NOT NULL);

CREATE INDEX audit_entries_object_id ON public.audit_entries USING btree (tenant_id, object_id, id) WHERE (object_id IS NOT NULL);

CREATE UNIQUE INDEX audit_entries_sequence ON public.audit_entries USING btree (tenant_id, sequence) WHERE (sequence IS NOT NULL);

CREATE INDEX audit_entries_subject_id ON public.audit_entries USING btree (tenant_id, subject_id, id) WHERE (subject_id IS NOT NULL);

CREATE INDEX audit_entries_unsealed ON public.audit_entries USING btree (tenant_id, id) WHERE (sequence IS NULL);

CREATE INDEX catalog_groups_group_id ON public.catalog_groups USING btree (tenant_id, group_id);

CREATE INDEX catalog_members_added_by ON public.catalog_members USING btree (tenant_id, added_by) WHERE (added_by IS NOT NULL);

CREATE INDEX catalog_members_administrators ON public.catalog_members USING btree (tenant_id, catalog_id, user_id) WHERE (role = 'administrator'::text);

CREATE INDEX catalog_members_user_id ON public.catalog_members USING btree (tenant_id, user_id);

CREATE INDEX catalogs_contact_emails ON public.catalogs USING gin (contact_emails);

CREATE INDEX catalogs_description_text ON public.catalogs USING gin (description public.gin_trgm_ops) WHERE (description IS NOT NULL);

CREATE UNIQUE INDEX catalogs_external_key ON public.catalogs USING btree (tenant_id, external_key);

CREATE INDEX catalogs_title_text ON public.catalogs USING gin (title public.gin_trgm_ops);

CREATE INDEX course_authors_user_id ON public.course_authors USING btree (tenant_id, user_id);

CREATE INDEX course_groups_group_id ON public.course_groups USING btree (tenant_id, group_id);

CREATE INDEX courses_catalog_id ON public.courses USING btree (tenant_id, catalog_id);

CREATE INDEX courses_contact_emails ON public.courses USING gin (contact_emails);

CREATE INDEX courses_description_text ON public.courses USING gin (description public.gin_trgm_ops) WHERE (description IS NOT NULL);

CREATE UNIQUE INDEX courses_external_key ON public.courses USING btree (tenant_id, external_key);

CREATE INDEX courses_reply_to_email ON public.courses USING gin (reply_to_email public.gin_trgm_ops) WHERE (reply_to_email IS NOT NULL);

CREATE INDEX courses_title_text ON public.courses USING gin (title public.gin_trgm_ops);

CREATE INDEX directory_groups_description_text ON public.directory_groups USING gin (description public.gin_trgm_ops) WHERE (description IS NOT NULL);

CREATE UNIQUE INDEX directory_groups_directory_object_id ON public.directory_groups USING btree (tenant_id, directory_object_id);

CREATE INDEX directory_groups_display_name_text ON public.directory_groups USING gin (display_name public.gin_trgm_ops);

CREATE INDEX enrollments_course_id ON public.enrollments USING btree (tenant_id, course_id);

CREATE INDEX enrollments_enrolled_by ON public.enrollments USING btree (tenant_id, enrolled_by) WHERE (enrolled_by IS NOT NULL);

CREATE INDEX enrollments_note_text ON public.enrollments USING gin (note public.gin_trgm_ops) WHERE (note IS NOT NULL);

CREATE INDEX enrollments_session_id ON public.enrollments USING btree (tenant_id, session_id) WHERE (session_id IS NOT NULL);

CREATE INDEX enrollments_state ON public.enrollments USING btree (tenant_id, state, id);

CREATE INDEX enrollments_training_plan_id ON public.enrollments USING btree (tenant_id, training_plan_id) WHERE (training_plan_id IS NOT NULL);

CREATE INDEX enrollments_unenrolled_by ON public.enrollments USING btree (tenant_id, unenrolled_by) WHERE (unenrolled_by IS NOT NULL);

CREATE UNIQUE INDEX enrollments_user_course ON public.enrollments USING btree (tenant_id, user_id, course_id) WHERE ((course_id IS NOT NULL) AND (unenrolled_at IS NULL));

CREATE INDEX enrollments_user_id ON public.enrollments USING btree (tenant_id, user_id);

CREATE UNIQUE INDEX enrollments_user_plan ON public.enrollments USING btree (tenant_id, user_id, training_plan_id) WHERE ((training_plan_id IS NOT NULL) AND (unenrolled_at IS NULL));

CREATE UNIQUE INDEX erasure_findings_open ON public.erasure_findings USING btree (tenant_id, user_id, table_name, column_name, kind) WHERE (resolved_at IS NULL);

CREATE INDEX erasure_findings_request_id ON public.erasure_findings USING btree (tenant_id, request_id) WHERE (request_id IS NOT NULL);

CREATE INDEX erasure_ledger_erased_at ON public.erasure_ledger USING btree (tenant_id, erased_at);

CREATE INDEX erasure_requests_created_at ON public.erasure_requests USING btree (tenant_id, created_at, id);

CREATE INDEX erasure_requests_reason_text ON public.erasure_requests USING gin (reason public.gin_trgm_ops) WHERE (reason IS NOT NULL);

CREATE INDEX erasure_requests_requested_by ON public.erasure_requests USING btree (tenant_id, requested_by) WHERE (requested_by IS NOT NULL);

CREATE INDEX erasure_requests_unfinished ON public.erasure_requests USING btree (tenant_id, id) WHERE (finished_at IS NULL);

CREATE INDEX erasure_subjects_next ON public.erasure_subjects USING btree (tenant_id, request_id, state, user_id);

CREATE UNIQUE INDEX erasure_subjects_pending ON public.erasure_subjects USING btree (tenant_id, user_id) WHERE (state = ANY (ARRAY['queued'::text, 'awaiting_approval'::text, 'scheduled'::text, 'held'::text, 'running'::text, 'failed'::text]));

CREATE INDEX export_chunks_user_id ON public.export_chunks USING btree (tenant_id, user_id);

CREATE INDEX exports_expires_at ON public.exports USING btree (expires_at) WHERE (sealed_key IS NOT NULL);

CREATE INDEX exports_ordered_by ON public.exports USING btree (tenant_id, ordered_by) WHERE (ordered_by IS NOT NULL);

CREATE INDEX exports_user_id ON public.exports USING btree (tenant_id, user_id);

CREATE INDEX group_members_user_id ON public.group_members USING btree (tenant_id, user_id);

CREATE INDEX idempotent_requests_body_text ON public.idempotent_requests USING gin (body public.gin_trgm_ops) WHERE (body IS NOT NULL);

CREATE INDEX idempotent_requests_expires_at ON public.idempotent_requests USING btree (tenant_id, expires_at);

CREATE INDEX idempotent_requests_user_id ON public.idempotent_requests USING btree (tenant_id, user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX import_runs_started_by ON public.import_runs USING btree (tenant_id, started_by) WHERE (started_by IS NOT NULL);

CREATE INDEX issued_certificates_issued_by ON public.issued_certificates USING btree (tenant_id, issued_by) WHERE (issued_by IS NOT NULL);

CREATE INDEX issued_certificates_user_id ON public.issued_certificates USING btree (tenant_id, user_id);

CREATE INDEX modules_course_id ON public.modules USING btree (tenant_id, course_id);

CREATE UNIQUE INDEX modules_external_key ON public.modules USING btree (tenant_id, external_key);

CREATE INDEX modules_title_text ON public.modules USING gin (title public.gin_trgm_ops);

CREATE INDEX notifications_body_text ON public.notifications USING gin (body public.gin_trgm_ops);

CREATE INDEX notifications_data_text ON public.notifications USING gin (((data)::text) public.gin_trgm_ops);

CREATE INDEX notifications_subject_text ON public.notifications USING gin (subject public.gin_trgm_ops);

CREATE INDEX notifications_user_id ON public.notifications USING btree (tenant_id, user_id, created_at);

CREATE INDEX oauth_clients_name_text ON public.oauth_clients USING gin (name public.gin_trgm_ops);

CREATE INDEX oauth_clients_owner_id ON public.oauth_clients USING btree (tenant_id, owner_id) WHERE (owner_id IS NOT NULL);

CREATE INDEX operator_sessions_operator_id ON public.operator_sessions USING btree (operator_id);

CREATE INDEX posts_author_id ON public.posts USING btree (tenant_id, author_id) WHERE (author_id IS NOT NULL);

CREATE INDEX posts_body_text ON public.posts USING gin (body public.gin_trgm_ops);

CREATE INDEX posts_course_id ON public.posts USING btree (tenant_id, course_id);

CREATE INDEX posts_parent_id ON public.posts USING btree (tenant_id, parent_id) WHERE (parent_id IS NOT NULL);

CREATE INDEX ratings_comment_text ON public.ratings USING gin (comment public.gin_trgm_ops) WHERE (comment IS NOT NULL);

CREATE INDEX ratings_course_id ON public.ratings USING btree (tenant_id, course_id);

CREATE INDEX session_instructors_user_id ON public.session_instructors USING btree (tenant_id, user_id);

CREATE INDEX sessions_contact_emails ON public.sessions USING gin (contact_emails);

CREATE INDEX sessions_course_id ON public.sessions USING btree (tenant_id, course_id);

CREATE UNIQUE INDEX sessions_external_key ON public.sessions USING btree (tenant_id, external_key);

CREATE INDEX sessions_location_text ON public.sessions USING gin (location public.gin_trgm_ops) WHERE (location IS NOT NULL);

CREATE INDEX sessions_title_text ON public.sessions USING gin (title public.gin_trgm_ops);

CREATE INDEX sign_in_failures_last_failed_at ON public.sign_in_failures USING btree (tenant_id, last_failed_at);

CREATE INDEX sign_in_failures_user_id ON public.sign_in_failures USING btree (tenant_id, user_id) WHERE (user_id IS NOT NULL);

CREATE INDEX sign_in_sessions_expires_at ON public.sign_in_sessions USING btree (tenant_id, expires_at);

CREATE UNIQUE INDEX sign_in_sessions_token_hash ON public.sign_in_sessions USING btree (tenant_id, token_hash);

CREATE INDEX sign_in_sessions_user_id ON public.sign_in_sessions USING btree (tenant_id, user_id);

CREATE UNIQUE INDEX signing_keys_one_active ON public.signing_keys USING btree (purpose) WHERE (retired_at IS NULL);

CREATE INDEX skill_levels_description_text ON public.skill_levels USING gin (description public.gin_trgm_ops) WHERE (description IS NOT NULL);

CREATE INDEX skill_levels_title_text ON public.skill_levels USING gin (title public.gin_trgm_ops);

CREATE UNIQUE INDEX skill_scale_sets_default ON public.skill_scale_sets USING btree (tenant_id, catalog_id) NULLS NOT DISTINCT WHERE is_default;

CREATE UNIQUE INDEX skill_scale_sets_external_key ON public.skill_scale_sets USING btree (tenant_id, external_key);

CREATE INDEX skill_scale_sets_title_text ON public.skill_scale_sets USING gin (title public.gin_trgm_ops);

CREATE INDEX skills_catalog_id ON public.skills USING btree (tenant_id, catalog_id) WHERE (catalog_id IS NOT NULL);

CREATE INDEX skills_description_text ON public.skills USING gin (description public.gin_trgm_ops) WHERE (description IS NOT NULL);

CREATE UNIQUE INDEX skills_external_key ON public.skills USING btree (tenant_id, external_key);

CREATE INDEX skills_scale_set_id ON public.skills USING btree (tenant_id, scale_set_id);

CREATE INDEX skills_title_text ON public.skills USING gin (title public.gin_trgm_ops);

CREATE INDEX submission_file_chunks_user_id ON public.submission_file_chunks USING btree (tenant_id, user_id);

CREATE INDEX submission_files_name_text ON public.submission_files USING gin (name public.gin_trgm_ops);

CREATE INDEX submission_files_submission_id ON public.submission_files USING btree (tenant_id, submission_id);

CREATE INDEX submission_files_user_id ON public.submission_files USING btree (tenant_id, user_id);

CREATE INDEX submissions_comment_text ON public.submissions USING gin (comment public.gin_trgm_ops) WHERE (comment IS NOT NULL);

CREATE INDEX submissions_feedback_text ON public.submissions USING gin (feedback public.gin_trgm_ops) WHERE (feedback IS NOT NULL);

CREATE INDEX submissions_graded_by ON public.submissions USING btree (tenant_id, graded_by) WHERE (graded_by IS NOT NULL);

CREATE INDEX submissions_user_id ON public.submissions USING btree (tenant_id, user_id);

CREATE INDEX tenants_created_by ON public.tenants USING btree (id, created_by) WHERE (created_by IS NOT NULL);

CREATE INDEX tombstones_request_id ON public.tombstones USING btree (tenant_id, request_id, user_id);

CREATE INDEX training_plan_authors_user_id ON public.training_plan_authors USING btree (tenant_id, user_id);

CREATE INDEX training_plan_courses_course_id ON public.training_plan_courses USING btree (tenant_id, course_id);

CREATE INDEX training_plans_catalog_id ON public.training_plans USING btree (tenant_id, catalog_id);

CREATE INDEX training_plans_contact_emails ON public.training_plans USING gin (contact_emails);

CREATE INDEX training_plans_description_text ON public.training_plans USING gin (description public.gin_trgm_ops) WHERE (description IS NOT NULL);

CREATE INDEX training_plans_title_text ON public.training_plans USING gin (title public.gin_trgm_ops);

CREATE INDEX user_skills_awarded_by ON public.user_skills USING btree (tenant_id, awarded_by) WHERE (awarded_by IS NOT NULL);

CREATE UNIQUE INDEX user_skills_held ON public.user_skills USING btree (tenant_id, user_id, skill_id, level_id) WHERE (revoked_at IS NULL);

CREATE INDEX user_skills_level_id ON public.user_skills USING btree (tenant_id, level_id);

CREATE INDEX user_skills_revoke_reason_text ON public.user_skills USING gin (revoke_reason public.gin_trgm_ops) WHERE (revoke_reason IS NOT NULL);

CREATE INDEX user_skills_revoked_by ON public.user_skills USING btree (tenant_id, revoked_by) WHERE (revoked_by IS NOT NULL);

CREATE INDEX user_skills_skill_id ON public.user_skills USING btree (tenant_id, skill_id);

CREATE INDEX user_skills_user_id ON public.user_skills USING btree (tenant_id, user_id);

CREATE INDEX users_administrators ON public.users USING btree (tenant_id, created_at) WHERE ('administrator'::text = ANY (roles));

CREATE INDEX users_created_at ON public.users USING btree (tenant_id, created_at, id);

CREATE INDEX users_custom_fields_text ON public.users USING gin (((custom_fields)::text) public.gin_trgm_ops);

CREATE INDEX users_deleted_at ON public.users USING btree (tenant_id, deleted_at, id) WHERE (state = 'deleted'::text);

CREATE INDEX users_deleted_by ON public.users USING btree (tenant_id, deleted_by) WHERE (deleted_by IS NOT NULL);

CREATE UNIQUE INDEX users_directory_object_id ON public.users USING btree (tenant_id, directory_object_id);

CREATE INDEX users_email_key ON public.users USING btree (tenant_id, email_key);

CREATE INDEX users_external_identity_key ON public.users USING btree (tenant_id, external_identity_key) WHERE (external_identity_key IS NOT NULL);

CREATE INDEX users_login_key ON public.users USING btree (tenant_id, login_key);

CREATE INDEX users_manager_id ON public.users USING btree (tenant_id, manager_id) WHERE (manager_id IS NOT NULL);

CREATE INDEX users_name ON public.users USING btree (tenant_id, COALESCE(lower(display_name), ''::text), id);

CREATE UNIQUE INDEX users_ref ON public.users USING btree (tenant_id, ref);

CREATE INDEX users_ref_key ON public.users USING btree (tenant_id, ref_key) WHERE (ref_key IS NOT NULL);

CREATE TRIGGER sealed_stays BEFORE UPDATE ON public.audit_entries FOR EACH ROW WHEN ((old.sequence IS NOT NULL)) EXECUTE FUNCTION public.refuse_to_change_sealed();

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_tenant_id_owner_id_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.assessment_attempts
    ADD CONSTRAINT assessment_attempts_tenant_id_assessment_id_fkey FOREIGN KEY (tenant_id, assessment_id) REFERENCES public.assessments(tenant_id, id);

ALTER TABLE ONLY public.assessment_attempts
    ADD CONSTRAINT assessment_attempts_tenant_id_graded_by_fkey FOREIGN KEY (tenant_id, graded_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.assessment_attempts
    ADD CONSTRAINT assessment_attempts_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.assessments
    ADD CONSTRAINT assessments_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.catalog_groups
    ADD CONSTRAINT catalog_groups_tenant_id_catalog_id_fkey FOREIGN KEY (tenant_id, catalog_id) REFERENCES public.catalogs(tenant_id, id);

ALTER TABLE ONLY public.catalog_groups
    ADD CONSTRAINT catalog_groups_tenant_id_group_id_fkey FOREIGN KEY (tenant_id, group_id) REFERENCES public.directory_groups(tenant_id, id);

ALTER TABLE ONLY public.catalog_members
    ADD CONSTRAINT catalog_members_tenant_id_added_by_fkey FOREIGN KEY (tenant_id, added_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.catalog_members
    ADD CONSTRAINT catalog_members_tenant_id_catalog_id_fkey FOREIGN KEY (tenant_id, catalog_id) REFERENCES public.catalogs(tenant_id, id);

ALTER TABLE ONLY public.catalog_members
    ADD CONSTRAINT catalog_members_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.catalogs
    ADD CONSTRAINT catalogs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.course_authors
    ADD CONSTRAINT course_authors_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.course_authors
    ADD CONSTRAINT course_authors_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.course_groups
    ADD CONSTRAINT course_groups_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.course_groups
    ADD CONSTRAINT course_groups_tenant_id_group_id_fkey FOREIGN KEY (tenant_id, group_id) REFERENCES public.directory_groups(tenant_id, id);

ALTER TABLE ONLY public.courses
    ADD CONSTRAINT courses_tenant_id_catalog_id_fkey FOREIGN KEY (tenant_id, catalog_id) REFERENCES public.catalogs(tenant_id, id);

ALTER TABLE ONLY public.directory_groups
    ADD CONSTRAINT directory_groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.enrollments
    ADD CONSTRAINT enrollments_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.enrollments
    ADD CONSTRAINT enrollments_tenant_id_enrolled_by_fkey FOREIGN KEY (tenant_id, enrolled_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.enrollments
    ADD CONSTRAINT enrollments_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES public.sessions(tenant_id, id);

ALTER TABLE ONLY public.enrollments
    ADD CONSTRAINT enrollments_tenant_id_training_plan_id_fkey FOREIGN KEY (tenant_id, training_plan_id) REFERENCES public.training_plans(tenant_id, id);

ALTER TABLE ONLY public.enrollments
    ADD CONSTRAINT enrollments_tenant_id_unenrolled_by_fkey FOREIGN KEY (tenant_id, unenrolled_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.enrollments
    ADD CONSTRAINT enrollments_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.erasure_certificates
    ADD CONSTRAINT erasure_certificates_kid_fkey FOREIGN KEY (kid) REFERENCES public.signing_keys(kid);

ALTER TABLE ONLY public.erasure_certificates
    ADD CONSTRAINT erasure_certificates_tenant_id_request_id_fkey FOREIGN KEY (tenant_id, request_id) REFERENCES public.erasure_requests(tenant_id, id);

ALTER TABLE ONLY public.erasure_findings
    ADD CONSTRAINT erasure_findings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.erasure_findings
    ADD CONSTRAINT erasure_findings_tenant_id_request_id_fkey FOREIGN KEY (tenant_id, request_id) REFERENCES public.erasure_requests(tenant_id, id);

ALTER TABLE ONLY public.erasure_ledger
    ADD CONSTRAINT erasure_ledger_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.erasure_receipts
    ADD CONSTRAINT erasure_receipts_tenant_id_request_id_fkey FOREIGN KEY (tenant_id, request_id) REFERENCES public.erasure_requests(tenant_id, id);

ALTER TABLE ONLY public.erasure_requests
    ADD CONSTRAINT erasure_requests_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.erasure_requests
    ADD CONSTRAINT erasure_requests_tenant_id_requested_by_fkey FOREIGN KEY (tenant_id, requested_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.erasure_steps
    ADD CONSTRAINT erasure_steps_tenant_id_request_id_fkey FOREIGN KEY (tenant_id, request_id) REFERENCES public.erasure_requests(tenant_id, id);

ALTER TABLE ONLY public.erasure_subjects
    ADD CONSTRAINT erasure_subjects_tenant_id_request_id_fkey FOREIGN KEY (tenant_id, request_id) REFERENCES public.erasure_requests(tenant_id, id);

ALTER TABLE ONLY public.export_chunks
    ADD CONSTRAINT export_chunks_tenant_id_export_id_fkey FOREIGN KEY (tenant_id, export_id) REFERENCES public.exports(tenant_id, id);

ALTER TABLE ONLY public.export_chunks
    ADD CONSTRAINT export_chunks_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_tenant_id_ordered_by_fkey FOREIGN KEY (tenant_id, ordered_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.group_members
    ADD CONSTRAINT group_members_tenant_id_group_id_fkey FOREIGN KEY (tenant_id, group_id) REFERENCES public.directory_groups(tenant_id, id);

ALTER TABLE ONLY public.group_members
    ADD CONSTRAINT group_members_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.idempotent_requests
    ADD CONSTRAINT idempotent_requests_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.idempotent_requests
    ADD CONSTRAINT idempotent_requests_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.import_files
    ADD CONSTRAINT import_files_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.import_runs
    ADD CONSTRAINT import_runs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.import_runs
    ADD CONSTRAINT import_runs_tenant_id_started_by_fkey FOREIGN KEY (tenant_id, started_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.issued_certificates
    ADD CONSTRAINT issued_certificates_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.issued_certificates
    ADD CONSTRAINT issued_certificates_tenant_id_issued_by_fkey FOREIGN KEY (tenant_id, issued_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.issued_certificates
    ADD CONSTRAINT issued_certificates_tenant_id_training_plan_id_fkey FOREIGN KEY (tenant_id, training_plan_id) REFERENCES public.training_plans(tenant_id, id);

ALTER TABLE ONLY public.issued_certificates
    ADD CONSTRAINT issued_certificates_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.modules
    ADD CONSTRAINT modules_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.notifications
    ADD CONSTRAINT notifications_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.oauth_clients
    ADD CONSTRAINT oauth_clients_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.oauth_clients
    ADD CONSTRAINT oauth_clients_tenant_id_owner_id_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.operator_sessions
    ADD CONSTRAINT operator_sessions_operator_id_fkey FOREIGN KEY (operator_id) REFERENCES public.operators(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.passwords
    ADD CONSTRAINT passwords_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.person_keys
    ADD CONSTRAINT person_keys_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_tenant_id_author_id_fkey FOREIGN KEY (tenant_id, author_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_tenant_id_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES public.posts(tenant_id, id);

ALTER TABLE ONLY public.product_accounts
    ADD CONSTRAINT product_accounts_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_tenant_id_module_id_fkey FOREIGN KEY (tenant_id, module_id) REFERENCES public.modules(tenant_id, id);

ALTER TABLE ONLY public.progress
    ADD CONSTRAINT progress_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.ratings
    ADD CONSTRAINT ratings_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.ratings
    ADD CONSTRAINT ratings_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.reappearances
    ADD CONSTRAINT reappearances_tenant_id_group_id_fkey FOREIGN KEY (tenant_id, group_id) REFERENCES public.directory_groups(tenant_id, id);

ALTER TABLE ONLY public.reappearances
    ADD CONSTRAINT reappearances_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.record_actions
    ADD CONSTRAINT record_actions_tenant_id_module_id_fkey FOREIGN KEY (tenant_id, module_id) REFERENCES public.modules(tenant_id, id);

ALTER TABLE ONLY public.record_actions
    ADD CONSTRAINT record_actions_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.session_instructors
    ADD CONSTRAINT session_instructors_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES public.sessions(tenant_id, id);

ALTER TABLE ONLY public.session_instructors
    ADD CONSTRAINT session_instructors_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.sign_in_failures
    ADD CONSTRAINT sign_in_failures_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.sign_in_failures
    ADD CONSTRAINT sign_in_failures_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.sign_in_sessions
    ADD CONSTRAINT sign_in_sessions_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.skill_levels
    ADD CONSTRAINT skill_levels_tenant_id_scale_set_id_fkey FOREIGN KEY (tenant_id, scale_set_id) REFERENCES public.skill_scale_sets(tenant_id, id);

ALTER TABLE ONLY public.skill_scale_sets
    ADD CONSTRAINT skill_scale_sets_tenant_id_catalog_id_fkey FOREIGN KEY (tenant_id, catalog_id) REFERENCES public.catalogs(tenant_id, id);

ALTER TABLE ONLY public.skill_scale_sets
    ADD CONSTRAINT skill_scale_sets_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.skills
    ADD CONSTRAINT skills_tenant_id_catalog_id_fkey FOREIGN KEY (tenant_id, catalog_id) REFERENCES public.catalogs(tenant_id, id);

ALTER TABLE ONLY public.skills
    ADD CONSTRAINT skills_tenant_id_scale_set_id_fkey FOREIGN KEY (tenant_id, scale_set_id) REFERENCES public.skill_scale_sets(tenant_id, id);

ALTER TABLE ONLY public.submission_file_chunks
    ADD CONSTRAINT submission_file_chunks_tenant_id_file_id_fkey FOREIGN KEY (tenant_id, file_id) REFERENCES public.submission_files(tenant_id, id);

ALTER TABLE ONLY public.submission_file_chunks
    ADD CONSTRAINT submission_file_chunks_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.submission_files
    ADD CONSTRAINT submission_files_tenant_id_submission_id_fkey FOREIGN KEY (tenant_id, submission_id) REFERENCES public.submissions(tenant_id, id);

ALTER TABLE ONLY public.submission_files
    ADD CONSTRAINT submission_files_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_tenant_id_assessment_id_fkey FOREIGN KEY (tenant_id, assessment_id) REFERENCES public.assessments(tenant_id, id);

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_tenant_id_graded_by_fkey FOREIGN KEY (tenant_id, graded_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.submissions
    ADD CONSTRAINT submissions_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.tenant_keys
    ADD CONSTRAINT tenant_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_id_created_by_fkey FOREIGN KEY (id, created_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.tombstones
    ADD CONSTRAINT tombstones_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.training_plan_authors
    ADD CONSTRAINT training_plan_authors_tenant_id_training_plan_id_fkey FOREIGN KEY (tenant_id, training_plan_id) REFERENCES public.training_plans(tenant_id, id);

ALTER TABLE ONLY public.training_plan_authors
    ADD CONSTRAINT training_plan_authors_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.training_plan_courses
    ADD CONSTRAINT training_plan_courses_tenant_id_course_id_fkey FOREIGN KEY (tenant_id, course_id) REFERENCES public.courses(tenant_id, id);

ALTER TABLE ONLY public.training_plan_courses
    ADD CONSTRAINT training_plan_courses_tenant_id_training_plan_id_fkey FOREIGN KEY (tenant_id, training_plan_id) REFERENCES public.training_plans(tenant_id, id);

ALTER TABLE ONLY public.training_plans
    ADD CONSTRAINT training_plans_tenant_id_catalog_id_fkey FOREIGN KEY (tenant_id, catalog_id) REFERENCES public.catalogs(tenant_id, id);

ALTER TABLE ONLY public.user_skills
    ADD CONSTRAINT user_skills_tenant_id_awarded_by_fkey FOREIGN KEY (tenant_id, awarded_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.user_skills
    ADD CONSTRAINT user_skills_tenant_id_level_id_fkey FOREIGN KEY (tenant_id, level_id) REFERENCES public.skill_levels(tenant_id, id);

ALTER TABLE ONLY public.user_skills
    ADD CONSTRAINT user_skills_tenant_id_revoked_by_fkey FOREIGN KEY (tenant_id, revoked_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.user_skills
    ADD CONSTRAINT user_skills_tenant_id_skill_id_fkey FOREIGN KEY (tenant_id, skill_id) REFERENCES public.skills(tenant_id, id);

ALTER TABLE ONLY public.user_skills
    ADD CONSTRAINT user_skills_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_deleted_by_fkey FOREIGN KEY (tenant_id, deleted_by) REFERENCES public.users(tenant_id, id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_tenant_id_manager_id_fkey FOREIGN KEY (tenant_id, manager_id) REFERENCES public.users(tenant_id, id);

ALTER TABLE graphile_worker._private_job_queues ENABLE ROW LEVEL SECURITY;

ALTER TABLE graphile_worker._private_jobs ENABLE ROW LEVEL SECURITY;

ALTER TABLE graphile_worker._private_known_crontabs ENABLE ROW LEVEL SECURITY;

ALTER TABLE graphile_worker._private_tasks ENABLE ROW LEVEL SECURITY;

CREATE POLICY application_works ON graphile_worker._private_job_queues TO lethe_app USING (true) WITH CHECK (true);

CREATE POLICY application_works ON graphile_worker._private_jobs TO lethe_app USING (true) WITH CHECK (true);

CREATE POLICY application_works ON graphile_worker._private_known_crontabs TO lethe_app USING (true) WITH CHECK (true);

CREATE POLICY application_works ON graphile_worker._private_tasks TO lethe_app USING (true) WITH CHECK (true);

CREATE POLICY auditor_reads ON graphile_worker._private_job_queues FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON graphile_worker._private_jobs FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON graphile_worker._private_known_crontabs FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON graphile_worker._private_tasks FOR SELECT TO lethe_auditor USING (true);

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.assessment_attempts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.assessments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_checkpoints ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_entries ENABLE ROW LEVEL SECURITY;

CREATE POLICY auditor_reads ON public.api_keys FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.assessment_attempts FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.assessments FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.audit_checkpoints FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.audit_entries FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.catalog_groups FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.catalog_members FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.catalogs FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.contact_keys FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.course_authors FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.course_groups FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.courses FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.directory_groups FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.enrollments FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.erasure_certificates FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.erasure_findings FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.erasure_ledger FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.erasure_receipts FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.erasure_requests FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.erasure_steps FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.erasure_subjects FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.export_chunks FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.exports FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.group_members FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.idempotent_requests FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.import_files FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.import_runs FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.issued_certificates FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.modules FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.notifications FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.oauth_clients FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.passwords FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.person_keys FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.posts FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.product_accounts FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.progress FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.ratings FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.reappearances FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.record_actions FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.session_instructors FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.sessions FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.sign_in_failures FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.sign_in_sessions FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.skill_levels FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.skill_scale_sets FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.skills FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.submission_file_chunks FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.submission_files FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.submissions FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.tenant_keys FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.tenants FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.tombstones FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.training_plan_authors FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.training_plan_courses FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.training_plans FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.user_skills FOR SELECT TO lethe_auditor USING (true);

CREATE POLICY auditor_reads ON public.users FOR SELECT TO lethe_auditor USING (true);

ALTER TABLE public.catalog_groups ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.catalog_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.catalogs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.course_authors ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.course_groups ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.courses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.directory_groups ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.enrollments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_certificates ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_findings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_ledger ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_receipts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_requests ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_steps ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.erasure_subjects ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.export_chunks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.exports ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.group_members ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotent_requests ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_files ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.import_runs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.issued_certificates ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.modules ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.notifications ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.oauth_clients ENABLE ROW LEVEL SECURITY;

CREATE POLICY owner_lists ON public.api_keys FOR SELECT TO postgres USING (true);

CREATE POLICY owner_lists ON public.audit_entries FOR SELECT TO postgres USING (true);

CREATE POLICY owner_lists ON public.erasure_requests FOR SELECT TO postgres USING (true);

CREATE POLICY owner_lists ON public.exports FOR SELECT TO postgres USING (true);

CREATE POLICY owner_lists ON public.oauth_clients FOR SELECT TO postgres USING (true);

CREATE POLICY owner_lists ON public.tenants FOR SELECT TO postgres USING (true);

ALTER TABLE public.passwords ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.person_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.product_accounts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.progress ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ratings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.reappearances ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.record_actions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.session_instructors ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sign_in_failures ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.sign_in_sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.skill_levels ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.skill_scale_sets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.skills ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.submission_file_chunks ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.submission_files ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.submissions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenant_keys ENABLE ROW LEVEL SECURITY;

CREATE POLICY tenant_separation ON public.api_keys USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.assessment_attempts USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.assessments USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.audit_checkpoints USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.audit_entries USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.catalog_groups USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.catalog_members USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.catalogs USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.contact_keys USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.course_authors USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.course_groups USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.courses USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.directory_groups USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.enrollments USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.erasure_certificates USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.erasure_findings USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.erasure_ledger USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.erasure_receipts USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.erasure_requests USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.erasure_steps USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.erasure_subjects USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.export_chunks USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.exports USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.group_members USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.idempotent_requests USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.import_files USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.import_runs USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.issued_certificates USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.modules USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.notifications USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.oauth_clients USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.passwords USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.person_keys USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.posts USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.product_accounts USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.progress USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.ratings USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.reappearances USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.record_actions USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.session_instructors USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.sessions USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.sign_in_failures USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.sign_in_sessions USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.skill_levels USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.skill_scale_sets USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.skills USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.submission_file_chunks USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.submission_files USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.submissions USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.tenant_keys USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.tenants USING ((id = public.current_tenant())) WITH CHECK ((id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.tombstones USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.training_plan_authors USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.training_plan_courses USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.training_plans USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.user_skills USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

CREATE POLICY tenant_separation ON public.users USING ((tenant_id = public.current_tenant())) WITH CHECK ((tenant_id = public.current_tenant()));

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tombstones ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.training_plan_authors ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.training_plan_courses ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.training_plans ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.user_skills ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA graphile_worker TO lethe_app;
GRANT USAGE ON SCHEMA graphile_worker TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE graphile_worker._private_jobs TO lethe_app;
GRANT SELECT ON TABLE graphile_worker._private_jobs TO lethe_auditor;

GRANT ALL ON FUNCTION graphile_worker.add_job(identifier text, payload json, queue_name text, run_at timestamp with time zone, max_attempts integer, job_key text, priority integer, flags text[], job_key_mode text) TO lethe_app;

GRANT ALL ON FUNCTION graphile_worker.add_jobs(specs graphile_worker.job_spec[], job_key_preserve_run_at boolean) TO lethe_app;

GRANT ALL ON FUNCTION graphile_worker.complete_jobs(job_ids bigint[]) TO lethe_app;

GRANT ALL ON FUNCTION graphile_worker.force_unlock_workers(worker_ids text[]) TO lethe_app;

GRANT ALL ON FUNCTION graphile_worker.permanently_fail_jobs(job_ids bigint[], error_message text) TO lethe_app;

GRANT ALL ON FUNCTION graphile_worker.remove_job(job_key text) TO lethe_app;

GRANT ALL ON FUNCTION graphile_worker.reschedule_jobs(job_ids bigint[], run_at timestamp with time zone, priority integer, attempts integer, max_attempts integer) TO lethe_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE graphile_worker._private_job_queues TO lethe_app;
GRANT SELECT ON TABLE graphile_worker._private_job_queues TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE graphile_worker._private_known_crontabs TO lethe_app;
GRANT SELECT ON TABLE graphile_worker._private_known_crontabs TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE graphile_worker._private_tasks TO lethe_app;
GRANT SELECT ON TABLE graphile_worker._private_tasks TO lethe_auditor;

GRANT USAGE ON SEQUENCE graphile_worker.job_queues_id_seq TO lethe_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE graphile_worker.jobs TO lethe_app;
GRANT SELECT ON TABLE graphile_worker.jobs TO lethe_auditor;

GRANT USAGE ON SEQUENCE graphile_worker.jobs_id_seq1 TO lethe_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE graphile_worker.migrations TO lethe_app;
GRANT SELECT ON TABLE graphile_worker.migrations TO lethe_auditor;

GRANT USAGE ON SEQUENCE graphile_worker.tasks_id_seq TO lethe_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.api_keys TO lethe_app;
GRANT SELECT ON TABLE public.api_keys TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.assessment_attempts TO lethe_app;
GRANT SELECT ON TABLE public.assessment_attempts TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.assessments TO lethe_app;
GRANT SELECT ON TABLE public.assessments TO lethe_auditor;

GRANT SELECT,INSERT ON TABLE public.audit_checkpoints TO lethe_app;
GRANT SELECT ON TABLE public.audit_checkpoints TO lethe_auditor;

GRANT SELECT ON TABLE public.audit_entries TO lethe_app;
GRANT SELECT ON TABLE public.audit_entries TO lethe_auditor;

GRANT INSERT(tenant_id) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(id) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(at) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(initiated_from) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(actor_kind) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(actor_id) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(activity) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(object_kind) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(object_id) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(subject_id) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(contact_hash) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(details) ON TABLE public.audit_entries TO lethe_app;

GRANT INSERT(sealed_values) ON TABLE public.audit_entries TO lethe_app;

GRANT UPDATE(sequence) ON TABLE public.audit_entries TO lethe_app;

GRANT UPDATE(hash) ON TABLE public.audit_entries TO lethe_app;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.catalog_groups TO lethe_app;
GRANT SELECT ON TABLE public.catalog_groups TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.catalog_members TO lethe_app;
GRANT SELECT ON TABLE public.catalog_members TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.catalogs TO lethe_app;
GRANT SELECT ON TABLE public.catalogs TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contact_keys TO lethe_app;
GRANT SELECT ON TABLE public.contact_keys TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.course_authors TO lethe_app;
GRANT SELECT ON TABLE public.course_authors TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.course_groups TO lethe_app;
GRANT SELECT ON TABLE public.course_groups TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.courses TO lethe_app;
GRANT SELECT ON TABLE public.courses TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.directory_groups TO lethe_app;
GRANT SELECT ON TABLE public.directory_groups TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.enrollments TO lethe_app;
GRANT SELECT ON TABLE public.enrollments TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasure_certificates TO lethe_app;
GRANT SELECT ON TABLE public.erasure_certificates TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasure_findings TO lethe_app;
GRANT SELECT ON TABLE public.erasure_findings TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasure_ledger TO lethe_app;
GRANT SELECT ON TABLE public.erasure_ledger TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasure_receipts TO lethe_app;
GRANT SELECT ON TABLE public.erasure_receipts TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasure_requests TO lethe_app;
GRANT SELECT ON TABLE public.erasure_requests TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasure_steps TO lethe_app;
GRANT SELECT ON TABLE public.erasure_steps TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.erasure_subjects TO lethe_app;
GRANT SELECT ON TABLE public.erasure_subjects TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.export_chunks TO lethe_app;
GRANT SELECT ON TABLE public.export_chunks TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.exports TO lethe_app;
GRANT SELECT ON TABLE public.exports TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.group_members TO lethe_app;
GRANT SELECT ON TABLE public.group_members TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.idempotent_requests TO lethe_app;
GRANT SELECT ON TABLE public.idempotent_requests TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.import_files TO lethe_app;
GRANT SELECT ON TABLE public.import_files TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.import_runs TO lethe_app;
GRANT SELECT ON TABLE public.import_runs TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.issued_certificates TO lethe_app;
GRANT SELECT ON TABLE public.issued_certificates TO lethe_auditor;

GRANT SELECT ON TABLE public.lethe_migrations TO lethe_app;
GRANT SELECT ON TABLE public.lethe_migrations TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.modules TO lethe_app;
GRANT SELECT ON TABLE public.modules TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.notifications TO lethe_app;
GRANT SELECT ON TABLE public.notifications TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.oauth_clients TO lethe_app;
GRANT SELECT ON TABLE public.oauth_clients TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.operator_sessions TO lethe_app;
GRANT SELECT ON TABLE public.operator_sessions TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.operator_sign_in_failures TO lethe_app;
GRANT SELECT ON TABLE public.operator_sign_in_failures TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.operators TO lethe_app;
GRANT SELECT ON TABLE public.operators TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.passwords TO lethe_app;
GRANT SELECT ON TABLE public.passwords TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.person_keys TO lethe_app;
GRANT SELECT ON TABLE public.person_keys TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.posts TO lethe_app;
GRANT SELECT ON TABLE public.posts TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.product_accounts TO lethe_app;
GRANT SELECT ON TABLE public.product_accounts TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.progress TO lethe_app;
GRANT SELECT ON TABLE public.progress TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.ratings TO lethe_app;
GRANT SELECT ON TABLE public.ratings TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.reappearances TO lethe_app;
GRANT SELECT ON TABLE public.reappearances TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.record_actions TO lethe_app;
GRANT SELECT ON TABLE public.record_actions TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.session_instructors TO lethe_app;
GRANT SELECT ON TABLE public.session_instructors TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sessions TO lethe_app;
GRANT SELECT ON TABLE public.sessions TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sign_in_failures TO lethe_app;
GRANT SELECT ON TABLE public.sign_in_failures TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sign_in_sessions TO lethe_app;
GRANT SELECT ON TABLE public.sign_in_sessions TO lethe_auditor;

GRANT SELECT,INSERT,UPDATE ON TABLE public.signing_keys TO lethe_app;
GRANT SELECT ON TABLE public.signing_keys TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.skill_levels TO lethe_app;
GRANT SELECT ON TABLE public.skill_levels TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.skill_scale_sets TO lethe_app;
GRANT SELECT ON TABLE public.skill_scale_sets TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.skills TO lethe_app;
GRANT SELECT ON TABLE public.skills TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.submission_file_chunks TO lethe_app;
GRANT SELECT ON TABLE public.submission_file_chunks TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.submission_files TO lethe_app;
GRANT SELECT ON TABLE public.submission_files TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.submissions TO lethe_app;
GRANT SELECT ON TABLE public.submissions TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenant_keys TO lethe_app;
GRANT SELECT ON TABLE public.tenant_keys TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tenants TO lethe_app;
GRANT SELECT ON TABLE public.tenants TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tombstones TO lethe_app;
GRANT SELECT ON TABLE public.tombstones TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.training_plan_authors TO lethe_app;
GRANT SELECT ON TABLE public.training_plan_authors TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.training_plan_courses TO lethe_app;
GRANT SELECT ON TABLE public.training_plan_courses TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.training_plans TO lethe_app;
GRANT SELECT ON TABLE public.training_plans TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.user_skills TO lethe_app;
GRANT SELECT ON TABLE public.user_skills TO lethe_auditor;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.users TO lethe_app;
GRANT SELECT ON TABLE public.users TO lethe_auditor;

