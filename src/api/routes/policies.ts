import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { DEFAULT_MIN_INTERVAL_SECONDS } from "../../core/schedule/check.ts";
import {
  countLacking,
  countPolicies,
  createPolicy,
  deletePolicy,
  listPolicies,
  lockPolicy,
  type PolicyRow,
  type PolicyWish,
  putPolicy,
  readPolicyRow,
} from "../../store/policies.ts";
import type { Api, ApiContext } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { conditionsOf, isUnconditional, mustPermit, unlessKnown } from "../etag-conditions.ts";
import { toNewPolicy, whyNotInstead } from "../new-policy.ts";
import { page, pageQuery } from "../page.ts";
import { conflict, notFound, Problem } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, NOT_MODIFIED, refuses } from "../responses.ts";
import { CreatePolicy, Policy, PutPolicy, policyName, policyParams, toPolicyJson } from "../schemas/policy.ts";

const PATH = "/policies/:name";
const tags = ["Policies"];
const MOST_POLICIES = 500;
/** Each may have hundreds of shifts. */
const MOST_OF_A_PAGE = 20;

export function policyRoutes(api: Api, context: Pick<ApiContext, "channels" | "minIntervalSeconds">): void {
  const { channels, minIntervalSeconds = DEFAULT_MIN_INTERVAL_SECONDS } = context;
  const made = (name: string, said: Parameters<typeof toNewPolicy>[1]): PolicyWish =>
    toNewPolicy(name, said, { channels, minIntervalSeconds });

  api.post(
    "/policies",
    {
      config: { access: "policies:write" },
      schema: {
        operationId: "createPolicy",
        tags,
        summary: "Create an escalation policy",
        description:
          "Names are unique. Where there is a policy of this name already, the answer is 200 with that one if it is the same, " +
          "else 409.",
        body: CreatePolicy,
        response: {
          201: answers(Policy, "Created."),
          200: answers(Policy, "It exists already; this is it."),
          ...refuses(409, ...BODY_REFUSALS),
        },
      },
    },
    async ({ database, body }, reply) => {
      const { name, ...said } = body;
      const wish = made(name, said);
      const isFull = (await countPolicies(database)) >= MOST_POLICIES;
      const created = isFull ? null : await createPolicy(database, wish);
      const policy = created ?? (await readPolicyRow(database, name));
      if (created) reply.code(201).header("location", `/policies/${encodeURIComponent(name)}`);
      else if (!policy && isFull) throw tooMany();
      else if (!policy || !isSaid(wish, policy)) {
        throw conflict(`there is another policy named ${name}: change it with PUT /policies/{name}`);
      }
      return tagged(reply, recordEtag, toPolicyJson(policy as PolicyRow));
    },
  );

  api.get(
    "/policies",
    {
      config: { access: "policies:read" },
      schema: {
        operationId: "listPolicies",
        tags,
        summary: "List escalation policies",
        description: "In the order of their names.",
        querystring: z.strictObject(pageQuery(z.tuple([policyName]), MOST_OF_A_PAGE)),
        response: { 200: answers(z.array(Policy), "The policies of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? MOST_OF_A_PAGE;
      const items = await listPolicies(database, { after: query.cursor?.[0] ?? null, limit: limit + 1 });
      return page(request, reply, { items, limit, positionOf: ({ name }) => [name] }).map(toPolicyJson);
    },
  );

  api.get(
    PATH,
    {
      config: { access: "policies:read" },
      schema: {
        operationId: "getPolicy",
        tags,
        summary: "Read an escalation policy",
        description: "With the shifts of its rotas, as they were read.",
        params: policyParams,
        response: { 200: answers(Policy, "The policy."), 304: NOT_MODIFIED, ...refuses(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const policy = await readPolicyRow(request.database, request.params.name);
      if (!policy) throw notFound(`there is no policy ${request.params.name}`);
      return unlessKnown(request, reply, recordEtag, toPolicyJson(policy));
    },
  );

  api.put(
    PATH,
    {
      config: { access: "policies:write" },
      schema: {
        operationId: "putPolicy",
        tags,
        summary: "Change an escalation policy, or create it",
        description:
          "Replaces what was said before; reminders under way go by it from their next occurrence on. Refused where they lack what it " +
          "needs (`deadline_at`, a calendar) or would never end, unless `force` is true for the latter.",
        params: policyParams,
        body: PutPolicy,
        response: {
          200: answers(Policy, "Replaced."),
          201: answers(Policy, "Created."),
          ...refuses(409, 412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { database, params, body } = request;
      const { force = false, ...said } = body;
      const wish = made(params.name, said);
      const conditions = conditionsOf(request);
      const { policy, isNew } = await database.transaction(async (sql) => {
        const former = await lockPolicy(sql, params.name);
        if (!isUnconditional(conditions)) {
          mustPermit(conditions, former && recordEtag(toPolicyJson(former)), {
            isDone: former !== null && isSaid(wish, former),
          });
        }
        if (former !== null && isSaid(wish, former)) return { policy: former, isNew: false };
        const refusal = former && whyNotInstead(wish, await countLacking(sql, params.name), force);
        if (refusal) throw refusal;
        if (former === null && (await countPolicies(sql)) >= MOST_POLICIES) throw tooMany();
        const put = await putPolicy(sql, wish);
        // What isn't there can't be locked. If somebody else made it meanwhile, theirs stays.
        if (former === null && !put.isNew) throw new Problem(412, "somebody else has just made it: read it again");
        return put;
      });
      if (isNew) reply.code(201);
      return tagged(reply, recordEtag, toPolicyJson(policy));
    },
  );

  api.delete(
    PATH,
    {
      config: { access: "policies:write" },
      schema: {
        operationId: "deletePolicy",
        tags,
        summary: "Delete an escalation policy",
        description: "Refused while a reminder that is ACTIVE or PAUSED goes by it. Doing it again changes nothing.",
        params: policyParams,
        response: { 204: answersNothing("Deleted."), ...refuses(400, 409, 412, 422) },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const conditions = conditionsOf(request);
      await request.database.transaction(async (sql) => {
        const policy = await lockPolicy(sql, name);
        if (policy === null) return;
        if (!isUnconditional(conditions)) mustPermit(conditions, recordEtag(toPolicyJson(policy)));
        const used = await deletePolicy(sql, name);
        if (used > 0) throw conflict(`the policy ${name} can't be deleted: ${used} reminders go by it`);
      });
      return reply.code(204).send(null);
    },
  );
}

/** True when all of this is what the policy says already. */
function isSaid(wanted: PolicyWish, policy: PolicyRow): boolean {
  const said = ({ steps, rotas, tellWhenDone }: PolicyWish) => canonicalJson([steps, rotas, tellWhenDone] as never);
  return said(wanted) === said(policy);
}

function tooMany(): Problem {
  return conflict(`there can be ${MOST_POLICIES} policies: delete some`);
}
