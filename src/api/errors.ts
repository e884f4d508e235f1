import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { isContended, isDatabaseAway } from "../store/postgres.ts";
import { PROBLEM_MEDIA_TYPE, Problem } from "./problem.ts";
import { SAFE_HEADERS } from "./safe-headers.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** What its answer says is the matter; null: nothing is. */
    refusedBecause: string | null;
  }
}

const RETRY_AFTER_SECONDS = "2";
const BYTES_PER_MIB = 1024 * 1024;

/** What Fastify itself refuses, in our words. */
const FASTIFY_REFUSALS: Record<string, [status: number, detail: string]> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, "send the body as JSON, with the header Content-Type: application/json"],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, "the body is not as long as Content-Length says"],
  FST_ERR_BAD_URL: [400, "the address is not properly percent-encoded UTF-8"],
};

/** Any error as the problem that the client is told of. `bodyLimit`, in bytes, is that of the request's route. */
function toProblem(error: unknown, bodyLimit = 0): Problem {
  if (error instanceof Problem) return error;
  if (isDatabaseAway(error)) {
    const because = isContended(error) ? "others are busy with the same" : "the database can't be reached";
    return new Problem(503, `${because} at the moment; try again`, { headers: { "retry-after": RETRY_AFTER_SECONDS } });
  }
  const { code, statusCode, message } = error as Partial<FastifyError>;
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE") {
    return new Problem(413, `the body must be at most ${bodyLimit / BYTES_PER_MIB} MiB`);
  }
  const refusal = code === undefined ? undefined : FASTIFY_REFUSALS[code];
  if (refusal) return new Problem(...refusal);
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return new Problem(statusCode, message ?? "");
  return new Problem(500, "this is a fault of the service, and it is in its log");
}

/** Fastify's error handler. Each error of ours is logged here, once. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error, request.routeOptions.bodyLimit);
  if (problem.status === 500) request.log.error({ err: error }, "a request failed by our fault");
  else if (problem.status === 503 && problem !== error) {
    request.log.warn({ because: (error as Error).message }, "a request failed for now");
  }
  request.refusedBecause = problem.message;
  return reply
    .code(problem.status)
    .headers({ ...problem.headers, "content-type": PROBLEM_MEDIA_TYPE })
    .send(JSON.stringify(problem));
}

/** For what Fastify refuses before there is a request to handle. */
export function sendFrameworkProblem(error: unknown, _request: unknown, reply: { raw?: ServerResponse }): void {
  const problem = toProblem(error);
  const response = reply.raw ?? (reply as unknown as ServerResponse<IncomingMessage>);
  const body = JSON.stringify(problem);
  const about = { "content-type": PROBLEM_MEDIA_TYPE, "content-length": Buffer.byteLength(body) };
  response.writeHead(problem.status, { ...SAFE_HEADERS, ...about });
  response.end(body);
}
