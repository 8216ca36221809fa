-- Servers read and write every message, as service_role does in a Supabase project. Nobody else has a policy of ours: who may read
-- and write where is the project's to say, `create policy … on realtime.messages … using (realtime.topic() = …)`.
do $$
begin
    if coalesce(obj_description(to_regclass('realtime.messages'), 'pg_class') not like 'Floorcast:%', true) then
        return;
    end if;
    drop policy if exists servers_do_all on realtime.messages;
    create policy servers_do_all on realtime.messages for all to service_role using (true) with check (true);
    comment on policy servers_do_all on realtime.messages is 'Servers read and write every message.';
end
$$;
