-- A notification is read by the person it is for and by nobody else; he marks it as read, and writes nothing else of it.
select floorcast.protect(
    'public.notifications',
    server_columns => '{warehouse_id,user_id,type,title,body,work_order_id,equipment_id,item_id}'
);
