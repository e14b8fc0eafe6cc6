-- What is asked of outgoing events and of jobs by whoever watches, and by the lists of operators, without reading all of them.
-- Events of an endpoint that were given up: counted, and sent again by endpoint.
create index deliveries_failed on deliveries (endpoint_id, id) where state = 'failed';
-- Records that stay for long, the latest first: among readings those that are no polls, and polls that failed.
create index backfills_kept on backfills (id) where kind <> 'poll' or state in ('queued', 'running', 'failed');
create index backfills_failed on backfills (finished_at) where state = 'failed';
create index jobs_failed on jobs (finished_at) where state = 'failed';
