-- Writes notifications: each event to the person that it names, or to everybody who has one of the roles in its warehouse.
--
-- Nobody is told what he did himself, and nobody who left or lost access is told anything. Of more than twenty events of one
-- kind, in one statement and warehouse, one line tells the number: an import that touches ten thousand machines must neither
-- fill everybody's list nor take minutes.
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
    )
    insert into public.notifications (
        warehouse_id, user_id, type, title, body, work_order_id, equipment_id, item_id
    )
    select
        t.warehouse_id, a.user_id, t.type, left(t.title, 500), left(t.body, 2000), t.work_order_id, t.equipment_id, t.item_id
    from told as t
    inner join public.user_warehouse_access as a
        on a.warehouse_id = t.warehouse_id
        and (a.user_id = t.user_id or (t.user_id is null and a.role = any (write_notifications.roles)))
    inner join public.users as u on u.id = a.user_id
    where u.deleted_at is null and a.user_id::text <> floorcast.actor()
    order by t.place
$$;

comment on function floorcast.write_notifications(public.notifications[], text[]) is
'Writes each event to the person it names, or to the roles of its warehouse; called by the notify_… triggers.';

revoke execute on function floorcast.write_notifications(public.notifications[], text[]) from public;
