-- The warehouses that somebody may open.
--
-- What runs after `become` runs as the caller, through the views in schema visible: they decide which rows there are and which
-- columns are null, by the same rules that the gateway follows for frames.

-- name: begin
-- Read only, so that nothing that a caller's policies call can write.
begin;
set local transaction_isolation = 'repeatable read';
set local transaction_read_only = on;

-- name: become
-- Until the end of the transaction. The role comes last: after it nothing more could be set for it.
select
    set_config('statement_timeout', %(milliseconds)s, true),
    set_config('idle_in_transaction_session_timeout', %(milliseconds)s, true),
    set_config('request.jwt.claims', %(claims)s, true),
    set_config('role', %(role)s, true);

-- name: warehouses
-- The warehouses that the caller may open, by name, and his role in each; a service's is its token's, service_role.
select
    coalesce(
        json_agg(
            json_build_object('id', w.id, 'name', w.name, 'location', w.location, 'role', w.role)
            order by w.name, w.id
        ),
        '[]'
    )::text as warehouses
from (
    select
        w.id,
        w.name,
        w.location,
        m.role
    from visible.warehouses as w
    inner join floorcast.my_access() as m on w.id = m.warehouse_id
    order by w.name, w.id
    limit %(most)s
) as w;

-- name: end
-- Nothing was written; rollback also undoes every setting, the role first.
rollback;
