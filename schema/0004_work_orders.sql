-- depends: 0003_equipment
--
-- Work orders, who is assigned to them, and what happened to them.
--
-- Every child carries the warehouse of its parent, so that a policy or a trigger needs no join and a cascading delete still
-- knows its warehouse. What keeps it true is a foreign key over (parent, warehouse). `on update cascade` says what a move means:
--
--   equipment -> work_orders             cascades: a machine that moves takes its history along; else the people at the new
--                                        site could not read what was done to it. An order on a machine cannot move alone.
--   work_orders -> assignments, timeline cascades: both are parts of the order and would be orphans in the old warehouse.
--   inventory_items -> transactions      does not (0005): stock stays where it lies, and moves by a pair of transactions.
--   work_orders -> transactions          names the order only (0005): parts were taken from the old site's stock, whatever
--                                        becomes of the order later.

create table public.work_orders (
    id uuid primary key default gen_random_uuid(),
    organization_id uuid not null,
    warehouse_id uuid not null,
    number text not null,
    title text not null,
    description text,
    equipment_id uuid,
    type text not null default 'corrective',
    status text not null default 'open',
    priority text not null default 'medium',
    requested_by uuid,
    scheduled_start timestamptz,
    scheduled_end timestamptz,
    due_at timestamptz,
    actual_start timestamptz,
    actual_end timestamptz,
    status_changed_at timestamptz not null default now(),
    estimated_hours numeric(10, 2),
    actual_hours numeric(10, 2),
    estimated_cost numeric(14, 2),
    actual_cost numeric(14, 2),
    completion_notes text,
    verified_by uuid,
    verified_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    -- No cascade: a warehouse does not change its organization while it has orders, nor an order by moving.
    constraint a_work_order_belongs_to_the_organization_of_its_warehouse
    foreign key (warehouse_id, organization_id) references public.warehouses (id, organization_id),
    constraint a_work_order_is_in_the_warehouse_of_its_machine
    foreign key (equipment_id, warehouse_id) references public.equipment (id, warehouse_id) on update cascade,
    constraint a_work_order_is_requested_by_a_user
    foreign key (requested_by) references public.users (id),
    constraint a_work_order_is_verified_by_a_user
    foreign key (verified_by) references public.users (id),
    constraint a_work_order_number_is_used_once_in_an_organization unique (organization_id, number),
    constraint a_work_order_is_in_one_warehouse unique (id, warehouse_id),
    constraint a_work_order_has_a_title check (length(btrim(title)) between 1 and 500),
    constraint a_work_order_has_a_known_type check (
        type in ('corrective', 'preventive', 'emergency', 'inspection', 'safety', 'improvement')
    ),
    constraint a_work_order_has_a_known_status check (status in (
        'open', 'assigned', 'in_progress', 'on_hold', 'completed', 'verified', 'closed', 'cancelled'
    )),
    constraint a_work_order_has_a_known_priority check (priority in ('low', 'medium', 'high', 'critical', 'emergency')),
    constraint a_schedule_does_not_end_before_it_starts check (scheduled_end >= scheduled_start),
    constraint work_does_not_end_before_it_starts check (actual_end >= actual_start),
    -- The upper bounds are there for NaN, which numeric accepts, counts as greater than everything, and no JSON can carry.
    constraint hours_are_not_negative check (estimated_hours between 0 and 1e8 and actual_hours between 0 and 1e8),
    -- Costs may be negative: a credit of the supplier is booked on the order that it is for.
    constraint costs_are_numbers check (estimated_cost < 1e12 and actual_cost < 1e12)
) with (fillfactor = 90); -- An order is updated many times in its life: room on the page for its next version.

-- The list on every board: what is open in a warehouse, the most pressing first.
create index open_work_orders on public.work_orders (warehouse_id, due_at)
where status not in ('completed', 'verified', 'closed', 'cancelled') and deleted_at is null;
-- Pages of all orders of a warehouse, the newest first.
create index newest_work_orders on public.work_orders (warehouse_id, created_at desc);
-- The history of a machine; and the cascade when the machine moves.
create index work_orders_of_a_machine on public.work_orders (equipment_id, warehouse_id)
where equipment_id is not null;

comment on table public.work_orders is 'Something to be done, usually on a machine. Life: open, assigned, in_progress, on_hold, completed, verified, closed; or cancelled.';
comment on column public.work_orders.id is 'Key.';
comment on column public.work_orders.organization_id is 'Organization of the warehouse; number is unique within it. Filled by _100_number.';
comment on column public.work_orders.warehouse_id is 'Where it is to be done: the warehouse of its machine, if it has one.';
comment on column public.work_orders.number is 'What people call it, WO-2026-000123. Filled by _100_number when not given; see there about gaps.';
comment on column public.work_orders.title is 'What is wrong or wanted, in a line.';
comment on column public.work_orders.description is 'The same at length; null when the title says it all.';
comment on column public.work_orders.equipment_id is 'The machine; null when it is about something else (the roof, a gate).';
comment on column public.work_orders.type is 'corrective, preventive, emergency, inspection, safety or improvement.';
comment on column public.work_orders.status is 'Where it is in its life.';
comment on column public.work_orders.priority is 'low, medium, high, critical or emergency.';
comment on column public.work_orders.requested_by is 'Who asked for it: the person of the token when not given; null for a system.';
comment on column public.work_orders.scheduled_start is 'When work is planned to begin; null while unplanned.';
comment on column public.work_orders.scheduled_end is 'When work is planned to end; null while unplanned.';
comment on column public.work_orders.due_at is 'By when it must be done; null when it does not matter.';
comment on column public.work_orders.actual_start is 'When work first began; null before. Stamped by _100_stamp_status unless given.';
comment on column public.work_orders.actual_end is 'When work was completed; null before, and again when reopened. Stamped likewise.';
comment on column public.work_orders.status_changed_at is 'Since when it has this status. Kept by _100_stamp_status.';
comment on column public.work_orders.estimated_hours is 'Hours of work planned; null when not estimated.';
comment on column public.work_orders.actual_hours is 'Hours of work spent; null until somebody says.';
comment on column public.work_orders.estimated_cost is 'Cost planned, in the organization''s currency; null when not estimated.';
comment on column public.work_orders.actual_cost is 'Cost incurred; negative for a credit; null until somebody says.';
comment on column public.work_orders.completion_notes is 'What was done, by who did it; null until somebody says.';
comment on column public.work_orders.verified_by is 'Who checked the work; null before. The person of the token unless given.';
comment on column public.work_orders.verified_at is 'When the work was checked; null before. Stamped by _100_stamp_status unless given.';
comment on column public.work_orders.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.work_orders.created_at is 'When the row was created.';
comment on column public.work_orders.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.work_orders.deleted_at is 'When it was withdrawn from lists; null otherwise.';

create table public.work_order_assignments (
    work_order_id uuid not null,
    user_id uuid not null,
    warehouse_id uuid not null,
    role text not null default 'technician',
    actor text not null,
    assigned_at timestamptz not null default now(),

    primary key (work_order_id, user_id),
    constraint an_assignment_is_in_the_warehouse_of_its_work_order
    foreign key (work_order_id, warehouse_id) references public.work_orders (id, warehouse_id)
    on update cascade on delete cascade,
    constraint an_assignment_is_given_to_a_user
    foreign key (user_id) references public.users (id),
    constraint an_assignment_has_a_role check (length(btrim(role)) between 1 and 100),
    constraint an_assignment_names_an_actor check (actor <> '')
);

-- "My orders".
create index assignments_of_a_user on public.work_order_assignments (user_id, work_order_id);

comment on table public.work_order_assignments is 'Who is to do a work order. Assigning and unassigning are written to its timeline.';
comment on column public.work_order_assignments.work_order_id is 'The order.';
comment on column public.work_order_assignments.user_id is 'The person.';
comment on column public.work_order_assignments.warehouse_id is 'Warehouse of the order. Filled by _100_inherit_warehouse when not given.';
comment on column public.work_order_assignments.role is 'The part the person has in it, in the site''s own words: technician, lead, helper.';
comment on column public.work_order_assignments.actor is 'Who assigned: a users.id, or system:<role>. Filled by _100_attribute when not given.';
comment on column public.work_order_assignments.assigned_at is 'When.';

create table public.work_order_timeline (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    work_order_id uuid not null,
    event_type text not null,
    details jsonb not null default '{}',
    actor text not null,
    "timestamp" timestamptz not null default clock_timestamp(),

    constraint an_event_is_in_the_warehouse_of_its_work_order
    foreign key (work_order_id, warehouse_id) references public.work_orders (id, warehouse_id)
    on update cascade on delete cascade,
    constraint an_event_has_a_known_type check (event_type in (
        'created', 'assigned', 'unassigned', 'status_changed', 'priority_changed', 'scheduled', 'commented',
        'part_used', 'time_logged', 'attachment_added', 'escalated', 'completed', 'verified', 'reopened'
    )),
    constraint the_details_of_an_event_are_an_object check (jsonb_typeof(details) = 'object'),
    constraint an_event_names_an_actor check (actor <> '')
);

-- The feed of a warehouse, the newest on top.
create index newest_events_of_a_warehouse on public.work_order_timeline (warehouse_id, "timestamp" desc);
-- The feed of one order; and the cascade when it moves or goes.
create index newest_events_of_a_work_order on public.work_order_timeline (work_order_id, "timestamp" desc);

comment on table public.work_order_timeline is 'What happened to a work order, by whom, when. Written by triggers; people add comments, times and attachments.';
comment on column public.work_order_timeline.id is 'Key.';
comment on column public.work_order_timeline.warehouse_id is 'Warehouse of the order. Filled by _100_inherit_warehouse when not given.';
comment on column public.work_order_timeline.work_order_id is 'The order.';
comment on column public.work_order_timeline.event_type is 'What kind of thing happened.';
comment on column public.work_order_timeline.details is 'What exactly: {from, to} of a change, {text} of a comment, {item_id, item, quantity} of a part.';
comment on column public.work_order_timeline.actor is 'Who did it: a users.id, or system:<role>. Filled by _100_attribute when not given.';
-- Not now(): everything a transaction does would have happened at once, and a feed could not order it.
comment on column public.work_order_timeline."timestamp" is 'When it happened, by the clock, so that events of one transaction keep their order.';

alter table public.work_orders enable row level security;
alter table public.work_order_assignments enable row level security;
alter table public.work_order_timeline enable row level security;
