-- What people answer to a message.

alter table reminder_jobs
  -- Until then nothing is sent, and then it is due: somebody has snoozed it, or said that they do it by then.
  add column silent_until   reminder_instant,
  add column silent_by      text check (silent_by in ('snooze', 'acknowledgement')),
  -- What is done when somebody says that it is; null: as its stop condition suggests.
  add column done_means     text check (done_means in ('complete', 'flag')),
  -- Whether who gets it may name somebody else; null: no.
  add column allow_reassign boolean,
  add constraint silence_is_whole check ((silent_until is null) = (silent_by is null));

-- What was answered by the links of a delivery, so that the same again does nothing more.
create table answers (
  tenant_id     text not null default reminder_tenant(),
  reminder_id   bigint not null,
  occurrence_at timestamptz(3) not null,
  recipient_no  smallint not null,
  purpose       text not null check (purpose in ('done', 'snooze', 'promise', 'not_me', 'stop')),
  -- Which of the choices that the link gave, like 1w.
  choice        text not null check (length(choice) between 1 and 600),
  outcome       jsonb not null,
  answered_at   reminder_instant not null default reminder_now(),
  undone_at     reminder_instant,
  -- When the link ends.
  expires_at    reminder_instant not null,
  primary key (tenant_id, reminder_id, occurrence_at, recipient_no, purpose)
);

create index answers_expiry on answers (expires_at);

select reminder_isolate('answers');

-- Who wants no more of a reminder, or of an event type. Others of what is sent to them goes on.
create table opt_outs (
  tenant_id  text not null default reminder_tenant(),
  channel    text not null check (length(channel) between 1 and 100),
  -- In lower case, so that however it is written it is the same address.
  address    text not null check (length(address) between 1 and 2000 and address = lower(address)),
  kind       text not null check (kind in ('reminder', 'event_type')),
  -- The reminder's id, or the event type.
  about      text not null check (length(about) between 1 and 200),
  -- Who said so.
  created_by text not null check (length(created_by) between 1 and 300),
  created_at reminder_instant not null default reminder_now(),
  primary key (tenant_id, channel, address, kind, about)
);

select reminder_isolate('opt_outs');

-- What links are signed with; the newest one signs. All tenants' links: whose a link is, is signed with it.
create table answer_keys (
  id         smallint primary key check (id between 0 and 255),
  secret     bytea not null check (length(secret) = 32),
  created_at timestamptz(3) not null default reminder_now(),
  -- From then on its signatures are good no more; null: it is the newest.
  ends_at    timestamptz(3)
);

create unique index answer_keys_newest on answer_keys ((ends_at is null)) where ends_at is null;
