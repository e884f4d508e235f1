import type { z } from "zod";
import { canonicalJson } from "../core/canonical-json.ts";
import type { JsonObject, JsonValue } from "../core/json.ts";
import type { StopCondition } from "../core/reminder.ts";
import type { StopAnswer } from "../core/stop.ts";
import type { StopReminder } from "../core/stop-subject.ts";
import type { Answer, Failure } from "../outgoing/outcome.ts";
import type { OutgoingRequest } from "../outgoing/request.ts";
import { type Asking, CannotAsk, type StopConditionKind } from "./condition.ts";
import { type HttpCheckSettings, httpCheckSettings, httpCheckUrl } from "./http-check-settings.ts";
import { valueAt } from "./json-path.ts";
import { CannotFill, fillInJson, fillInUrl } from "./placeholders.ts";

/** What a check may read of an answer, decompressed. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const LONGEST_SHOWN_CHARS = 100;

/** Statuses that say no when they aren't the ones asked for: all others say that the question went wrong. */
const SAYS_NO = (status: number): boolean => (status >= 200 && status <= 299) || status === 404 || status === 410;

/** Met when a URL's answer has the status and the value that it should. */
export const httpCheck: StopConditionKind = {
  name: "http_check",
  description:
    "Met when a URL answers with the right status (`status`; by default any from 200 to 299) and, where `json_path` is given, the " +
    "value there is `equals`. Another 2xx, 404, 410 or another value: not met. Everything else, redirects included (they aren't " +
    "followed), and no answer in time: unknown. `{entity_type}`, `{entity_id}`, `{event_type}` and `{data.…}` are filled in, in " +
    "the path, the query and the body. The URL must be public, or allowed by the operator.",
  example: {
    value: "https://billing.example.com/invoices/{entity_id}",
    settings: {
      headers: { authorization: { secret: "billing", prefix: "Bearer " } },
      json_path: "$.status",
      equals: "paid",
      cache_seconds: 60,
    },
  },
  value: httpCheckUrl,
  settings: httpCheckSettings.prefault({}) as unknown as z.ZodType<JsonObject>,
  asksOutside: true,
  objection: ({ value }, { refusesUrl }) => {
    const why = refusesUrl(placeholdersAside(value ?? ""));
    return why === null ? null : `must be a URL that may be asked: ${why}`;
  },
  question: (condition, { reminder }) => canonicalJson(filled(condition, reminder)),
  service: (condition) => originOf(condition),
  answer: async (condition, subject, asking) => {
    const asked = filled(condition, subject.reminder);
    const outcome = await asking.http.request(await requestOf(asked, asking));
    const { state, because } = verdict(outcome, asked);
    return { state, because, gotAt: null, freshForMs: state === "unknown" ? 0 : asked.settings.cache_seconds * 1000 };
  },
};

interface Asked {
  url: string;
  settings: HttpCheckSettings;
}

/** The question as it is asked for this reminder. Throws `CannotAsk` where it can't be. */
function filled(condition: StopCondition, reminder: StopReminder): Asked {
  const settings = httpCheckSettings.parse(condition.settings ?? {});
  try {
    const url = fillInUrl(condition.value ?? "", reminder);
    if (settings.body === undefined) return { url, settings };
    return { url, settings: { ...settings, body: fillInJson(settings.body as JsonValue, reminder) } };
  } catch (error) {
    throw error instanceof CannotFill ? new CannotAsk(`http_check ${error.message}`) : error;
  }
}

/** Scheme, host and port: whom it asks, and whom secrets were stored for. */
function originOf({ value }: StopCondition): string {
  return new URL(placeholdersAside(value ?? "")).origin;
}

/** Placeholders stand behind the host only. */
function placeholdersAside(url: string): string {
  return url.replaceAll(/[{}]/g, "_");
}

async function requestOf({ url, settings }: Asked, { secret, signal }: Asking): Promise<OutgoingRequest> {
  const { method, body, timeout_ms: timeoutMs } = settings;
  const { origin } = new URL(url);
  const headers: Record<string, string> = { accept: "application/json" };
  for (const [name, value] of Object.entries(settings.headers)) {
    headers[name.toLowerCase()] =
      typeof value === "string" ? value : value.prefix + (await secret(value.secret, origin));
  }
  if (body !== undefined) headers["content-type"] ??= "application/json";
  return {
    ...{ method, url, headers, signal, timeoutMs },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    maxResponseBytes: MAX_ANSWER_BYTES,
    need: settings.json_path === undefined ? "status" : "whole",
  };
}

type Verdict = Pick<StopAnswer, "state" | "because">;

/** What an answer means, in a sentence that quotes nothing of it that may be secret. */
function verdict(outcome: Answer | Failure, { url, settings }: Asked): Verdict {
  const { host } = new URL(url);
  if (!outcome.ok) {
    const what = outcome.kind === "refused" ? "was not asked" : "did not answer";
    return { state: "unknown", because: `${host} ${what}: ${outcome.because}` };
  }
  const { status } = outcome;
  if (!isWanted(status, settings)) {
    return { state: SAYS_NO(status) ? "not_met" : "unknown", because: `${host} answered with status ${status}` };
  }
  const { json_path: path, equals } = settings;
  if (path === undefined || equals === undefined)
    return { state: "met", because: `${host} answered with status ${status}` };

  const document = parseJson(outcome.body);
  if (document === undefined) return { state: "unknown", because: `${host} answered with what is not JSON` };
  const value = valueAt(document, path);
  if (value === equals) return { state: "met", because: `${host} answered that ${path} is ${shown(value)}` };
  return { state: "not_met", because: `${host} answered that ${path} ${isOtherwise(value, settings)}` };
}

function isWanted(status: number, { status: wanted }: HttpCheckSettings): boolean {
  if (wanted === undefined) return status >= 200 && status <= 299;
  return [wanted].flat().includes(status);
}

/** What the value is; not where a secret was sent along, which some services send back. */
function isOtherwise(value: JsonValue | undefined, { headers }: HttpCheckSettings): string {
  if (value === undefined) return "is not there";
  if (Object.values(headers).some((header) => typeof header !== "string")) return "is something else";
  return `is ${shown(value)}`;
}

function shown(value: JsonValue): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value);
  return text.length > LONGEST_SHOWN_CHARS ? `${text.slice(0, LONGEST_SHOWN_CHARS).toWellFormed()}…` : text;
}

function parseJson(body: Buffer): JsonValue | undefined {
  try {
    return JSON.parse(body.toString("utf8").replace(/^\uFEFF/, "")) as JsonValue;
  } catch {
    return undefined;
  }
}
