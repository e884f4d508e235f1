import type { FastifyRequest } from "fastify";
import type { JsonObject } from "../../core/json.ts";
import type { Tenant } from "../../core/tenant.ts";
import { type AuditLine, insertAudit } from "../../store/audit.ts";
import { Batcher } from "../../store/batcher.ts";
import type { ApiDatabase, TenantDatabase, TenantSql } from "../../store/tenant-database.ts";
import { hideBearers } from "../../telemetry/bearers.ts";
import { HIDDEN } from "../../telemetry/hide.ts";
import type { Api } from "../context.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What the audit is to say about this request beside its address. */
    auditDetails: JsonObject | null;
    /** The status under which its line was written along with the change; null: it is written before the answer goes out. */
    auditedAs: number | null;
  }
}

const READING = new Set(["GET", "HEAD", "OPTIONS"]);
const REFUSED = 400;
const TOO_MANY = 429;
const LONGEST_TARGET = 500;
const MAX_BATCH = 200;
/** As all of ours are called. */
const FIELD = /^[a-z_]{1,40}$/;
const MOST_FIELDS = 50;

/**
 * Writes the line of a request as a part of the transaction that makes the change, so that there is never one without the
 * other. `status`: what it will be answered with if all goes well; otherwise its line is written again, with what came of it.
 */
export async function auditWithin(sql: TenantSql, request: FastifyRequest, status: number): Promise<void> {
  if (!isWorthALine(request, status)) return;
  await insertAudit(sql, sql.tenant, [lineOf(request, request.url, status)]);
  request.auditedAs = status;
}

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
  api.decorateRequest("auditedAs", null);
  api.addHook("onSend", async (request, reply, payload) => {
    const { statusCode } = reply;
    if (request.auditedAs === statusCode || !isWorthALine(request, statusCode)) return payload;
    const created = reply.getHeader("location");
    const line = lineOf(request, typeof created === "string" ? created : request.url, statusCode);
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
function isWorthALine(request: FastifyRequest, status: number): boolean {
  const { method, actor, is404, routeOptions } = request;
  const mayChange = !READING.has(method) && !routeOptions.config?.changesNothing;
  return mayChange && !is404 && actor?.limits != null && status !== TOO_MANY;
}

function lineOf(request: FastifyRequest, url: string, status: number): AuditLine {
  const { method, routeOptions, actor, ip, auditDetails } = request;
  const schema = routeOptions.schema as { operationId?: string } | undefined;
  const [path = ""] = url.split("?", 1);
  return {
    actor: actor.name,
    operation: schema?.operationId ?? `${method} ${routeOptions.url}`,
    // Who puts a key into an address by mistake is not to show it to all who may read the audit.
    target: hideBearers(path, HIDDEN).slice(0, LONGEST_TARGET),
    status,
    address: ip,
    details: auditDetails ?? (status < REFUSED ? fieldsOf(request.body) : {}),
  };
}

/** What was changed, by name: values may be anybody's, and what is kept of them is where it was written. */
function fieldsOf(body: unknown): JsonObject {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return {};
  const fields = Object.keys(body).filter((name) => FIELD.test(name));
  return fields.length === 0 ? {} : { fields: fields.slice(0, MOST_FIELDS) };
}
