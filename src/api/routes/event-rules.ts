import { z } from "zod";
import { isSameJson } from "../../core/same-json.ts";
import {
  deleteEventRule,
  listEventRules,
  lockEventRule,
  MOST_RULES,
  putEventRule,
  readEventRule,
} from "../../store/event-rules.ts";
import type { Api } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { unlessKnown } from "../etag-conditions.ts";
import { changeIf, deleteIf } from "../etag-writes.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { conflict, notFound } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, NOT_MODIFIED, refuses } from "../responses.ts";
import {
  EventRule,
  PutEventRule,
  ruleName,
  ruleParams,
  toEventRuleJson,
  toJson,
  toRule,
} from "../schemas/event-rule.ts";

const PATH = "/event-rules/:rule";
const tags = ["Events"];

export function eventRuleRoutes(api: Api): void {
  api.get(
    "/event-rules",
    {
      config: { access: "event-rules:read" },
      schema: {
        operationId: "listEventRules",
        tags,
        summary: "List what events mean",
        description: "In the order of their names, which is the order in which they are applied.",
        querystring: z.strictObject(pageQuery(z.tuple([ruleName]))),
        response: { 200: answers(z.array(EventRule), "The rules of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const items = await listEventRules(database, { after: query.cursor?.[0] ?? null, limit: limit + 1 });
      return page(request, reply, { items, limit, positionOf: ({ name }) => [name] }).map(toEventRuleJson);
    },
  );

  api.get(
    PATH,
    {
      config: { access: "event-rules:read" },
      schema: {
        operationId: "getEventRule",
        tags,
        summary: "Read a rule",
        description: "What events of some type mean.",
        params: ruleParams,
        response: { 200: answers(EventRule, "The rule."), 304: NOT_MODIFIED, ...refuses(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const rule = await readEventRule(request.database, request.params.rule);
      if (!rule) throw notFound("there is no rule of this name");
      return unlessKnown(request, reply, recordEtag, toEventRuleJson(rule));
    },
  );

  api.put(
    PATH,
    {
      config: { access: "event-rules:write" },
      schema: {
        operationId: "putEventRule",
        tags,
        summary: "Say what events mean",
        description: `Makes the rule, or replaces it: it counts for events that come from then on. At most ${MOST_RULES}, else 409.`,
        params: ruleParams,
        body: PutEventRule,
        response: {
          200: answers(EventRule, "Replaced."),
          201: answers(EventRule, "Created."),
          ...refuses(409, 412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const wanted = toRule(request.params.rule, request.body);
      const { rule, isNew } = await changeIf(request, {
        lock: (sql) => lockEventRule(sql, wanted.name),
        tagOf: (row) => recordEtag(toEventRuleJson(row)),
        isDone: (row) => isSameJson(toJson(row), toJson(wanted)),
        change: async (sql) => {
          const put = await putEventRule(sql, wanted);
          if (!put)
            throw conflict(`there are ${MOST_RULES} rules already: delete one, or let one be about more (with a *)`);
          return put;
        },
      });
      if (isNew) reply.code(201);
      return tagged(reply, recordEtag, toEventRuleJson(rule));
    },
  );

  api.delete(
    PATH,
    {
      config: { access: "event-rules:write" },
      schema: {
        operationId: "deleteEventRule",
        tags,
        summary: "Forget a rule",
        description: "Events that come from then on don't mean this any more. Doing it again changes nothing.",
        params: ruleParams,
        response: { 204: answersNothing("Forgotten."), ...refuses(400, 412, 422) },
      },
    },
    async (request, reply) => {
      const { rule: name } = request.params;
      await deleteIf(request, {
        lock: (sql) => lockEventRule(sql, name),
        tagOf: (rule) => recordEtag(toEventRuleJson(rule)),
        change: (sql) => deleteEventRule(sql, name),
      });
      return reply.code(204).send(null);
    },
  );
}
