-- Of indexes that cost the same the planner takes the one that was made last, and in an empty table all that begin with the
-- channel cost the same. The program's statements are planned once for a connection, mostly while there is little: looked
-- up by its channel and id, a message was searched for among all of its channel until Postgres had looked at the table.
alter table messages drop constraint messages_pkey;
alter table messages add constraint messages_pkey primary key (channel_id, external_id);
