import fc from "fast-check";
import { contactsCsv } from "./csv.ts";
import { type Document, JSON_TYPE, type Json, type Operation, type Parameter } from "./document.ts";
import { type flaw as anyFlaw, flaw, flawed } from "./flaws.ts";
import { hostileBody, hostileHeaders, hostilePart, hostileQuery, OTHER_METHODS, RAW_REQUESTS } from "./hostile.ts";
import { type Teller, type Told, tellings } from "./told.ts";
import { fitting } from "./values.ts";
import { nastyWord } from "./words.ts";

/** How a request was meant. */
export type Intent = "valid" | "near-valid" | "hostile";

/** Something that only is there while the sequence runs: one of those that are known by then. */
export interface Known {
  /** Counted from the newest back, and round. */
  at: number;
}

/** One request of a sequence, before it is known what it will meet. Plain JSON, so that it can be shown and replayed. */
export interface Request {
  kind: "request";
  intent: Intent;
  operation: string;
  /** Who asks, counted round. */
  actor: number;
  /** The thing in the path: one that is known, or these parts as they stand. */
  which: Known | { parts: string[] };
  query: string[];
  headers: Record<string, string>;
  /** Headers whose value only is there while the sequence runs. */
  learned: { ifMatch?: Known; ifNoneMatch?: Known; idempotencyKey?: Known; cursor?: Known };
  /** In Latin-1, a character for each byte. */
  body: string | null;
  /** In place of the operation's own. */
  method?: string;
}

/** What no HTTP client would send, in Latin-1. */
export interface RawBytes {
  kind: "raw";
  bytes: string;
}

export type Step = Request | RawBytes | Told;

type Flaw = typeof anyFlaw extends fc.Arbitrary<infer T> ? T : never;
type Draft = Omit<Request, "body"> & { json: Json | undefined; flaws: Flaw[]; raw: string | null; isText: boolean };

const MAX_STEPS = 24;
const ONE_TOLD_IN = 6;

/** Sequences of requests: things are made, used, ended and used again. `tellers`: who tells of them from outside. */
export function sequences(
  document: Document,
  operations: readonly Operation[],
  tellers: readonly Teller[] = [],
): fc.Arbitrary<Step[]> {
  const requests = operations.map((operation) => ({
    weight: weightOf(operation),
    arbitrary: requestTo(document, operation),
  }));
  const raw = fc.constantFrom(...RAW_REQUESTS).map((bytes): Step => ({ kind: "raw", bytes }));
  const total = requests.reduce((sum, { weight }) => sum + weight, 0);
  const told = tellers.length === 0 ? [] : [{ weight: Math.ceil(total / ONE_TOLD_IN), arbitrary: tellings(tellers) }];
  const step: fc.Arbitrary<Step> = fc.oneof({ weight: 1, arbitrary: raw }, ...requests, ...told);
  return fc.array(step, { minLength: 1, maxLength: MAX_STEPS, size: "max" });
}

/** What makes things comes often, so that there is something to use; what uses nothing comes seldom. */
function weightOf({ body, names, method }: Operation): number {
  if (method === "POST" && body && names.length === 0) return 16;
  return body || names.length > 0 ? 4 : 3;
}

const REPLACEABLE_HEADERS = new Set(["If-Match", "If-None-Match", "Idempotency-Key"]);

/** Nothing but one time in so many. */
function seldom<T>(arbitrary: fc.Arbitrary<T>, oneIn: number): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

function requestTo(document: Document, operation: Operation): fc.Arbitrary<Step> {
  const parts = operation.names.map((name) => {
    const schema =
      operation.parameters.find((parameter) => parameter.in === "path" && parameter.name === name)?.schema ?? {};
    return fitting(document, schema, name).map((value) => encodeURIComponent(wellFormed(String(value))));
  });
  // Half of the time one of the newest, so that what was just made is used, ended and used again.
  const known = fc.record({ at: fc.oneof(fc.nat(3), fc.nat(1_000)) });
  const has = (header: string) =>
    operation.parameters.some(({ in: where, name }) => where === "header" && name === header);
  const hasCursor = operation.parameters.some(({ name }) => name === "cursor");
  const perhaps = (is: boolean) => (is ? seldom(known, 3) : fc.constant(undefined));
  const plain = fc.record({
    kind: fc.constant<"request">("request"),
    operation: fc.constant(operation.id),
    actor: fc.nat(20),
    which: fc.oneof(
      { weight: 6, arbitrary: known },
      { weight: 1, arbitrary: fc.tuple(...parts).map((all) => ({ parts: all })) },
    ),
    query: queryOf(document, operation.parameters),
    learned: fc.record({
      ifMatch: perhaps(has("If-Match")),
      ifNoneMatch: perhaps(has("If-None-Match")),
      idempotencyKey: perhaps(has("Idempotency-Key")),
      cursor: perhaps(hasCursor),
    }),
    json: operation.body ? bodyOf(document, operation.body) : fc.constant(undefined),
    isText: fc.constant(operation.body !== null && operation.body.mediaType !== JSON_TYPE),
  });
  const valid: fc.Arbitrary<Draft> = plain.map(
    (draft) => ({ ...draft, intent: "valid", headers: {}, flaws: [], raw: null }) as Draft,
  );
  const near: fc.Arbitrary<Draft> = fc
    .tuple(
      plain,
      fc.array(flaw, { minLength: 1, maxLength: 2 }),
      fc.tuple(...operation.names.map(() => nastyWord)),
      queryFlaw(operation),
    )
    .map(
      ([draft, flaws, words, query]) =>
        ({
          ...draft,
          intent: "near-valid" as const,
          headers: {},
          // Where there is no body to be wrong, the path or the query is.
          ...(operation.body
            ? { flaws }
            : {
                flaws: [],
                which: { parts: words.map((word) => encodeURIComponent(wellFormed(word))) },
                query: [...draft.query, ...query],
              }),
          raw: null,
        }) as Draft,
    );
  const hostile: fc.Arbitrary<Draft> = fc
    .record({
      draft: plain,
      parts: seldom(fc.tuple(...operation.names.map(() => hostilePart)), 3),
      query: seldom(hostileQuery, 3),
      headers: seldom(hostileHeaders, 1),
      raw: seldom(hostileBody, operation.body ? 1 : 4),
      method: seldom(fc.constantFrom(...OTHER_METHODS), 6),
    })
    .map(
      ({ draft, parts, query, headers = {}, raw = null, method }) =>
        ({
          ...draft,
          intent: "hostile" as const,
          headers,
          learned: Object.keys(headers).some((name) => REPLACEABLE_HEADERS.has(name)) ? {} : draft.learned,
          ...(parts ? { which: { parts: [...parts] } } : {}),
          query: query === undefined ? draft.query : [query],
          flaws: [],
          raw,
          ...(method ? { method } : {}),
        }) as Draft,
    );
  return fc
    .oneof({ weight: 6, arbitrary: valid }, { weight: 3, arbitrary: near }, { weight: 2, arbitrary: hostile })
    .map(toRequest);
}

/** Now and then the documentation's own example: what is read there is tried. */
function bodyOf(
  document: Document,
  { mediaType, schema, example }: NonNullable<Operation["body"]>,
): fc.Arbitrary<Json> {
  const made = mediaType === JSON_TYPE ? fitting(document, schema) : contactsCsv;
  if (example === undefined) return made;
  return fc.oneof({ weight: 6, arbitrary: made }, { weight: 1, arbitrary: fc.constant(example) });
}

/** A few parameters only: each that is named leaves less to be found. */
function queryOf(document: Document, parameters: readonly Parameter[]): fc.Arbitrary<string[]> {
  const parts = parameters
    .filter(({ in: where, name }) => where === "query" && name !== "cursor")
    .map(({ name, schema }) => {
      const part = fitting(document, schema, name).map(
        (value) => `${name}=${encodeURIComponent(wellFormed(String(value)))}`,
      );
      return seldom(part, 4);
    });
  return fc.tuple(...parts).map((all) => all.filter((part) => part !== undefined));
}

function queryFlaw({ parameters }: Operation): fc.Arbitrary<string[]> {
  const names = parameters.filter(({ in: where }) => where === "query").map(({ name }) => name);
  return fc
    .tuple(fc.constantFrom("colour", "Limit", ...names), nastyWord)
    .map(([name, word]) => [`${name}=${encodeURIComponent(wellFormed(word))}`]);
}

function toRequest({ json, flaws, raw, isText, ...draft }: Draft): Request {
  if (raw !== null) return { ...draft, body: raw };
  if (json === undefined) return { ...draft, body: null };
  const value = flaws.reduce<Json>(flawed, json);
  const text = isText && typeof value === "string" ? value : JSON.stringify(value);
  return { ...draft, body: Buffer.from(text).toString("latin1") };
}

/** A URL can't carry halves of surrogate pairs; bodies can, and do. */
function wellFormed(text: string): string {
  return text.toWellFormed();
}
