-- depends: 0004_work_orders
--
-- Photos, reports and drawings of work orders: what they are and where they lie. The files themselves are in object storage,
-- whose own rules say who may fetch them.

create table public.work_order_attachments (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    work_order_id uuid not null,
    file_name text not null,
    content_type text not null,
    byte_size bigint not null,
    storage_path text not null,
    checksum text,
    actor text not null,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint an_attachment_is_in_the_warehouse_of_its_work_order
    foreign key (work_order_id, warehouse_id) references public.work_orders (id, warehouse_id)
    on update cascade on delete cascade,
    -- Also of a retired row: else a second row could claim a file that is still there.
    constraint a_stored_file_is_attached_once unique (storage_path),
    -- No slash: who saves it to a folder must not be led into another one.
    constraint a_file_has_a_name check (length(btrim(file_name)) between 1 and 255 and file_name !~ '[/\\[:cntrl:]]'),
    constraint a_file_has_a_content_type check (
        content_type ~ '^[a-z0-9.+-]+/[a-z0-9.+-]+(;.*)?$' and length(content_type) <= 200
    ),
    constraint the_size_of_a_file_is_not_negative check (byte_size between 0 and 5497558138880),
    constraint a_storage_path_names_one_file check (
        length(storage_path) between 1 and 1024
        and storage_path !~ '(^|/)\.{0,2}(/|$)' and storage_path !~ '[[:cntrl:]]'
    ),
    constraint a_checksum_is_a_sha256_in_hex check (checksum ~ '^[0-9a-f]{64}$'),
    constraint an_attachment_names_an_actor check (actor <> '')
);

-- The attachments of an order, the newest on top; and the cascade when it moves or goes.
create index newest_attachments_of_a_work_order on public.work_order_attachments (work_order_id, created_at desc);
comment on index public.newest_attachments_of_a_work_order is
'The attachments of an order, the newest on top; and the cascade when it moves or goes.';
-- What was attached in a warehouse, the newest on top.
create index newest_attachments_of_a_warehouse on public.work_order_attachments (warehouse_id, created_at desc);
comment on index public.newest_attachments_of_a_warehouse is 'What was attached in a warehouse, the newest on top.';

comment on table public.work_order_attachments is
'What is attached to a work order: facts about files, which themselves lie in object storage. Attaching is written to the timeline.';
comment on column public.work_order_attachments.id is 'Key.';
comment on column public.work_order_attachments.warehouse_id is 'Warehouse of the order. Filled by _100_inherit_warehouse when not given.';
comment on column public.work_order_attachments.work_order_id is 'The order.';
comment on column public.work_order_attachments.file_name is 'What the person who attached it called it.';
comment on column public.work_order_attachments.content_type is 'What it is, as a media type: image/jpeg, application/pdf.';
comment on column public.work_order_attachments.byte_size is 'How large it is.';
comment on column public.work_order_attachments.storage_path is 'Where it lies in object storage: <bucket>/<warehouse>/… of the warehouse where it was attached. Stays as it is when the order moves.';
comment on column public.work_order_attachments.checksum is 'SHA-256 of its bytes, in lower-case hex; null when nobody computed it.';
comment on column public.work_order_attachments.actor is 'Who attached it: a users.id, or system:<role>. Filled by _100_attribute when not given.';
comment on column public.work_order_attachments.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.work_order_attachments.created_at is 'When the row was created.';
comment on column public.work_order_attachments.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.work_order_attachments.deleted_at is 'When it was taken away; null while it is attached. Whoever empties the storage looks here.';

alter table public.work_order_attachments enable row level security;

comment on table public.work_order_timeline is
'What happened to a work order, by whom, when. Written by triggers; people add comments and times.';
