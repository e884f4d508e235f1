import { isTenantName, TENANT_NAME_RULE } from "../core/tenant.ts";
import { EVERY_TENANT } from "../store/identity.ts";
import { isMigrated } from "../store/migrate.ts";
import type { Session } from "../store/postgres.ts";
import { createTenant, listTenants } from "../store/tenants.ts";
import { connect, neededUrl } from "./connect.ts";
import type { Command, Service } from "./run.ts";
import { CannotRun, say } from "./say.ts";

/** `tenants create NAME`. Doing it again changes nothing. */
export function tenantsCreate(name: string): Command {
  return async (service) => {
    if (!isTenantName(name))
      throw new CannotRun(`a tenant's name is ${TENANT_NAME_RULE}: ${JSON.stringify(name)} is none`);
    const isNew = await createTenant(await asEverybody(service), name);
    say(isNew ? `Created the tenant ${name}` : `There is a tenant ${name} already`);
    return "done";
  };
}

/** `tenants list`: a name a line. */
export async function tenantsList(service: Service): Promise<"done"> {
  for (const { name } of await listTenants(await asEverybody(service))) say(name);
  return "done";
}

async function asEverybody(service: Service): Promise<Session> {
  const database = await connect(service, neededUrl(service, "tenants"), "tenants");
  if (!(await isMigrated(database))) {
    throw new CannotRun("the database lacks tables that this version needs: run `npx reminder-engine migrate` first");
  }
  return database.as({ role: null, tenant: EVERY_TENANT });
}
