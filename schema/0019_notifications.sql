-- depends: 0018_preventive_maintenance
--
-- What one person should look at. Written by triggers and servers; the person marks it as read.
--
-- The person is not tied to the warehouse by a key: who loses access reads nothing of it any more, and what was for him is
-- his again when access comes back. That he has access when it is written is checked then (_600_refuse_strangers).
-- What it is about is in its warehouse, always: a machine that moves away is no longer what it is about, and the notification
-- forgets it (_100_forget_moved).

create table public.notifications (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    user_id uuid not null,
    type text not null,
    title text not null,
    body text,
    work_order_id uuid,
    equipment_id uuid,
    item_id uuid,
    created_at timestamptz not null default clock_timestamp(),
    read_at timestamptz,

    constraint a_notification_is_about_a_warehouse
    foreign key (warehouse_id) references public.warehouses (id) on delete cascade,
    constraint a_notification_is_for_a_user
    foreign key (user_id) references public.users (id) on delete cascade,
    constraint a_notification_is_in_the_warehouse_of_its_work_order
    foreign key (work_order_id, warehouse_id) references public.work_orders (id, warehouse_id)
    on delete set null (work_order_id),
    constraint a_notification_is_in_the_warehouse_of_its_machine
    foreign key (equipment_id, warehouse_id) references public.equipment (id, warehouse_id)
    on delete set null (equipment_id),
    constraint a_notification_is_in_the_warehouse_of_its_item
    foreign key (item_id, warehouse_id) references public.inventory_items (id, warehouse_id)
    on delete set null (item_id),
    constraint a_notification_has_a_known_type check (type in (
        'assigned', 'equipment_down', 'equipment_back', 'below_reorder_point', 'escalated', 'maintenance_due',
        'announcement'
    )),
    constraint a_notification_has_a_title check (length(btrim(title)) between 1 and 500),
    constraint the_text_of_a_notification_is_short check (length(body) <= 2000),
    constraint a_notification_is_read_at_a_time check (isfinite(read_at))
);

-- A person's list, the newest on top.
create index newest_notifications_of_a_user on public.notifications (user_id, created_at desc);
-- How many are unread: what every screen shows beside the bell.
create index unread_notifications on public.notifications (user_id, warehouse_id) where read_at is null;
-- The cascade when a warehouse is deleted.
create index notifications_of_a_warehouse on public.notifications (warehouse_id);
-- What must forget an order, a machine or an item that moves or goes.
create index notifications_of_a_work_order on public.notifications (work_order_id, warehouse_id)
where work_order_id is not null;
create index notifications_of_a_machine on public.notifications (equipment_id, warehouse_id)
where equipment_id is not null;
create index notifications_of_an_item on public.notifications (item_id, warehouse_id) where item_id is not null;

comment on index public.newest_notifications_of_a_user is 'A person''s list, the newest on top.';
comment on index public.unread_notifications is 'How many are unread: what every screen shows beside the bell.';
comment on index public.notifications_of_a_warehouse is 'The cascade when a warehouse is deleted.';
comment on index public.notifications_of_a_work_order is 'What must forget an order that moves or goes.';
comment on index public.notifications_of_a_machine is 'What must forget a machine that moves or goes.';
comment on index public.notifications_of_an_item is 'What must forget an item that moves or goes.';

comment on table public.notifications is
'What one person should look at. Texts name things and never people, contact data or costs. Written by triggers and servers.';
comment on column public.notifications.id is 'Key.';
comment on column public.notifications.warehouse_id is 'Where it happened.';
comment on column public.notifications.user_id is 'Whom it is for: nobody else reads it, whatever his role. Never changes.';
comment on column public.notifications.type is 'assigned, equipment_down, equipment_back, below_reorder_point, escalated, maintenance_due, or an announcement.';
comment on column public.notifications.title is 'What happened, in a line.';
comment on column public.notifications.body is 'The same at length; null when the title says it all.';
comment on column public.notifications.work_order_id is 'The order that it is about; null when about none, or when that moved away since.';
comment on column public.notifications.equipment_id is 'The machine that it is about; null when about none, or when that moved away since.';
comment on column public.notifications.item_id is 'The part that it is about; null when about none.';
comment on column public.notifications.created_at is 'When, by the clock, so that notifications of one transaction keep their order.';
comment on column public.notifications.read_at is 'When the person marked it as read; null before. All of it that the person may change.';

alter table public.notifications enable row level security;
