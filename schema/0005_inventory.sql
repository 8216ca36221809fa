-- depends: 0004_work_orders
--
-- Stock. An item is a part in one warehouse; its quantities are moved by transactions and by nothing else.

create table public.inventory_items (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    part_number text,
    name text not null,
    category text,
    unit text not null default 'piece',
    quantity numeric(14, 3) not null default 0,
    reserved numeric(14, 3) not null default 0,
    reorder_point numeric(14, 3),
    reorder_quantity numeric(14, 3),
    unit_cost numeric(14, 4),
    is_critical boolean not null default false,
    specifications jsonb not null default '{}',
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    deleted_at timestamptz,

    constraint an_item_lies_in_a_warehouse
    foreign key (warehouse_id) references public.warehouses (id),
    constraint an_item_has_a_name check (length(btrim(name)) between 1 and 200),
    -- The upper bounds are there for NaN, which numeric accepts, counts as greater than everything, and no JSON can carry.
    constraint stock_is_never_below_zero check (quantity between 0 and 1e11),
    -- Reserved may exceed the quantity: a stock take that finds less than was promised must be bookable.
    constraint reserved_is_never_below_zero check (reserved between 0 and 1e11),
    constraint reordering_is_not_negative check (
        reorder_point between 0 and 1e11 and reorder_quantity between 0 and 1e11
    ),
    constraint the_unit_cost_is_not_negative check (unit_cost between 0 and 1e10),
    constraint the_specifications_of_an_item_are_an_object check (jsonb_typeof(specifications) = 'object'),
    -- What transactions refer to. They do not cascade, so an item with a history never leaves its warehouse.
    constraint an_item_is_in_one_warehouse unique (id, warehouse_id)
) with (fillfactor = 80); -- The hottest rows of the database: stock changes must find room on the page and touch no index.

-- One row per part and warehouse: else its stock would be two numbers. A retired row frees its number.
create unique index a_part_number_names_one_item on public.inventory_items (warehouse_id, part_number)
where deleted_at is null;
-- The list of stock, by name. No index has quantity or reserved in it, not even in its condition: each stock change would
-- then write every index of the table. "Below the reorder point" reads this one: a warehouse has thousands of items, not millions.
create index stock_list on public.inventory_items (warehouse_id, name) where deleted_at is null;

comment on table public.inventory_items is 'A part in one warehouse. Available = quantity - reserved.';
comment on column public.inventory_items.id is 'Key.';
comment on column public.inventory_items.warehouse_id is 'Where it lies.';
comment on column public.inventory_items.part_number is 'What it is ordered by; null while it has none.';
comment on column public.inventory_items.name is 'What people call it.';
comment on column public.inventory_items.category is 'Kind of part, in the site''s own words; null when nobody said.';
comment on column public.inventory_items.unit is 'What quantity counts: piece, litre, metre.';
comment on column public.inventory_items.quantity is 'On hand. Changed by inventory_transactions only.';
comment on column public.inventory_items.reserved is 'Of the quantity, promised to somebody. Changed by inventory_transactions only.';
comment on column public.inventory_items.reorder_point is 'Order more when the available quantity falls to this; null: never.';
comment on column public.inventory_items.reorder_quantity is 'How many to order then; null when nobody said.';
comment on column public.inventory_items.unit_cost is 'Cost of one unit, in the organization''s currency; null when unknown.';
comment on column public.inventory_items.is_critical is 'Whether a machine stands for want of it.';
comment on column public.inventory_items.specifications is 'Technical data; Floorcast does not look inside.';
comment on column public.inventory_items.version is 'Counts the changes of this row: 1 when created. Kept by _100_touch.';
comment on column public.inventory_items.created_at is 'When the row was created.';
comment on column public.inventory_items.updated_at is 'When the row last changed. Kept by _100_touch.';
comment on column public.inventory_items.deleted_at is 'When it was taken out of the list; null while it is in use.';

create table public.inventory_transactions (
    id uuid primary key default gen_random_uuid(),
    warehouse_id uuid not null,
    item_id uuid not null,
    transaction_type text not null,
    quantity numeric(14, 3) not null,
    stock_change numeric(14, 3) not null generated always as (
        case
            when transaction_type in ('receipt', 'return', 'transfer_in', 'adjustment') then quantity
            when transaction_type in ('issue', 'transfer_out') then -quantity
            else 0
        end
    ) stored,
    reserved_change numeric(14, 3) not null generated always as (
        case transaction_type when 'reserve' then quantity when 'release' then -quantity else 0 end
    ) stored,
    reference text,
    work_order_id uuid,
    transfer_id uuid,
    reason text,
    unit_cost numeric(14, 4),
    actor text not null,
    created_at timestamptz not null default clock_timestamp(),

    constraint a_transaction_is_in_the_warehouse_of_its_item
    foreign key (item_id, warehouse_id) references public.inventory_items (id, warehouse_id),
    -- Without the warehouse, see 0004: that both are in one when the part is taken is checked then, by record_parts_used.
    constraint parts_are_taken_for_a_work_order
    foreign key (work_order_id) references public.work_orders (id),
    constraint a_transaction_has_a_known_type check (transaction_type in (
        'receipt', 'issue', 'return', 'transfer_out', 'transfer_in', 'adjustment', 'reserve', 'release'
    )),
    -- The type says the direction; only an adjustment has a sign: what the stock take found, less what the books said.
    constraint a_transaction_moves_something check (
        case when transaction_type = 'adjustment' then quantity <> 0 else quantity > 0 end and quantity < 1e11
    ),
    -- coalesce: a check passes on null, and no reason at all would pass.
    constraint an_adjustment_has_a_reason check (
        transaction_type <> 'adjustment' or coalesce(length(btrim(reason)), 0) > 0
    ),
    constraint only_transfers_are_half_of_a_pair check (
        transfer_id is null or transaction_type in ('transfer_out', 'transfer_in')
    ),
    constraint the_cost_of_a_transaction_is_not_negative check (unit_cost between 0 and 1e10),
    constraint a_transaction_names_an_actor check (actor <> '')
);

-- The ledger of an item, the newest on top.
create index newest_transactions_of_an_item on public.inventory_transactions (item_id, created_at desc);
-- The movements of a warehouse, the newest on top.
create index newest_transactions_of_a_warehouse on public.inventory_transactions (warehouse_id, created_at desc);
-- The parts of an order.
create index transactions_of_a_work_order on public.inventory_transactions (work_order_id)
where work_order_id is not null;
-- The other half of a transfer.
create index halves_of_a_transfer on public.inventory_transactions (transfer_id) where transfer_id is not null;

comment on table public.inventory_transactions is
'What moved stock, by whom, when. Append-only: a mistake is corrected by a further transaction, so that books which followed along stay right.';
comment on column public.inventory_transactions.id is 'Key.';
comment on column public.inventory_transactions.warehouse_id is 'Warehouse of the item. Filled by _100_inherit_warehouse when not given.';
comment on column public.inventory_transactions.item_id is 'The item.';
comment on column public.inventory_transactions.transaction_type is 'receipt, return, transfer_in add to stock; issue, transfer_out take from it; adjustment does either; reserve, release move the promise.';
comment on column public.inventory_transactions.quantity is 'How much, in the item''s unit; negative only in an adjustment.';
comment on column public.inventory_transactions.stock_change is 'What it adds to the item''s quantity, with its sign. What a type means is said here and nowhere else.';
comment on column public.inventory_transactions.reserved_change is 'What it adds to the item''s reserved, with its sign.';
comment on column public.inventory_transactions.reference is 'Document it belongs to (delivery note, count sheet); null when there is none.';
comment on column public.inventory_transactions.work_order_id is 'The order it is for; null otherwise.';
comment on column public.inventory_transactions.transfer_id is 'Shared by the two halves of a transfer between warehouses; null otherwise.';
comment on column public.inventory_transactions.reason is 'Why; an adjustment must say.';
comment on column public.inventory_transactions.unit_cost is 'Cost of one unit in this movement; null when unknown.';
comment on column public.inventory_transactions.actor is 'Who did it: a users.id, or system:<role>. Filled by _100_attribute when not given.';
comment on column public.inventory_transactions.created_at is 'When, by the clock, so that movements of one transaction keep their order.';

alter table public.inventory_items enable row level security;
alter table public.inventory_transactions enable row level security;
