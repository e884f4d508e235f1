import type { FastifyInstance, FastifyRequest } from "fastify";
import { isToBeSigned, isToldByProvider } from "./access/scopes.ts";
import { fieldsOf } from "./form-fields.ts";
import { countMembers, findRepeated, outline } from "./json-members.ts";
import { ownTurn, whoseTurn } from "./own-turn.ts";
import { fieldError, invalid, Problem } from "./problem.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** An event of CloudEvents in its structured form is JSON as well. */
const MEDIA_TYPES = ["application/json", "application/cloudevents+json"];

/** A whole mail comes as it is, to where one may be handed in. */
const MAIL = "message/rfc822";
const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data";

/**
 * Reads JSON and nothing else. What isn't UTF-8 is refused rather than patched up. An empty body is none, whatever its
 * content type says: many clients label every request as JSON.
 */
export function readJsonBodies(api: FastifyInstance): void {
  api.removeAllContentTypeParsers();
  api.addContentTypeParser(MEDIA_TYPES, { parseAs: "buffer" }, (request, body, done) => {
    readJson(request, body as Buffer, done);
  });
}

/** Has the routes of this part of the API read what mail providers send: JSON that says it is text too, and whole mails as they are. */
export function readProvidersBodies(part: FastifyInstance): void {
  // Amazon's notifications.
  part.addContentTypeParser("text/plain", { parseAs: "buffer" }, (request, body, done) => {
    if (isToldByProvider(request)) readJson(request, body as Buffer, done);
    else done(notRead(request));
  });
  // Twilio's.
  part.addContentTypeParser(FORM, { parseAs: "buffer" }, (request, body, done) => {
    if (!isToldByProvider(request)) return done(notRead(request));
    request.bytes = body as Buffer;
    done(null, Object.fromEntries(pairsOf(body.toString())));
  });
  // Mails that somebody has written, with what they attach.
  part.addContentTypeParser(MULTIPART, { parseAs: "buffer" }, (request, body, done) => {
    if (!isToldByProvider(request)) return done(notRead(request));
    request.bytes = body as Buffer;
    void fieldsOf(body as Buffer, request.headers["content-type"] ?? "", whoseTurn(request)).then(
      (fields) => done(null, fields),
      () => done(new Problem(400, "the body can't be read as a form")),
    );
  });
  part.addContentTypeParser(MAIL, { parseAs: "buffer" }, (request, body, done) => {
    if (request.routeOptions.config?.takesMail !== true) return done(notJson());
    request.bytes = body as Buffer;
    done(null, undefined);
  });
  part.addContentTypeParser("*", (request, _body, done) => done(notRead(request)));
}

/** More than any form of theirs has; of a million it would take a second to read them. */
const MOST_PAIRS = 200;

function pairsOf(form: string): [name: string, value: string][] {
  return form.split("&", MOST_PAIRS).flatMap((pair) => [...new URLSearchParams(pair)]);
}

type Done = (error: Error | null, body?: unknown) => void;

/** What is larger takes so long that many of them must not be read at one go. */
const LARGE_BYTES = 256 * 1024;

function readJson(request: FastifyRequest, body: Buffer, done: Done): void {
  if (isToBeSigned(request)) request.bytes = body;
  if (body.length <= LARGE_BYTES) readNow(body, done);
  else void ownTurn(whoseTurn(request)).then(() => readNow(body, done));
}

function readNow(body: Buffer, done: Done): void {
  try {
    done(null, body.length === 0 ? undefined : parse(body));
  } catch (error) {
    done(error as Problem);
  }
}

/** What a route is to be sent instead. */
function notRead({ routeOptions }: FastifyRequest): Problem {
  return routeOptions.config?.takesMail === true ? notMail() : notJson();
}

export function notMail(): Problem {
  return new Problem(415, `send the mail as it is, with the header Content-Type: ${MAIL}`);
}

function notJson(): Problem {
  return new Problem(415, "send the body as JSON, with the header Content-Type: application/json");
}

/** Nothing that the API takes is nested half as deep. */
const MAX_DEPTH = 64;

function parse(body: Buffer): unknown {
  const { depth, members } = outline(body, MAX_DEPTH);
  if (depth > MAX_DEPTH) {
    throw invalid([fieldError("body", [], `must be nested at most ${MAX_DEPTH} deep`)]);
  }
  const text = decode(body);
  const value = read(text);
  // Of a name that is there twice, V8 takes the last without a word, and whoever else has read the body perhaps the first.
  if (countMembers(value) === members) return value;
  throw invalid([fieldError("body", findRepeated(text) ?? [], "is there more than once: give it once")]);
}

function decode(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch {
    throw new Problem(400, "the body is not UTF-8");
  }
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(400, `the body is not JSON: ${withoutQuote((error as Error).message)}`);
  }
}

/** V8 quotes the beginning of what it could not read, which may be anything; a proxy may well log our answer. */
function withoutQuote(message: string): string {
  return message.replace(/, (\.\.\.)?".*"(\.\.\.)? is not valid JSON$/s, "");
}
