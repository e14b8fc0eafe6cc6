-- What becomes of webhooks that are not signed as they should be: refused, or taken, logged and counted.
alter table accounts add column verification text not null default 'enforce'
    check (verification in ('enforce', 'log_only'));
