-- What the stop condition of its reminder answered last before an attempt to send it: by which kind, when and why; null: it has none.
alter table deliveries add column checked jsonb;
