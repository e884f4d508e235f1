-- Who opens the page of a digest asks for all that it said, also long after it was sent. Only what goes together is in it.
create index deliveries_by_digest on deliveries (digest_id) where digest_id is not null;
