-- Escalation: whom else a reminder goes to, over which channel and how often, the longer nothing happens.

-- True for [{"contact": {...}}, ...] and the like: what each step may hold is src/core/policy.ts's business.
create table policies (
  tenant_id      text not null default reminder_tenant(),
  name           text not null check (length(name) between 1 and 100),
  steps          jsonb not null check (jsonb_typeof(steps) = 'array' and jsonb_array_length(steps) between 1 and 20),
  -- {"support": [{"who": {"address": "a@example.org"}, "from": 1767225600000, "until": 1767229200000}, ...]}: who is on call when.
  rotas          jsonb not null default '{}' check (jsonb_typeof(rotas) = 'object'),
  -- Whether those whom it was escalated to are told once it is done.
  tell_when_done boolean not null default false,
  -- How often it has been changed, the first time included.
  version        integer not null default 1,
  created_at     reminder_instant not null default reminder_now(),
  updated_at     reminder_instant not null default reminder_now(),
  primary key (tenant_id, name)
);

select reminder_isolate('policies');

create trigger policies_tenant before insert on policies for each statement
  execute function reminder_tenant_must_exist();
create trigger policies_other_tenant before insert or update of tenant_id on policies for each row
  when (new.tenant_id is distinct from reminder_tenant()) execute function reminder_tenant_must_exist();

-- A policy `p` as `readPolicy` in src/core/policy.ts reads it.
create function reminder_policy_text(p policies) returns text
  language sql stable parallel safe
  return jsonb_build_object('name', p.name, 'steps', p.steps, 'rotas', p.rotas)::text;

alter table reminder_jobs
  add column policy      text,
  -- Where it is in its policy: {"step": 2, "given": 0, "sends": 3, "firstAt": 1767225600000, "isVoid": false, "isOver": false}.
  add column escalation  jsonb check (jsonb_typeof(escalation) = 'object'),
  -- When the thing is to be done; by this, policies count.
  add column deadline_at reminder_instant,
  add constraint reminder_jobs_policy foreign key (tenant_id, policy) references policies (tenant_id, name) on update cascade;

-- Who goes by a policy.
create index reminder_jobs_of_policy on reminder_jobs (tenant_id, policy) where policy is not null;

-- Another policy is begun from its beginning, whoever changes it.
create function reminder_jobs_begin_policy() returns trigger
  language plpgsql
  as $$
    begin
      new.escalation := null;
      return new;
    end
  $$;

create trigger reminder_jobs_begin_policy before update of policy on reminder_jobs for each row
  when (new.policy is distinct from old.policy) execute function reminder_jobs_begin_policy();

alter table contacts
  add column phone          text check (length(phone) between 1 and 50),
  -- {"slack": "U0123ABCDEF"}: by the channel's name.
  add column addresses      jsonb check (jsonb_typeof(addresses) = 'object'),
  -- {"channels": ["slack", "email"], "opt_out": ["newsletter"]}
  add column preferences    jsonb check (jsonb_typeof(preferences) = 'object'),
  add column manager_type   text,
  add column manager_id     text,
  add column delegate_type  text,
  add column delegate_id    text,
  -- The delegate stands for it until then.
  add column delegate_until reminder_instant,
  add constraint manager_is_whole check ((manager_type is null) = (manager_id is null)),
  add constraint delegate_is_whole
    check (num_nonnulls(delegate_type, delegate_id, delegate_until) in (0, 3));

alter table deliveries
  -- Whom it is for and why: {"person": "team/ops", "step": 2, "template": null, "as": "manager of ..."}; null: whom the reminder is for.
  add column addressed jsonb;
