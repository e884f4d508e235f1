-- From when on links are good by which a contact's devices subscribe; null: from its beginning.
alter table contacts add column push_links_from reminder_instant;
