-- What messages say, as tenants have written it: for an event type, a channel and a language, each of which may be * for any.
create table templates (
  tenant_id      text not null default reminder_tenant(),
  event_type     text not null check (length(event_type) between 1 and 200),
  channel        text not null check (length(channel) between 1 and 50),
  -- BCP 47 in its canonical form.
  locale         text not null check (length(locale) between 1 and 100),
  -- The version that messages are written in; null: none, the template was deleted.
  active_version integer check (active_version <= last_version),
  last_version   integer not null check (last_version > 0),
  created_at     reminder_instant not null default reminder_now(),
  updated_at     reminder_instant not null default reminder_now(),
  primary key (tenant_id, event_type, channel, locale)
);

select reminder_isolate('templates');

create trigger templates_tenant before insert on templates for each statement
  execute function reminder_tenant_must_exist();
create trigger templates_other_tenant before insert or update of tenant_id on templates for each row
  when (new.tenant_id is distinct from reminder_tenant()) execute function reminder_tenant_must_exist();

-- Each as it was saved, and never changed.
create table template_versions (
  tenant_id  text not null default reminder_tenant(),
  event_type text not null,
  channel    text not null,
  locale     text not null,
  version    integer not null check (version > 0),
  subject    text,
  body       text not null,
  html       text,
  missing    text not null check (missing in ('empty', 'error')),
  on_failure text not null check (on_failure in ('built_in', 'fail')),
  -- Whether it speaks of the reminder's own message: then it frames that instead of giving way to it.
  frames_own boolean not null,
  saved_by   text not null check (length(saved_by) between 1 and 300),
  created_at reminder_instant not null default reminder_now(),
  primary key (tenant_id, event_type, channel, locale, version),
  foreign key (tenant_id, event_type, channel, locale) references templates on delete cascade
);

select reminder_isolate('template_versions');

-- Messages by which somebody tries a template out, as they were written: the API may read no secret of a channel, so a worker sends
-- them. They are no deliveries. Rows older than a day are removed.
create table template_tests (
  tenant_id   text not null default reminder_tenant(),
  id          uuid not null default gen_random_uuid(),
  channel     text not null check (length(channel) between 1 and 50),
  recipient   text not null check (length(recipient) between 1 and 500),
  message     jsonb not null check (jsonb_typeof(message) = 'object'),
  status      text not null default 'pending' check (status in ('pending', 'sending', 'sent', 'failed', 'unknown')),
  reason      text,
  provider_id text,
  demo        boolean not null default false,
  created_at  reminder_instant not null default reminder_now(),
  finished_at reminder_instant,
  primary key (tenant_id, id)
);

create index template_tests_pending on template_tests (created_at) where status = 'pending';
create index template_tests_age on template_tests (tenant_id, created_at);

select reminder_isolate('template_tests');

create trigger template_tests_wake after insert on template_tests for each statement execute function reminder_wake('test');
