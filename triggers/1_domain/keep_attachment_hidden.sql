-- An attachment comes back with its order, or after it: alone it would show what the order was about.
create or replace function floorcast.keep_attachment_hidden()
returns trigger
volatile
-- definer: who restores an attachment does not see its retired order.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    if exists (select from public.work_orders as w where w.id = new.work_order_id and w.deleted_at is not null) then
        raise restrict_violation using
            message = 'the work order of this attachment is retired; nothing was restored',
            hint = 'Restore the work order: what was retired with it comes back too.',
            table = 'work_order_attachments', schema = 'public';
    end if;
    return new;
end
$$;

comment on function floorcast.keep_attachment_hidden() is
'BEFORE UPDATE row trigger of work_order_attachments: none is restored while its order is retired.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.keep_attachment_hidden() from public;

create or replace trigger _100_keep_hidden before update of deleted_at on public.work_order_attachments
for each row when (old.deleted_at is not null and new.deleted_at is null)
execute function floorcast.keep_attachment_hidden();
comment on trigger _100_keep_hidden on public.work_order_attachments is
'An attachment comes back with its order, or after it.';
