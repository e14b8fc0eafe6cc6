-- A scope for whoever reads the metrics and has no business with messages.
alter table admin_tokens drop constraint admin_tokens_scope_check;
alter table admin_tokens
    add constraint admin_tokens_scope_check check (scope in ('metrics', 'read', 'operate', 'admin'));
