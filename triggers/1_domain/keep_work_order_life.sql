-- Which status of a work order may follow which:
--
--   open         assigned, in_progress, on_hold, cancelled
--   assigned     open, in_progress, on_hold, cancelled
--   in_progress  assigned, on_hold, completed, cancelled
--   on_hold      open, assigned, in_progress, cancelled
--   completed    verified     Not closed: somebody has looked at the work first.
--   verified     closed
--
-- From completed, verified, closed and cancelled an order goes back to work by reopening only, which is: becoming open. That is
-- for those whom the rules let `reopen` in its warehouse, and for servers. Nobody else comes back from there by another way.
-- verified and closed are for those whom the rules let `verify` there, and for servers: else who did the work also passed it.
--
-- People open orders as open or assigned. Servers insert them with any status, since they load history.
create or replace function floorcast.keep_work_order_life()
returns trigger
volatile
security invoker
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _done constant text[] := array['completed', 'verified', 'closed', 'cancelled'];
    _next text[];
    _action text;
begin
    if tg_op = 'INSERT' then
        if new.status not in ('open', 'assigned') and not floorcast.is_server() then
            raise check_violation using
                message = format('a new work order is open or assigned, not %s', new.status),
                hint = 'Open it first, then set its status, so that its timeline tells what happened.',
                table = 'work_orders', schema = 'public', column = 'status', constraint = 'a_work_order_begins_open';
        end if;
        return new;
    end if;
    if new.status = old.status then
        return new;
    end if;

    _next := case old.status
        when 'open' then array['assigned', 'in_progress', 'on_hold', 'cancelled']
        when 'assigned' then array['open', 'in_progress', 'on_hold', 'cancelled']
        when 'in_progress' then array['assigned', 'on_hold', 'completed', 'cancelled']
        when 'on_hold' then array['open', 'assigned', 'in_progress', 'cancelled']
        when 'completed' then array['verified', 'open']
        when 'verified' then array['closed', 'open']
        else array['open']
    end;
    -- A status that there is not is for the constraint to refuse: a_work_order_has_a_known_status.
    if new.status = any(array['open', 'assigned', 'in_progress', 'on_hold'] || _done) and new.status <> all(_next) then
        raise check_violation using
            message = format('work order %s is %s and cannot become %s', old.number, old.status, new.status),
            detail = format('From %s it becomes %s.', old.status, array_to_string(_next, ' or ')),
            hint = case
                when old.status = any(_done) and new.status <> all(_done)
                    then 'Reopen it first: set its status to open.'
                when old.status = 'cancelled' or new.status = 'cancelled'
                    then 'What is done is not cancelled, and what is cancelled is not done: reopen it first, if that is wrong.'
                else 'Go step by step: in_progress, completed, verified, closed.'
            end,
            table = 'work_orders', schema = 'public', column = 'status', constraint = 'a_work_order_lives_step_by_step';
    end if;

    _action := case
        when old.status = any(_done) and new.status = 'open' then 'reopen'
        when new.status in ('verified', 'closed') then 'verify'
    end;
    if
        _action is not null and not floorcast.is_server()
        and not exists (
            select from floorcast.my_warehouses_for('work_orders', _action) as mine (warehouse_id)
            where mine.warehouse_id = old.warehouse_id
        )
    then
        raise insufficient_privilege using
            message = format(
                'work order %s is %s, and your role here does not let you %s it; it stays as it is',
                old.number, old.status, case when new.status = 'closed' then 'close' else _action end
            ),
            hint = case _action
                when 'reopen' then 'Ask a supervisor of this warehouse to reopen it, or open a new order.'
                else 'Ask a supervisor of this warehouse to look at the work: who verifies orders also closes them.'
            end,
            table = 'work_orders', schema = 'public', column = 'status';
    end if;
    return new;
end
$$;

comment on function floorcast.keep_work_order_life() is
'BEFORE INSERT OR UPDATE row trigger of work_orders: refuses a status that cannot follow the one before, and verifying or reopening by others than the rules let.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.keep_work_order_life() from public;

create or replace trigger _100_keep_life before insert or update on public.work_orders
for each row execute function floorcast.keep_work_order_life();
comment on trigger _100_keep_life on public.work_orders is
'A status follows one that it makes sense after; what is done goes back to work by reopening only.';
