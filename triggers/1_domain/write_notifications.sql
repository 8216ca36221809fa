-- Writes notifications: each event to the person that it names, or to everybody who has one of the roles in its warehouse.
--
-- Nobody is told what he did himself, and nobody who left or lost access is told anything. Of more than twenty events of one
-- kind, in one statement and warehouse, one line tells the number: an import that touches ten thousand machines must neither
-- fill everybody's list nor take minutes.
--
-- What somebody has not read yet is not told him twice: a machine that goes down and up all day is one line for each, which says
-- the last of it and comes to the top. A line that he is marking as read at this moment is passed over, and he gets a new one.
--
-- Called by the notify_… triggers, which say what an event is; the rows that they give have neither key nor times.
create or replace function floorcast.write_notifications(events public.notifications[], roles text[] default '{}')
returns void
volatile
-- definer: notifications are nobody's to write, and who may be told is more than the writer may see.
security definer
set search_path = pg_catalog, pg_temp
language sql
as $$
    with event as (
        select
            e.*,
            count(*) over same as total,
            row_number() over (same order by e.place) as number
        from unnest(write_notifications.events) with ordinality as e (
            id, warehouse_id, user_id, type, title, body, work_order_id, equipment_id, item_id, created_at, read_at, place
        )
        window same as (partition by e.warehouse_id, e.type, e.user_id)
    ),
    told as (
        select e.warehouse_id, e.user_id, e.type, e.title, e.body, e.work_order_id, e.equipment_id, e.item_id, e.place
        from event as e
        where e.total <= 20
        union all
        select
            e.warehouse_id,
            e.user_id,
            e.type,
            format(
                case e.type
                    when 'assigned' then '%s work orders were assigned to you'
                    when 'equipment_down' then '%s machines are down'
                    when 'equipment_back' then '%s machines are back'
                    when 'below_reorder_point' then '%s parts are at their reorder point'
                    when 'escalated' then '%s work orders were escalated'
                    when 'maintenance_due' then '%s machines are due for maintenance'
                    else '%s announcements'
                end,
                e.total
            ),
            null,
            null,
            null,
            null,
            e.place
        from event as e
        where e.total > 20 and e.number = 1
    ),
    recipient as (
        select t.*, a.user_id as person
        from told as t
        inner join public.user_warehouse_access as a
            on a.warehouse_id = t.warehouse_id
            and (a.user_id = t.user_id or (t.user_id is null and a.role = any (write_notifications.roles)))
        inner join public.users as u on u.id = a.user_id
        where u.deleted_at is null and a.user_id::text <> floorcast.actor()
    ),
    unread as (
        select n.id, r.person, r.place, r.title, r.body
        from recipient as r
        inner join public.notifications as n
            on n.user_id = r.person
            and n.warehouse_id = r.warehouse_id
            and n.type = r.type
            and n.read_at is null
            and (n.work_order_id, n.equipment_id, n.item_id)
            is not distinct from (r.work_order_id, r.equipment_id, r.item_id)
        where num_nonnulls(r.work_order_id, r.equipment_id, r.item_id) > 0
        for no key update of n skip locked
    ),
    renewed as (
        update public.notifications as n
        set title = left(u.title, 500), body = left(u.body, 2000), created_at = clock_timestamp()
        from unread as u
        where n.id = u.id
    )
    insert into public.notifications (
        warehouse_id, user_id, type, title, body, work_order_id, equipment_id, item_id
    )
    select
        r.warehouse_id, r.person, r.type, left(r.title, 500), left(r.body, 2000), r.work_order_id, r.equipment_id, r.item_id
    from recipient as r
    where not exists (select from unread as u where u.person = r.person and u.place = r.place)
    order by r.place
$$;

comment on function floorcast.write_notifications(public.notifications[], text[]) is
'Writes each event to the person it names, or to the roles of its warehouse; called by the notify_… triggers.';

revoke execute on function floorcast.write_notifications(public.notifications[], text[]) from public;
