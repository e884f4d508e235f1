-- What a template's page was compiled from when it was saved; null: its html was written as it is.
alter table template_versions add column mjml text;
