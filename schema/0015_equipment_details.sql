-- depends: 0004_work_orders
--
-- What a machine is part of, what was done to it, and how long it has run.
--
-- Everything here stands where its machine stands, and moves with it:
--
--   equipment -> links      cascades, from both ends: machines that are linked move in one UPDATE of all of them. One that would
--                           leave alone is refused by the constraint of its other end.
--   equipment -> history    cascades: what was done to a machine is read where it stands now.
--   work_orders -> history  cascades, machine and all: an order that was filed under the wrong machine takes its line along
--                           when somebody puts it right. Without a machine, or deleted, it would leave a line that never was.

alter table public.equipment
add column meter_hours numeric(12, 2),
-- The upper bound is there for NaN, which numeric accepts, counts as greater than everything, and no JSON can carry.
add constraint a_meter_does_not_show_less_than_nothing check (meter_hours between 0 and 1e10);

comment on column public.equipment.meter_hours is
'Hours that its meter shows; null when it has none. Never falls: _100_refuse_turned_back_meter.';

create table public.equipment_hierarchy (
    parent_id uuid not null,
    child_id uuid not null,
    relationship_type text not null default 'contains',
    warehouse_id uuid not null,
    created_at timestamptz not null default now(),

    primary key (parent_id, child_id),
    constraint a_parent_stands_in_the_warehouse_of_its_child
    foreign key (parent_id, warehouse_id) references public.equipment (id, warehouse_id)
    on update cascade on delete cascade,
    constraint a_child_stands_in_the_warehouse_of_its_parent
    foreign key (child_id, warehouse_id) references public.equipment (id, warehouse_id)
    on update cascade on delete cascade,
    constraint a_machine_is_not_its_own_parent check (parent_id <> child_id),
    constraint a_link_has_a_known_type check (relationship_type in ('contains', 'feeds', 'powers', 'controls'))
);

-- The way up from a machine; and the cascade when it moves or goes.
create index parents_of_a_machine on public.equipment_hierarchy (child_id, warehouse_id);
comment on index public.parents_of_a_machine is 'The way up from a machine; and the cascade when it moves or goes.';
-- Else its hours and its cost would count twice in what is above.
create unique index a_machine_is_part_of_one_other on public.equipment_hierarchy (child_id)
where relationship_type = 'contains';
comment on index public.a_machine_is_part_of_one_other is
'A machine is part of one other at most: else its hours and its cost would count twice in what is above.';
-- The whole hierarchy of a warehouse: how screens load it.
create index links_of_a_warehouse on public.equipment_hierarchy (warehouse_id);
comment on index public.links_of_a_warehouse is 'The whole hierarchy of a warehouse: how screens load it.';

comment on table public.equipment_hierarchy is
'What hangs on what: line, machine, component. No way along the links, of whatever type, leads back to where it began.';
comment on column public.equipment_hierarchy.parent_id is 'The machine above.';
comment on column public.equipment_hierarchy.child_id is 'The machine below: part of it, or dependent on it.';
comment on column public.equipment_hierarchy.relationship_type is
'What the parent does to the child: contains (one parent at most), feeds, powers or controls.';
comment on column public.equipment_hierarchy.warehouse_id is
'Where both stand. Filled by _100_inherit_warehouse when not given; follows when they move together.';
comment on column public.equipment_hierarchy.created_at is 'When the row was created.';

alter table public.equipment_hierarchy enable row level security;

-- What a line of history refers to, so that its machine and its warehouse are always those of its order.
alter table public.work_orders
add constraint a_work_order_is_about_one_machine unique (id, equipment_id, warehouse_id);

create table public.equipment_maintenance_history (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    equipment_id uuid not null,
    work_order_id uuid,
    details jsonb not null default '{}',
    hours numeric(10, 2),
    cost numeric(14, 2),
    meter_hours numeric(12, 2),
    actor text not null,
    performed_at timestamptz not null default clock_timestamp(),
    created_at timestamptz not null default clock_timestamp(),

    constraint a_line_of_history_is_in_the_warehouse_of_its_machine
    foreign key (equipment_id, warehouse_id) references public.equipment (id, warehouse_id) on update cascade,
    constraint a_line_of_history_is_about_the_machine_of_its_order
    foreign key (work_order_id, equipment_id, warehouse_id)
    references public.work_orders (id, equipment_id, warehouse_id) on update cascade,
    constraint the_details_of_a_line_of_history_are_an_object check (jsonb_typeof(details) = 'object'),
    constraint the_hours_of_a_line_of_history_are_not_negative check (hours between 0 and 1e8),
    -- Negative for a credit, as on the order.
    constraint the_cost_of_a_line_of_history_is_a_number check (cost < 1e12),
    constraint the_meter_of_a_line_of_history_is_not_negative check (meter_hours between 0 and 1e10),
    constraint a_line_of_history_names_an_actor check (actor <> '')
);

-- What was done to a machine, the newest on top; and the cascade when it moves.
create index newest_history_of_a_machine on public.equipment_maintenance_history (equipment_id, performed_at desc);
comment on index public.newest_history_of_a_machine is
'What was done to a machine, the newest on top; and the cascade when it moves.';
-- What was done in a warehouse, the newest on top.
create index newest_history_of_a_warehouse on public.equipment_maintenance_history (warehouse_id, performed_at desc);
comment on index public.newest_history_of_a_warehouse is 'What was done in a warehouse, the newest on top.';
-- The lines of an order; and the cascade when it moves.
create index history_of_a_work_order on public.equipment_maintenance_history (work_order_id)
where work_order_id is not null;
comment on index public.history_of_a_work_order is 'The lines of an order; and the cascade when it moves.';

comment on table public.equipment_maintenance_history is
'What was done to a machine, by whom, when. A line per completed work order, by _600_record_maintenance; people add others in their own name.';
comment on column public.equipment_maintenance_history.id is 'Key.';
comment on column public.equipment_maintenance_history.warehouse_id is
'Where the machine stands. Filled by _100_inherit_warehouse when not given; follows the machine.';
comment on column public.equipment_maintenance_history.equipment_id is 'The machine.';
comment on column public.equipment_maintenance_history.work_order_id is
'The order that was completed, one line for each time that it was; null for work without an order.';
comment on column public.equipment_maintenance_history.details is
'What was done: {number, title, type, notes} of an order, or {text}.';
comment on column public.equipment_maintenance_history.hours is
'Hours of work, as known when the line was written; null when nobody said.';
comment on column public.equipment_maintenance_history.cost is
'Cost, as known when the line was written, for managers and admins; negative for a credit; null when nobody said.';
comment on column public.equipment_maintenance_history.meter_hours is
'What the machine''s meter showed; null when it has none.';
comment on column public.equipment_maintenance_history.actor is
'Who wrote the line: a users.id, or system:<role>. Filled by _100_attribute when not given.';
comment on column public.equipment_maintenance_history.performed_at is 'When the work was done.';
comment on column public.equipment_maintenance_history.created_at is 'When the line was written, by the clock.';

alter table public.equipment_maintenance_history enable row level security;
