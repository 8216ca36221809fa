-- Namespaces and roles: where things live, and as whom SQL runs.
--
-- Everything is created only where it is absent, because two kinds of databases come here: a plain PostgreSQL, which has
-- none of this, and a Supabase project, which brings `auth`, `anon`, `authenticated` and `service_role` itself and owns them.
-- What we create in `auth` carries a comment that begins with "Floorcast:"; the rollback removes only what carries it.

create schema if not exists floorcast;

comment on schema floorcast is
'What is Floorcast''s own: the change trail, ticks, grants, and the functions behind triggers and policies. Not an API for clients.';

-- Roles belong to the cluster, not to the database. Two databases that migrate at the same moment both find a role missing
-- and both create it: the loser gets duplicate_object (it saw the other's row) or unique_violation (it did not), and either
-- means that the role is there. A role is therefore never altered here: another database may have chosen its attributes.
do $$
declare
    _role text;
begin
    foreach _role in array array['anon', 'authenticated', 'service_role', 'floorcast_relay', 'floorcast_gateway'] loop
        continue when exists (select from pg_catalog.pg_roles where rolname = _role);
        begin
            execute format('create role %I nologin noinherit', _role);
        exception when duplicate_object or unique_violation then
            null;
        end;
    end loop;
end
$$;

do $$
begin
    if to_regnamespace('auth') is null then
        create schema auth;
        comment on schema auth is 'Floorcast: stands in for Supabase''s auth schema; only uid(), jwt() and role().';
        grant usage on schema auth to anon, authenticated, service_role;
    end if;
end
$$;

-- The three functions read the claims of the verified token from the transaction's settings, as PostgREST and Supabase set
-- them: one setting with all claims (request.jwt.claims), or the older one per claim. They answer null where there is none.
-- They are created here and not in triggers/ because they are Supabase's to define: where present, they are left alone.
do $$
begin
    if to_regprocedure('auth.uid()') is null then
        create function auth.uid()
        returns uuid
        stable
        set search_path = ''
        language sql
        as $function$
            select coalesce(
                nullif(current_setting('request.jwt.claim.sub', true), ''),
                nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
            )::uuid
        $function$;
        comment on function auth.uid() is 'Floorcast: the person (users.id) that the token names, or null.';
    end if;

    if to_regprocedure('auth.role()') is null then
        create function auth.role()
        returns text
        stable
        set search_path = ''
        language sql
        as $function$
            select coalesce(
                nullif(current_setting('request.jwt.claim.role', true), ''),
                nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
            )
        $function$;
        comment on function auth.role() is 'Floorcast: the database role that the token names, or null.';
    end if;

    if to_regprocedure('auth.jwt()') is null then
        create function auth.jwt()
        returns jsonb
        stable
        set search_path = ''
        language sql
        as $function$
            select coalesce(
                nullif(current_setting('request.jwt.claim', true), ''),
                nullif(current_setting('request.jwt.claims', true), '')
            )::jsonb
        $function$;
        comment on function auth.jwt() is 'Floorcast: all claims of the token, or null.';
    end if;
end
$$;

-- Policies and trigger functions call functions of ours as the person who runs the statement. anon is left out: it sees
-- nothing of a warehouse, so nothing of ours ever runs for it.
grant usage on schema floorcast to authenticated, service_role, floorcast_relay, floorcast_gateway;
grant usage on schema public to anon, authenticated, service_role;
