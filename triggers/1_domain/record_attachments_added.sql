-- What is attached to a work order goes into its timeline.
create or replace function floorcast.record_attachments_added()
returns trigger
volatile
-- definer: people may write comments into a timeline, not history; this writes history.
security definer
set search_path = pg_catalog, pg_temp
language plpgsql
as $$
begin
    insert into public.work_order_timeline (warehouse_id, work_order_id, event_type, details, actor)
    select
        n.warehouse_id,
        n.work_order_id,
        'attachment_added',
        jsonb_build_object(
            'attachment_id', n.id, 'file_name', n.file_name, 'content_type', n.content_type, 'byte_size', n.byte_size
        ),
        n.actor
    from new_rows as n;
    return null;
end
$$;

comment on function floorcast.record_attachments_added() is
'AFTER INSERT statement trigger of work_order_attachments: writes "attachment_added" into work_order_timeline.';

-- A trigger needs nobody's right to fire; with it, somebody could hang the function on a table of his own.
revoke execute on function floorcast.record_attachments_added() from public;

create or replace trigger _600_record_added after insert on public.work_order_attachments
referencing new table as new_rows
for each statement execute function floorcast.record_attachments_added();
comment on trigger _600_record_added on public.work_order_attachments is 'What is attached goes into the timeline of its order.';
