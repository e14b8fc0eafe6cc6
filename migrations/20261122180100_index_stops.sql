-- Who has opted out, the newest first: read from its newest end and no further than a page.
create index consents_stops on consents (channel_id, id) where word = 'stop';
