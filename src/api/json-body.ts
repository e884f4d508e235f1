import type { FastifyInstance } from "fastify";
import { isToBeSigned } from "./access/scopes.ts";
import { fieldError, invalid, Problem } from "./problem.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** An event of CloudEvents in its structured form is JSON as well. */
const MEDIA_TYPES = ["application/json", "application/cloudevents+json"];

/**
 * Reads JSON and nothing else. What isn't UTF-8 is refused rather than patched up. An empty body is none, whatever its
 * content type says: many clients label every request as JSON.
 */
export function readJsonBodies(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(MEDIA_TYPES, { parseAs: "buffer" }, (request, body, done) => {
    if (isToBeSigned(request)) request.bytes = body as Buffer;
    try {
      done(null, body.length === 0 ? undefined : parse(body as Buffer));
    } catch (error) {
      done(error as Problem);
    }
  });
}

/** Nothing that the API takes is nested half as deep. */
const MAX_DEPTH = 64;

function parse(body: Buffer): unknown {
  if (isNestedDeeperThan(MAX_DEPTH, body)) {
    throw invalid([fieldError("body", [], `must be nested at most ${MAX_DEPTH} deep`)]);
  }
  let text: string;
  try {
    text = utf8.decode(body);
  } catch {
    throw new Problem(400, "the body is not UTF-8");
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(400, `the body is not JSON: ${withoutQuote((error as Error).message)}`);
  }
}

const [QUOTE, BACKSLASH, OPEN, OPEN_LIST, CLOSE, CLOSE_LIST] = [...'"\\{[}]'].map((letter) => letter.charCodeAt(0));

/** Looks at the bytes, before anything is made of them. What is no JSON may be counted wrong: it is refused anyway. */
function isNestedDeeperThan(most: number, body: Buffer): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (isInString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isInString = false;
    } else if (byte === QUOTE) isInString = true;
    else if (byte === OPEN || byte === OPEN_LIST) {
      depth += 1;
      if (depth > most) return true;
    } else if (byte === CLOSE || byte === CLOSE_LIST) depth -= 1;
  }
  return false;
}

/** V8 quotes the beginning of what it could not read, which may be anything; a proxy may well log our answer. */
function withoutQuote(message: string): string {
  return message.replace(/, (\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, "");
}
