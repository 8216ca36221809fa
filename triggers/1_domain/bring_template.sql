-- A schedule that follows its machine to another warehouse takes its template along, as a copy.
--
-- Schedule and template are in one warehouse, always; without a copy a machine under maintenance could never be moved, or
-- would arrive with nothing to be done. The template itself stays with the site that wrote it. One that is there already and
-- says the same is used instead, so that a machine that comes and goes does not leave a copy each time.
--
-- Before the row and yet an effect on another table: the copy must be there when the schedule names it.
create or replace function floorcast.bring_template()
returns trigger
volatile
-- definer: whoever moves a machine need not be one who writes templates, and perhaps not in that warehouse.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _template public.maintenance_templates;
    _copy uuid;
    _machine text;
begin
    if new.warehouse_id = old.warehouse_id or new.template_id <> old.template_id then
        return new;
    end if;
    select t.* into _template from public.maintenance_templates as t where t.id = new.template_id;
    select e.name into _machine from public.equipment as e where e.id = new.equipment_id;

    select t.id into _copy
    from public.maintenance_templates as t
    where
        t.warehouse_id = new.warehouse_id
        and (t.deleted_at is null) = (_template.deleted_at is null)
        and (t.work_order_type, t.priority, t.tasks, t.estimated_duration, t.parts, t.safety_notes)
        is not distinct from (
            _template.work_order_type, _template.priority, _template.tasks, _template.estimated_duration,
            _template.parts, _template.safety_notes
        )
        and t.name in (_template.name, left(format('%s (%s)', _template.name, _machine), 200))
    order by t.created_at
    limit 1;

    if _copy is null then
        insert into public.maintenance_templates (
            warehouse_id, name, work_order_type, priority, tasks, estimated_duration, parts, safety_notes, deleted_at
        )
        select
            new.warehouse_id, free.name, _template.work_order_type, _template.priority, _template.tasks,
            _template.estimated_duration, _template.parts, _template.safety_notes, _template.deleted_at
        from (
            values
            (1, _template.name),
            (2, left(format('%s (%s)', _template.name, _machine), 200)),
            (3, left(_template.name, 150) || format(' (%s)', new.id))
        ) as free (place, name)
        where not exists (
            select from public.maintenance_templates as t
            where t.warehouse_id = new.warehouse_id and t.name = free.name and t.deleted_at is null
        )
        order by free.place
        limit 1
        returning id into _copy;
    end if;
    new.template_id := coalesce(_copy, new.template_id);
    return new;
end
$$;

comment on function floorcast.bring_template() is
'BEFORE UPDATE row trigger of maintenance_schedules: one that moves gets a copy of its template at the new warehouse.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.bring_template() from public;

create or replace trigger _100_bring_template before update on public.maintenance_schedules
for each row execute function floorcast.bring_template();
comment on trigger _100_bring_template on public.maintenance_schedules is
'A schedule that moves with its machine gets a copy of its template there.';
