-- Why a request was not verified that was taken all the same; null for one that was.
alter table webhook_log add column unverified text;
