import { z } from "zod";
import { headerNameMistake, isHeaderValue } from "../outgoing/headers.ts";
import { urlMistake } from "../outgoing/target.ts";
import { isJsonPath } from "./json-path.ts";
import { strayBraces } from "./placeholders.ts";

const LONGEST_URL_CHARS = 2_000;
const LARGEST_BODY_CHARS = 10_000;
const MOST_HEADERS = 20;
const LONGEST_HEADER_CHARS = 1_000;
const MOST_STATUSES = 20;
const LONGEST_TEXT_CHARS = 1_000;

const DEFAULT_TIMEOUT_MS = 5_000;
const SHORTEST_TIMEOUT_MS = 100;
const LONGEST_TIMEOUT_MS = 10_000;
const DEFAULT_CACHE_SECONDS = 30;
const LONGEST_CACHE_SECONDS = 3_600;

/** What usually is a secret, and may not stand in a reminder, where everybody reads it who may read reminders. */
const SECRET_HEADERS = new Set(["authorization", "cookie", "x-api-key"]);

/** Everything before the path: no placeholder may decide who is asked. */
const WITHOUT_PLACEHOLDERS = /^https?:\/\/[^/?#\\{}]+([/?#]|$)/i;

const MUST_BE = "must be a URL like https://billing.example.com/invoices/{entity_id}";

export const httpCheckUrl = z
  .string()
  .max(LONGEST_URL_CHARS)
  .superRefine((url, context) => {
    const mistake = mistakeIn(url);
    if (mistake !== null) context.addIssue({ code: "custom", message: `${MUST_BE}: ${mistake}` });
  });

function mistakeIn(url: string): string | null {
  const stray = strayBraces(url);
  if (stray !== null) return `${stray} is no placeholder`;
  const mistake = urlMistake(url.replaceAll(/[{}]/g, "_"));
  if (mistake !== null) return mistake;
  if (WITHOUT_PLACEHOLDERS.test(url)) return /#.*\{/.test(url) ? "what stands behind a # is never sent" : null;
  return /[{}]/.test(url)
    ? "placeholders may stand in its path and its query only"
    : "its host must stand between // and the path, without a backslash";
}

const STATUS = "must be a status from 100 to 599, or a list of them";
const status = z.int({ error: STATUS }).min(100, { error: STATUS }).max(599, { error: STATUS });

const headerValue = z.union(
  [
    z.string().max(LONGEST_HEADER_CHARS).refine(isHeaderValue, { error: "must be one line of Latin letters" }),
    z.strictObject({
      secret: z.string().min(1).max(200).describe("name of a secret that the operator stored for this URL's origin"),
      prefix: z
        .string()
        .max(50)
        .refine(isHeaderValue, { error: "must be one line of Latin letters" })
        .default("")
        .describe("what stands before it, such as `Bearer `"),
    }),
  ],
  { error: 'must be a text, or a secret by its name, as in {"secret": "billing"}' },
);

const headers = z.record(z.string().min(1).max(100), headerValue).superRefine((given, context) => {
  const names = Object.keys(given);
  if (names.length > MOST_HEADERS) context.addIssue({ code: "custom", message: `must have at most ${MOST_HEADERS}` });
  for (const name of names) {
    const mistake = headerNameMistake(name);
    const isRepeated = names.some((other) => other !== name && other.toLowerCase() === name.toLowerCase());
    if (isRepeated)
      context.addIssue({ code: "custom", path: [name], message: "must be there once, however it is written" });
    if (mistake !== null)
      context.addIssue({ code: "custom", path: [name], message: `must be another one: ${mistake}` });
    else if (SECRET_HEADERS.has(name.toLowerCase()) && typeof given[name] === "string") {
      const message = 'must be a secret that the operator stored, as in {"secret": "billing"}';
      context.addIssue({ code: "custom", path: [name], message });
    }
  }
});

export const httpCheckSettings = z
  .strictObject({
    method: z.enum(["GET", "POST"]).default("GET"),
    headers: headers.default({}).describe("each a text, or a secret by its name"),
    body: z
      .json()
      .refine((body) => JSON.stringify(body).length <= LARGEST_BODY_CHARS, {
        error: `must be at most ${LARGEST_BODY_CHARS} characters of JSON`,
      })
      .optional()
      .describe("sent as JSON, by POST only; placeholders in its texts are filled in"),
    status: z
      .union([status, z.array(status).min(1).max(MOST_STATUSES)], { error: STATUS })
      .optional()
      .describe("the status that means done, or several; left out: any from 200 to 299"),
    json_path: z
      .string()
      .refine(isJsonPath, { error: "must be a path of names and indexes like $.invoice.status or $['items'][0]" })
      .optional()
      .describe("where in the answer to look (RFC 9535, singular queries)"),
    equals: z
      .union([z.string().max(LONGEST_TEXT_CHARS), z.number(), z.boolean(), z.null()], {
        error: "must be a text, a number, true, false or null",
      })
      .optional()
      .describe("the value there that means done"),
    timeout_ms: z.int().min(SHORTEST_TIMEOUT_MS).max(LONGEST_TIMEOUT_MS).default(DEFAULT_TIMEOUT_MS),
    cache_seconds: z
      .int()
      .min(0)
      .max(LONGEST_CACHE_SECONDS)
      .default(DEFAULT_CACHE_SECONDS)
      .describe("for how long an answer serves all who ask the same"),
  })
  .superRefine((settings, context) => {
    const add = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    if (settings.body !== undefined && settings.method === "GET") add("body", "must be left out, or method be POST");
    if (settings.json_path !== undefined && settings.equals === undefined) {
      add("equals", "must be set where json_path is: the value that means done");
    }
    if (settings.equals !== undefined && settings.json_path === undefined) {
      add("json_path", "must be set where equals is: where to look for it");
    }
  });

export type HttpCheckSettings = z.output<typeof httpCheckSettings>;
