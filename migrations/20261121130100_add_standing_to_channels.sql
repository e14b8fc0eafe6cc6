-- Whether the helpdesk shows its users that the channel works. It is told when that is not so any more, and again when
-- it is: what it was told beside what is true is work to do. Null while it is being told: nobody knows then.
alter table channels add column shown_works boolean default true;
alter table channels add column show_tried_at timestamptz;
