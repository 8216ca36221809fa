-- A template is retired when no schedule uses it: else maintenance would end without a word, since a schedule whose template is
-- gone makes no orders. Paused schedules count, for somebody resumes them.
--
-- The row is locked when this runs, and retire() waits for whoever plans by it just now, so that the two cannot miss each other.
create or replace function floorcast.keep_template_life()
returns trigger
volatile
-- definer: a schedule that row level security hides from the writer uses it all the same.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
declare
    _schedules bigint;
begin
    select count(*) into _schedules
    from public.maintenance_schedules as s
    where s.template_id = old.id and s.deleted_at is null;
    if _schedules > 0 then
        raise restrict_violation using
            message = format(
                'template "%s" is used by %s; it was not retired', old.name,
                case _schedules when 1 then '1 maintenance schedule' else format('%s maintenance schedules', _schedules) end
            ),
            hint = 'Give those schedules another template or retire them, then retire this one.',
            table = 'maintenance_templates', schema = 'public', column = 'deleted_at',
            constraint = 'a_template_is_unused_when_it_is_retired';
    end if;
    return new;
end
$$;

comment on function floorcast.keep_template_life() is
'BEFORE UPDATE row trigger of maintenance_templates: only a template that no schedule uses is retired.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.keep_template_life() from public;

create or replace trigger _100_keep_life before update on public.maintenance_templates
for each row when (old.deleted_at is null and new.deleted_at is not null)
execute function floorcast.keep_template_life();
comment on trigger _100_keep_life on public.maintenance_templates is
'Only a template that no schedule uses is retired.';
