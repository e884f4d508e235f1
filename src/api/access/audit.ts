import type { FastifyReply, FastifyRequest } from "fastify";
import type { JsonObject } from "../../core/reminder.ts";
import type { Tenant } from "../../core/tenant.ts";
import { type AuditLine, insertAudit } from "../../store/audit.ts";
import { Batcher } from "../../store/batcher.ts";
import type { ApiDatabase, TenantDatabase } from "../../store/tenant-database.ts";
import { hideBearers } from "../../telemetry/bearers.ts";
import { HIDDEN } from "../../telemetry/hide.ts";
import type { Api } from "../context.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the audit is to say about this request beside its address. */
    auditDetails: JsonObject | null;
  }
}

const READING = new Set(["GET", "HEAD", "OPTIONS"]);
const TOO_MANY = 429;
const LONGEST_TARGET = 500;
const MAX_BATCH = 200;

/**
 * Writes down who changed what, or tried to, before the answer goes out: what somebody was told is done is in the audit. As
 * long as nobody has to say who they are, there is nobody to write down. Call it before the routes are added.
 */
export function auditChanges(api: Api, database: ApiDatabase): void {
  const batchers = new Map<Tenant, Batcher<AuditLine, void>>();
  const write = async (tenant: Tenant, line: AuditLine): Promise<void> => {
    const batcher = batchers.get(tenant) ?? batcherOf(database.forTenant(tenant));
    batchers.set(tenant, batcher);
    try {
      await batcher.add(line);
    } finally {
      if (batcher.isIdle && batchers.get(tenant) === batcher) batchers.delete(tenant);
    }
  };
  api.decorateRequest("auditDetails", null);
  api.addHook("onSend", async (request, reply, payload) => {
    if (!isWorthALine(request, reply)) return payload;
    const line = lineOf(request, reply);
    try {
      // Not by the request's own database: what the route did there may be a transaction that has ended.
      await write(request.actor.tenant, line);
    } catch (error) {
      // The change is made: to say otherwise would be wrong. The log keeps what the table couldn't take.
      request.log.error({ err: error, audit: line }, "a line of the audit could not be written");
    }
    return payload;
  });
}

function batcherOf(database: TenantDatabase): Batcher<AuditLine, void> {
  return new Batcher<AuditLine, void>(async (lines) => {
    await insertAudit(database, database.tenant, lines);
    return lines.map(() => undefined);
  }, MAX_BATCH);
}

/** Who asks too often is not to fill the table. */
function isWorthALine(request: FastifyRequest, { statusCode }: FastifyReply): boolean {
  const { method, actor, is404 } = request;
  const mayChange = !READING.has(method) && !takesOnlyReading(request);
  return mayChange && !is404 && actor?.limits != null && statusCode !== TOO_MANY;
}

/** What needs no more than a right to read changes nothing, though it may be a POST because it takes a body. */
function takesOnlyReading({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config?.access?.endsWith(":read") ?? false;
}

function lineOf(request: FastifyRequest, reply: FastifyReply): AuditLine {
  const { method, url, routeOptions, actor, ip, auditDetails } = request;
  const schema = routeOptions.schema as { operationId?: string } | undefined;
  const created = reply.getHeader("location");
  const [path = ""] = (typeof created === "string" ? created : url).split("?", 1);
  return {
    actor: actor.name,
    operation: schema?.operationId ?? `${method} ${routeOptions.url}`,
    // Who puts a key into an address by mistake is not to show it to all who may read the audit.
    target: hideBearers(path, HIDDEN).slice(0, LONGEST_TARGET),
    status: reply.statusCode,
    address: ip,
    details: auditDetails ?? {},
  };
}
