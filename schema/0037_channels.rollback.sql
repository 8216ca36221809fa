-- Only what we made goes, known by its comment: a Supabase project keeps its own.
do $$
begin
    if obj_description(to_regclass('realtime.messages'), 'pg_class') like 'Floorcast:%' then
        drop table realtime.messages cascade;
    end if;
    if obj_description(to_regnamespace('realtime'), 'pg_namespace') like 'Floorcast:%' then
        begin
            drop schema realtime;
        exception when dependent_objects_still_exist then
            raise notice 'schema realtime is kept: it holds objects that Floorcast did not create';
        end;
    end if;
end
$$;
