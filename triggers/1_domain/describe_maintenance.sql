-- The description of a maintenance order: what to mind, what to do, what to take along. Text, since that is what every screen
-- and every print-out shows; the template may change later, the order says what was asked for.
--
-- Called by create_due_work_order. Reads nothing.
create or replace function floorcast.describe_maintenance(template public.maintenance_templates)
returns text
stable
security invoker
set search_path = pg_catalog, pg_temp
language sql
as $$
    select nullif(
        concat_ws(
            e'\n\n',
            'Safety: ' || nullif(btrim(template.safety_notes), ''),
            (
                select string_agg(format('%s. %s', t.place, t.task), e'\n' order by t.place)
                from jsonb_array_elements_text(template.tasks) with ordinality as t (task, place)
            ),
            'Parts:' || e'\n' || (
                select string_agg(
                    concat_ws(
                        ' ', '-', p.part ->> 'quantity', p.part ->> 'unit', p.part ->> 'name', p.part ->> 'part_number'
                    ),
                    e'\n' order by p.place
                )
                from jsonb_array_elements(template.parts) with ordinality as p (part, place)
            )
        ),
        ''
    )
$$;

comment on function floorcast.describe_maintenance(public.maintenance_templates) is
'What a template asks for, as text: safety, tasks, parts; null when it says nothing.';

revoke execute on function floorcast.describe_maintenance(public.maintenance_templates) from public;
