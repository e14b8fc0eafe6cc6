-- Whether the helpdesk shows its users that the channel works. It is told when that is not so any more, and again when
-- it is: what it was told beside what is true is work to do.
alter table channels add column shown_works boolean not null default true;
alter table channels add column show_tried_at timestamptz;
