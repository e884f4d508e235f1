import { z } from "zod";
import { insufficientScope, unauthenticated } from "./access/challenge.ts";
import { tooMany } from "./access/rate-limits.ts";
import { conflict, invalidField, notFound, PROBLEM_MEDIA_TYPE, Problem } from "./problem.ts";
import { ProblemDetails } from "./schemas/problem.ts";

/** A JSON answer, for the documentation. */
export function answers(schema: z.ZodType, description: string) {
  return { description, content: { "application/json": { schema } } };
}

export function answersNothing(description: string) {
  return z.null().describe(description);
}

/** 304, for the documentation. */
export const NOT_MODIFIED = answersNothing("It is still as the tag in `If-None-Match` says.");

/** What a status means here, and an example of it. */
const REFUSALS: Record<number, { description: string; example: Problem }> = {
  400: {
    description: "The body is no readable JSON, or a header isn't as it must be.",
    example: new Problem(400, "the body is not JSON: Unexpected end of JSON input"),
  },
  401: {
    description: "It takes a key or a token, and there is none or it is no good. Not as long as there are no keys.",
    example: unauthenticated(),
  },
  403: {
    description:
      "The key or token hasn't the scope that this takes, or the tenant has as many ACTIVE reminders as it may have; the " +
      "detail says which.",
    example: insufficientScope("reminders:write"),
  },
  404: { description: "There is no such thing.", example: notFound("there is nothing of this name or id") },
  409: {
    description: "Its present state doesn't allow that; the detail says why and what to do instead.",
    example: conflict("reminder 1 can't be changed like that: it is deleted; restore it first"),
  },
  412: {
    description: "It isn't in the state that `If-Match` or `If-None-Match` demands.",
    example: new Problem(412, "somebody has changed it since: read it again, and send If-Match with its ETag"),
  },
  413: { description: "The body is too large.", example: new Problem(413, "the body must be at most 1 MiB") },
  415: {
    description: "The body is not `application/json`.",
    example: new Problem(415, "send the body as JSON, with the header Content-Type: application/json"),
  },
  422: {
    description: "Something is wrong; `errors` names each field and says what would be right.",
    example: invalidField("limit", "must be a whole number from 1 to 1000"),
  },
  429: {
    description: "The key, or its tenant, has asked too often; try again after `Retry-After` seconds.",
    example: tooMany("this key may ask 6000 times a minute", 1_000),
  },
  503: {
    description: "The database is not available at the moment; try again after `Retry-After` seconds.",
    example: new Problem(503, "the database can't be reached at the moment; try again"),
  },
};

export function exampleProblem(status: number): unknown {
  return REFUSALS[status]?.example.toJSON();
}

/** What every request with a JSON body may be refused with. */
export const BODY_REFUSALS = [400, 413, 415, 422] as const;

/** Refusals, for the documentation; that one may not ask, or that the service may be unavailable, goes without saying. */
export function refuses(...statuses: (keyof typeof REFUSALS)[]) {
  const all = [...statuses, 401, 403, 429, 503];
  return Object.fromEntries(
    all.map((status) => [
      status,
      {
        description: REFUSALS[status]?.description ?? "",
        content: { [PROBLEM_MEDIA_TYPE]: { schema: ProblemDetails } },
      },
    ]),
  );
}

/** The same where the body is no JSON. */
export function refusesAllBut(mediaType: string, ...statuses: (keyof typeof REFUSALS)[]) {
  const refusals = refuses(415, ...statuses);
  return { ...refusals, 415: { ...refusals[415], description: `The body is not \`${mediaType}\`.` } };
}
