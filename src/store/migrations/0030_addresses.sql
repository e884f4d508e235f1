-- What an address is kept by. Of a URL only the scheme and the host are the same in capitals or not (RFC 3986, 6.2.2.1): what
-- differs in its path is another address.
create function reminder_address_key(address text) returns text
  language sql immutable parallel safe
  as $$
    select case when address ~* '^https?://'
                then lower(substring(address from '^[^/]*//[^/?#]*')) || substring(address from '^[^/]*//[^/?#]*(.*)$')
                else lower(address) end
  $$;

-- `any_case`: kept in lower case as a whole, as URLs were before, so that nobody can tell any more which one was meant.
alter table suppressions
  drop constraint suppressions_address_check,
  add constraint suppressions_address_check
    check (length(address) between 1 and 2000 and address = reminder_address_key(address)),
  add column any_case boolean not null default false;
update suppressions set any_case = true where address ~ '^https?://';

alter table opt_outs
  drop constraint opt_outs_address_check,
  add constraint opt_outs_address_check
    check (length(address) between 1 and 2000 and address = reminder_address_key(address)),
  add column any_case boolean not null default false;
update opt_outs set any_case = true where address ~ '^https?://';
