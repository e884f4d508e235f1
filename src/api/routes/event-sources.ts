import { z } from "zod";
import { isSameJson } from "../../core/same-json.ts";
import type { SealedSecret } from "../../core/secret.ts";
import { fingerprintOf } from "../../outgoing/standard-webhooks.ts";
import { Keyring, NoKey } from "../../secrets/keyring.ts";
import {
  deleteEventSource,
  eventSecretKind,
  listEventSources,
  lockEventSource,
  putEventSource,
  type EventSource as Row,
  readEventSource,
} from "../../store/event-sources.ts";
import type { Api, ApiContext } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { unlessKnown } from "../etag-conditions.ts";
import { changeIf, deleteIf } from "../etag-writes.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { conflict, notFound } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, NOT_MODIFIED, refuses } from "../responses.ts";
import { EventSource, PutEventSource, sourceName, sourceParams, toEventSourceJson } from "../schemas/event-source.ts";

const PATH = "/event-sources/:source";
const tags = ["Events"];

export function eventSourceRoutes(api: Api, { keyring = new Keyring([]) }: Pick<ApiContext, "keyring">): void {
  api.get(
    "/event-sources",
    {
      config: { access: "event-rules:read" },
      schema: {
        operationId: "listEventSources",
        tags,
        summary: "List who may sign events",
        description: "In the order of their names; without their secrets.",
        querystring: z.strictObject(pageQuery(z.tuple([sourceName]))),
        response: { 200: answers(z.array(EventSource), "The sources of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const items = await listEventSources(database, { after: query.cursor?.[0] ?? null, limit: limit + 1 });
      const shown = page(request, reply, { items, limit, positionOf: ({ name }) => [name] });
      return shown.map((source) => toEventSourceJson(source, database.tenant));
    },
  );

  api.get(
    PATH,
    {
      config: { access: "event-rules:read" },
      schema: {
        operationId: "getEventSource",
        tags,
        summary: "Read who may sign events",
        description: "Without its secrets, which nobody is ever shown.",
        params: sourceParams,
        response: { 200: answers(EventSource, "The source."), 304: NOT_MODIFIED, ...refuses(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const { database, params } = request;
      const source = await readEventSource(database, params.source);
      if (!source) throw notFound("there is no source of this name");
      return unlessKnown(request, reply, recordEtag, toEventSourceJson(source, database.tenant));
    },
  );

  api.put(
    PATH,
    {
      config: { access: "event-rules:write" },
      schema: {
        operationId: "putEventSource",
        tags,
        summary: "Say who may sign events",
        description:
          "Replaces all secrets that it had: give the old and the new while the sender changes them. 409 where the service " +
          "has no key to seal secrets with.",
        params: sourceParams,
        body: PutEventSource,
        response: {
          200: answers(EventSource, "Replaced."),
          201: answers(EventSource, "Created."),
          ...refuses(409, 412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { tenant } = request.database;
      const { source: name } = request.params;
      const { secrets } = request.body;
      const fingerprints = secrets.map(fingerprintOf);
      const jsonOf = (source: Row) => toEventSourceJson(source, tenant);
      const { source, isNew } = await changeIf(request, {
        lock: (sql) => lockEventSource(sql, name),
        tagOf: (source) => recordEtag(jsonOf(source)),
        isDone: (source) => isSameJson(source.fingerprints, fingerprints),
        change: (sql) => putEventSource(sql, name, { fingerprints, secrets: seal(keyring, tenant, name, secrets) }),
      });
      request.auditDetails = { fingerprints };
      if (isNew) reply.code(201);
      return tagged(reply, recordEtag, jsonOf(source));
    },
  );

  api.delete(
    PATH,
    {
      config: { access: "event-rules:write" },
      schema: {
        operationId: "deleteEventSource",
        tags,
        summary: "Forget who may sign events",
        description: "Its signatures are taken no more. Doing it again changes nothing.",
        params: sourceParams,
        response: { 204: answersNothing("Forgotten."), ...refuses(400, 412, 422) },
      },
    },
    async (request, reply) => {
      const { source: name } = request.params;
      const { tenant } = request.database;
      await deleteIf(request, {
        lock: (sql) => lockEventSource(sql, name),
        tagOf: (source) => recordEtag(toEventSourceJson(source, tenant)),
        change: (sql) => deleteEventSource(sql, name),
      });
      return reply.code(204).send(null);
    },
  );
}

/** By the names under which they are kept. */
function seal(
  keyring: Keyring,
  tenantId: string,
  source: string,
  secrets: readonly string[],
): Map<string, SealedSecret> {
  try {
    return new Map(
      secrets.map((secret, index) => {
        const name = `secret_${index + 1}`;
        return [name, keyring.seal({ tenantId, kind: eventSecretKind(source), name }, secret)];
      }),
    );
  } catch (error) {
    throw error instanceof NoKey ? conflict(error.message) : error;
  }
}
