-- What is due on one side, and what has a file to be fetched, each without reading past the others: a mass of texts that waits
-- for its number's pace costs nothing to those who look for something else.
create index messages_due on messages (channel_id, origin, wake_at, seq) where wake_at is not null;
create index messages_wanted on messages (channel_id, origin, wake_at, seq)
    where wake_at is not null and parked is null and media @? '$[*] ? (@.state == "wanted")';
drop index messages_wake;
