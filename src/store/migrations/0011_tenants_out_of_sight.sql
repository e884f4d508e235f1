-- A session that acts for one tenant sees no row of `tenants` but that tenant's. Whoever looks after the installation and
-- forgets to say `set reminder.tenant = '*'` would change nothing there, and be told that all went well.
create function reminder_refuse_unseen_tenants() returns trigger
  language plpgsql
  as $$
    begin
      if row_security_active(tg_relid) and not reminder_sees_all() and not exists (select from touched) then
        raise exception 'no tenant was found: this session sees %', coalesce('only ' || reminder_tenant(), 'none')
          using errcode = 'no_data_found', hint = 'Say first: SET reminder.tenant = ''*'';';
      end if;
      return null;
    end
  $$;

create trigger tenants_unseen_update after update on tenants referencing new table as touched for each statement
  execute function reminder_refuse_unseen_tenants();
create trigger tenants_unseen_delete after delete on tenants referencing old table as touched for each statement
  execute function reminder_refuse_unseen_tenants();
