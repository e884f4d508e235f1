import { z } from "zod";
import { deleteFlag, listFlags, lockFlag, putFlag, readFlag } from "../../store/flags.ts";
import type { Api } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { unlessKnown } from "../etag-conditions.ts";
import { changeIf, deleteIf } from "../etag-writes.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, NOT_MODIFIED, refuses } from "../responses.ts";
import { Flag, flagKeyText, flagParams, SetFlag, toFlagJson } from "../schemas/flag.ts";

const tags = ["Flags"];

export function flagRoutes(api: Api): void {
  api.get(
    "/flags",
    {
      config: { access: "flags:read" },
      schema: {
        operationId: "listFlags",
        tags,
        summary: "List flags",
        description: "In the order of their keys.",
        querystring: z.strictObject(pageQuery(z.tuple([flagKeyText]))),
        response: { 200: answers(z.array(Flag), "The flags of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const items = await listFlags(database, { after: query.cursor?.[0] ?? null, limit: limit + 1 });
      return page(request, reply, { items, limit, positionOf: ({ key }) => [key] }).map(toFlagJson);
    },
  );

  api.get(
    "/flags/:key",
    {
      config: { access: "flags:read" },
      schema: {
        operationId: "getFlag",
        tags,
        summary: "Read a flag",
        description: "A flag that nobody has set is not found; for stop conditions it is false.",
        params: flagParams,
        response: { 200: answers(Flag, "The flag."), 304: NOT_MODIFIED, ...refuses(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const flag = await readFlag(request.database, request.params.key);
      if (!flag) throw notFound("nobody has set this flag, so stop conditions take it as false");
      return unlessKnown(request, reply, recordEtag, toFlagJson(flag));
    },
  );

  api.put(
    "/flags/:key",
    {
      config: { access: "flags:write" },
      schema: {
        operationId: "setFlag",
        tags,
        summary: "Set a flag",
        description:
          "Once it is true, every ACTIVE reminder that waits for it is completed. One that is created, resumed or restored " +
          "afterwards completes when it is next due, without a message.",
        params: flagParams,
        body: SetFlag,
        response: {
          200: answers(Flag, "Set."),
          201: answers(Flag, "Set, for the first time."),
          ...refuses(412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { key } = request.params;
      const { value } = request.body;
      const { flag, isNew } = await changeIf(request, {
        lock: (sql) => lockFlag(sql, key),
        tagOf: (flag) => recordEtag(toFlagJson(flag)),
        isDone: (flag) => flag.value === value,
        change: (sql) => putFlag(sql, key, value),
      });
      request.auditDetails = { value };
      if (isNew) reply.code(201);
      return tagged(reply, recordEtag, toFlagJson(flag));
    },
  );

  api.delete(
    "/flags/:key",
    {
      config: { access: "flags:write" },
      schema: {
        operationId: "deleteFlag",
        tags,
        summary: "Forget a flag",
        description: "Stop conditions take it as false from then on. Doing it again changes nothing.",
        params: flagParams,
        response: { 204: answersNothing("Forgotten."), ...refuses(400, 412, 422) },
      },
    },
    async (request, reply) => {
      const { key } = request.params;
      await deleteIf(request, {
        lock: (sql) => lockFlag(sql, key),
        tagOf: (flag) => recordEtag(toFlagJson(flag)),
        change: (sql) => deleteFlag(sql, key),
      });
      return reply.code(204).send(null);
    },
  );
}
