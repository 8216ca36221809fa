-- depends: 0004_work_orders
--
-- Preventive maintenance: what is to be done (templates), on which machine how often (schedules), and what became of each
-- due (history). The job that makes work orders of it is floorcast.create_due_work_orders, in triggers/1_domain.
--
-- What a move means, as in 0004: a machine that moves takes its schedules and their orders and history along. The template
-- stays with the site that wrote it; the schedule gets a copy at the new one (_100_bring_template).

-- Whoever runs the jobs that time makes due. It may execute them and do nothing else: they are definers.
-- Made as 0001 makes roles, for the reason given there.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'floorcast_maintain') then
        create role floorcast_maintain nologin noinherit;
    end if;
exception when duplicate_object or unique_violation then
    null;
end
$$;

grant usage on schema floorcast to floorcast_maintain;

create table public.maintenance_templates (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    name text not null,
    work_order_type text not null default 'preventive',
    priority text not null default 'medium',
    tasks jsonb not null default '[]',
    estimated_duration interval,
    parts jsonb not null default '[]',
    safety_notes text,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint a_template_belongs_to_a_warehouse
    foreign key (warehouse_id) references public.warehouses (id),
    constraint a_template_has_a_name check (length(btrim(name)) between 1 and 200),
    constraint a_template_has_a_type_of_work_order check (
        work_order_type in ('corrective', 'preventive', 'emergency', 'inspection', 'safety', 'improvement')
    ),
    constraint a_template_has_a_known_priority check (priority in ('low', 'medium', 'high', 'critical', 'emergency')),
    constraint tasks_are_a_list_of_texts check (
        jsonb_typeof(tasks) = 'array'
        and not jsonb_path_exists(tasks, 'strict $[*] ? (@.type() != "string")', '{}', true)
    ),
    -- By name and number and never by key: a list inside a column cannot be held to one warehouse by a foreign key.
    constraint parts_are_a_list_of_names_with_quantities check (
        jsonb_typeof(parts) = 'array'
        and not jsonb_path_exists(parts, 'strict $[*] ? (@.type() != "object")', '{}', true)
        and not jsonb_path_exists(
            parts,
            'lax $[*] ? (!(@.name.type() == "string" && @.quantity.type() == "number" && @.quantity > 0))'
        )
    ),
    constraint a_maintenance_takes_a_year_at_most check (
        estimated_duration between interval '0' and interval '366 days'
    ),
    -- What schedules refer to, so that schedule and template are always in the same warehouse.
    constraint a_template_is_in_one_warehouse unique (id, warehouse_id)
);

-- A template is chosen by its name. A retired one frees it.
create unique index a_name_names_one_template on public.maintenance_templates (warehouse_id, name)
where deleted_at is null;

comment on index public.a_name_names_one_template is
'A template is chosen by its name; a retired one frees it. Also the list of templates of a warehouse.';

comment on table public.maintenance_templates is
'What is to be done when maintenance is due: the work order of every schedule that uses it is made from it.';
comment on column public.maintenance_templates.id is 'Key.';
comment on column public.maintenance_templates.warehouse_id is 'Whose it is.';
comment on column public.maintenance_templates.name is 'What people call it; the title of its work orders begins with it.';
comment on column public.maintenance_templates.work_order_type is 'Type of its work orders: preventive, inspection, safety, …';
comment on column public.maintenance_templates.priority is 'Priority of its work orders.';
comment on column public.maintenance_templates.tasks is 'What to do, in order: a list of texts. Written into the order''s description.';
comment on column public.maintenance_templates.estimated_duration is 'How long it takes; null when not estimated. Becomes the order''s estimated_hours.';
comment on column public.maintenance_templates.parts is 'What is needed: a list of {name, quantity, part_number, unit}. Written into the order''s description.';
comment on column public.maintenance_templates.safety_notes is 'What to mind before touching the machine; null when there is nothing. Stands first in the order.';
comment on column public.maintenance_templates.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.maintenance_templates.created_at is 'When the row was created.';
comment on column public.maintenance_templates.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.maintenance_templates.deleted_at is 'When it was retired; null while it is in use. Its schedules make no orders then.';

create table public.maintenance_schedules (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    equipment_id uuid not null,
    template_id uuid not null,
    schedule_type text not null,
    frequency integer not null,
    basis text not null default 'due',
    time_zone text not null default 'UTC',
    anchor timestamptz,
    next_due timestamptz,
    order_at timestamptz,
    next_due_meter numeric(14, 2),
    lead interval not null default '0',
    grace interval not null default '0',
    blackout tstzmultirange not null default '{}',
    active boolean not null default true,
    last_completed_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint a_schedule_is_in_the_warehouse_of_its_machine
    foreign key (equipment_id, warehouse_id) references public.equipment (id, warehouse_id) on update cascade,
    constraint a_schedule_is_in_the_warehouse_of_its_template
    foreign key (template_id, warehouse_id) references public.maintenance_templates (id, warehouse_id),
    constraint a_schedule_has_a_known_type check (schedule_type in ('days', 'weeks', 'months', 'meter_hours')),
    -- A hundred years at most: what is due later is due never, and arithmetic with it ends beyond the calendar.
    constraint a_schedule_has_a_frequency check (
        frequency between 1
        and case schedule_type when 'days' then 36500 when 'weeks' then 5200 when 'months' then 1200 else 1000000 end
    ),
    constraint a_schedule_counts_from_the_due_or_from_the_completion check (basis in ('due', 'completion')),
    constraint a_schedule_is_by_calendar_or_by_meter check (
        case
            when schedule_type = 'meter_hours'
                then num_nulls(next_due, anchor, order_at) = 3 and next_due_meter is not null
            else num_nulls(next_due, anchor, order_at) = 0 and next_due_meter is null
        end
    ),
    -- Bounds of a calendar keep infinity out, which timestamps accept and no arithmetic leaves again.
    constraint a_due_is_a_time_of_this_calendar check (
        next_due between '1900-01-01 00:00:00+00' and '2400-01-01 00:00:00+00'
        and anchor between '1900-01-01 00:00:00+00' and '2400-01-01 00:00:00+00'
    ),
    -- The upper bound is there for NaN, which numeric accepts, counts as greater than everything, and no JSON can carry.
    constraint the_due_of_a_meter_is_not_negative check (next_due_meter between 0 and 2e10),
    constraint a_lead_is_a_year_at_most check (lead between interval '0' and interval '366 days'),
    -- Nobody knows when a meter will be there, so its order cannot come before it.
    constraint only_a_calendar_has_a_lead check (schedule_type <> 'meter_hours' or lead = interval '0'),
    constraint a_grace_is_a_year_at_most check (grace between interval '0' and interval '366 days'),
    -- What orders and history refer to, so that they are always in the warehouse, and on the machine, of their schedule.
    constraint a_schedule_is_in_one_warehouse unique (id, warehouse_id),
    constraint a_schedule_is_for_one_machine unique (id, equipment_id, warehouse_id)
);

-- What the job asks at every run: what is due. By time; those by meter are found by their machine.
create index due_schedules on public.maintenance_schedules (order_at)
where active and deleted_at is null and order_at is not null;
create index schedules_by_meter on public.maintenance_schedules (id)
where active and deleted_at is null and next_due_meter is not null;
-- The schedules of a machine; and the cascade when it moves.
create index schedules_of_a_machine on public.maintenance_schedules (equipment_id, warehouse_id);
-- Where a template is used; and the check when it is deleted.
create index schedules_of_a_template on public.maintenance_schedules (template_id, warehouse_id);
-- The list of a warehouse, the next on top.
create index next_schedules on public.maintenance_schedules (warehouse_id, next_due) where deleted_at is null;

comment on index public.due_schedules is 'What the job asks at every run: which schedules are due.';
comment on index public.schedules_by_meter is 'What the job asks at every run: those whose machine''s meter decides.';
comment on index public.schedules_of_a_machine is 'The schedules of a machine; and the cascade when it moves.';
comment on index public.schedules_of_a_template is 'Where a template is used; and the check when it is deleted.';
comment on index public.next_schedules is 'The list of a warehouse, the next on top.';

comment on table public.maintenance_schedules is
'A template on a machine, every so often. A due makes one work order, once; next_due moves on (floorcast.create_due_work_orders).';
comment on column public.maintenance_schedules.id is 'Key.';
comment on column public.maintenance_schedules.warehouse_id is 'Warehouse of the machine. Filled by _100_inherit_warehouse when not given.';
comment on column public.maintenance_schedules.equipment_id is 'The machine.';
comment on column public.maintenance_schedules.template_id is 'What is to be done.';
comment on column public.maintenance_schedules.schedule_type is 'What frequency counts: days, weeks, months, or meter_hours of the machine.';
comment on column public.maintenance_schedules.frequency is 'Every so many of them.';
comment on column public.maintenance_schedules.basis is 'due: the next due follows from the last due. completion: it follows from when the work was done.';
comment on column public.maintenance_schedules.time_zone is 'Where its calendar is read: six in the morning stays six in the morning there, in summer and in winter.';
comment on column public.maintenance_schedules.anchor is 'Dues are anchor + k × frequency, so that the 31st stays the 31st after February; null by meter. Kept by _100_anchor_schedule.';
comment on column public.maintenance_schedules.next_due is 'What is due next; null by meter. Moved on by the job, or set by people.';
comment on column public.maintenance_schedules.order_at is 'When its next work order is made: next_due less lead; null by meter. Kept by _100_anchor_schedule.';
comment on column public.maintenance_schedules.next_due_meter is 'The meter reading at which it is due next; null by calendar.';
comment on column public.maintenance_schedules.lead is 'How long before the due its work order is made.';
comment on column public.maintenance_schedules.grace is 'How long after the due it still counts as done in time.';
comment on column public.maintenance_schedules.blackout is 'When no orders are made (a campaign, a holiday); what falls due then is due when it ends.';
comment on column public.maintenance_schedules.active is 'False: paused. Of what fell due meanwhile, the newest is due when it is resumed.';
comment on column public.maintenance_schedules.last_completed_at is 'When an order of it was last completed; null before. Kept by _600_follow_schedule.';
comment on column public.maintenance_schedules.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.maintenance_schedules.created_at is 'When the row was created.';
comment on column public.maintenance_schedules.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.maintenance_schedules.deleted_at is 'When it was retired; null while it is in use.';

alter table public.work_orders
add column schedule_id uuid,
add column schedule_due timestamptz,
add constraint an_order_of_a_schedule_is_on_its_machine
foreign key (schedule_id, equipment_id, warehouse_id)
references public.maintenance_schedules (id, equipment_id, warehouse_id) on update cascade,
add constraint an_order_of_a_schedule_has_a_due_and_a_machine check (
    case when schedule_id is null then schedule_due is null else num_nulls(schedule_due, equipment_id) = 0 end
),
add constraint the_due_of_a_schedule_is_a_time check (isfinite(schedule_due));

-- However often a job runs and however many run at once.
create unique index a_due_makes_one_work_order on public.work_orders (schedule_id, schedule_due)
where schedule_id is not null;

comment on index public.a_due_makes_one_work_order is
'A due of a schedule makes one work order, however many jobs run. Also: the orders of a schedule, and the cascade when it moves.';
comment on column public.work_orders.schedule_id is 'The maintenance schedule that made it; null for every other order. Set by the job.';
comment on column public.work_orders.schedule_due is 'The due of the schedule that it is for; null for every other order. Set by the job; due_at is what may be put off.';

create table public.maintenance_history (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    schedule_id uuid not null,
    work_order_id uuid,
    due_at timestamptz not null,
    completed_at timestamptz,
    in_time boolean not null,
    results jsonb not null default '{}',
    created_at timestamptz not null default clock_timestamp(),

    constraint a_history_is_in_the_warehouse_of_its_schedule
    foreign key (schedule_id, warehouse_id) references public.maintenance_schedules (id, warehouse_id)
    on update cascade,
    constraint a_history_is_in_the_warehouse_of_its_work_order
    foreign key (work_order_id, warehouse_id) references public.work_orders (id, warehouse_id)
    on update cascade on delete set null (work_order_id),
    constraint a_due_has_one_history unique (schedule_id, due_at),
    constraint what_was_missed_is_not_in_time check (completed_at is not null or not in_time),
    constraint a_history_has_times check (isfinite(due_at) and isfinite(completed_at)),
    constraint the_results_of_a_maintenance_are_an_object check (jsonb_typeof(results) = 'object')
);

-- The figures of a warehouse over a time.
create index dues_of_a_warehouse on public.maintenance_history (warehouse_id, due_at);
-- What came of an order; and the cascade when it moves or goes.
create index maintenance_of_a_work_order on public.maintenance_history (work_order_id, warehouse_id)
where work_order_id is not null;

comment on index public.dues_of_a_warehouse is 'The figures of a warehouse over a time.';
comment on index public.maintenance_of_a_work_order is 'What came of an order; and the cascade when it moves or goes.';

comment on table public.maintenance_history is
'What became of each due: done, in time or late, or missed because no job ran. Written by triggers and the job only.';
comment on column public.maintenance_history.id is 'Key.';
comment on column public.maintenance_history.warehouse_id is 'Warehouse of the schedule.';
comment on column public.maintenance_history.schedule_id is 'The schedule.';
comment on column public.maintenance_history.work_order_id is 'The order that did it; null when the due was missed, or the order was deleted since.';
comment on column public.maintenance_history.due_at is 'The due, as the order''s schedule_due.';
comment on column public.maintenance_history.completed_at is 'When it was done; null when it was missed.';
comment on column public.maintenance_history.in_time is 'Whether it was done by its due and the schedule''s grace, as they were then.';
comment on column public.maintenance_history.results is 'What the order said when it was completed: number, notes, hours.';
comment on column public.maintenance_history.created_at is 'When the row was written, by the clock.';

alter table public.maintenance_templates enable row level security;
alter table public.maintenance_schedules enable row level security;
alter table public.maintenance_history enable row level security;
