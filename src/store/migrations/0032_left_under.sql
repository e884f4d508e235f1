-- The claim under which a message may have left, over a channel whose receiver can't tell when it comes again. While that is the claim that
-- holds it, whoever takes it over doesn't send it.
alter table deliveries add column left_under uuid;
