import pg from "pg";
import { type Database, openDatabase } from "../postgres.ts";
import { SUPERUSER } from "./cluster.ts";

export const DATABASE = "reminder_engine";
/**
 * Who owns the database and everything in it, and whom its URL names. No superuser: to one, row-level security would show
 * the rows of all tenants, and an UPDATE by hand would change them.
 */
export const OWNER = "reminder_owner";

// It makes the roles that API and worker run as, and a database for each of its own tries.
const MAKE_OWNER = `
  do $$
    begin
      if to_regrole('${OWNER}') is null then
        create role ${OWNER} login createrole createdb;
      end if;
    end
  $$`;

// Everything in the schema that a superuser has made, which is all of it where an earlier version was at work. Sequences of
// columns go with their tables, and members of extensions with those.
const HAND_OVER = `
  do $$
    declare
      statement text;
    begin
      for statement in
        select format('alter table %s owner to ${OWNER}', oid::regclass)
          from pg_class
         where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
           and relowner = to_regrole('${SUPERUSER}')
           and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
         union all
        select format('alter routine %s owner to ${OWNER}', oid::regprocedure)
          from pg_proc
         where pronamespace = 'public'::regnamespace and proowner = to_regrole('${SUPERUSER}')
           and not exists (select from pg_depend where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e')
         union all
        select format('alter type %s owner to ${OWNER}', oid::regtype)
          from pg_type
         where typnamespace = 'public'::regnamespace and typowner = to_regrole('${SUPERUSER}') and typtype in ('d', 'e')
           and not exists (select from pg_depend where classid = 'pg_type'::regclass and objid = pg_type.oid and deptype = 'e')
      loop
        execute statement;
      end loop;
    end
  $$`;

/**
 * Makes the database and its owner where they are missing, and hands over what the superuser still owns. The owner's
 * password becomes `password`, which needs no quoting. `superuserUrl` makes the URL of a database.
 */
export async function ensureOwnedDatabase(superuserUrl: (name: string) => string, password: string): Promise<void> {
  await on(superuserUrl("postgres"), async (server) => {
    await server.query(MAKE_OWNER);
    await server.query(`alter role ${OWNER} password ${pg.escapeLiteral(password)}`);
    const [found] = await server.query<{ owner: string }>(
      "select pg_get_userbyid(datdba) as owner from pg_database where datname = $1",
      [DATABASE],
    );
    if (!found) await server.runAlone(`create database ${DATABASE} owner ${OWNER}`);
    else if (found.owner !== OWNER) await server.runAlone(`alter database ${DATABASE} owner to ${OWNER}`);
  });
  await on(superuserUrl(DATABASE), (database) => database.query(HAND_OVER));
}

async function on(url: string, work: (database: Database) => Promise<unknown>): Promise<void> {
  const database = openDatabase({ url, poolSize: 1 });
  try {
    await work(database);
  } finally {
    await database.close();
  }
}
