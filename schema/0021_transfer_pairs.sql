-- depends: 0020_comments
--
-- One way out and one way in for each transfer. Who books a transfer again, because the answer to the first attempt was lost,
-- is refused by this instead of moving the parts twice.

create unique index a_transfer_is_one_way_out_and_one_in
on public.inventory_transactions (transfer_id, transaction_type)
where transfer_id is not null;
comment on index public.a_transfer_is_one_way_out_and_one_in is
'A transfer has one half of each kind, and how one half finds the other.';

-- Found by the first column of the new one.
drop index public.halves_of_a_transfer;
