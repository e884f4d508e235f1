import type { FastifyRequest } from "fastify";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { isAnybody } from "../../src/api/actor.ts";
import { Contact } from "../../src/api/schemas/contact.ts";
import { Delivery } from "../../src/api/schemas/delivery.ts";
import { Flag } from "../../src/api/schemas/flag.ts";
import { ProblemDetails } from "../../src/api/schemas/problem.ts";
import { Reminder } from "../../src/api/schemas/reminder.ts";
import { TimelineLine } from "../../src/api/schemas/timeline.ts";
import { buildServer, type ServerOptions } from "../../src/api/server.ts";
import { type Channels, channelMap } from "../../src/channels/registry.ts";
import { Keyring } from "../../src/secrets/keyring.ts";
import { newMasterKey, parseMasterKeys } from "../../src/secrets/master-key.ts";
import type { Database } from "../../src/store/postgres.ts";
import { apiDatabase } from "../../src/store/tenant-database.ts";
import { emailChannel } from "./email.ts";
import { sinkChannel } from "./sink.ts";

export type ReminderJson = z.output<typeof Reminder>;
export type ProblemJson = z.output<typeof ProblemDetails>;
export type LifecycleVerb = "pause" | "resume" | "complete" | "trigger" | "restore";

export interface Answer {
  status: number;
  headers: Headers;
  /** Parsed JSON, or the text that isn't any; undefined where there is no body. */
  body: unknown;
}

/** A client of an API that listens on a port of its own. Every answer is held to its schema. */
export interface TestApi {
  url: string;
  /** Any request. An answer from 400 up must be a problem as RFC 9457 has it. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A request that must be refused with this status. */
  refused(status: number, method: string, path: string, body?: unknown): Promise<ProblemJson>;
  create(wish?: Record<string, unknown>): Promise<ReminderJson>;
  get(id: number): Promise<ReminderJson>;
  patch(id: number, edit: Record<string, unknown>): Promise<ReminderJson>;
  remove(id: number): Promise<void>;
  act(id: number, verb: LifecycleVerb): Promise<ReminderJson>;
  list(query?: Record<string, string>): Promise<ReminderJson[]>;
  /** All items of a list, page by page, following the links. */
  all(path: string): Promise<unknown[]>;
  deliveries(id: number): Promise<z.output<typeof Delivery>[]>;
  timeline(id: number): Promise<z.output<typeof TimelineLine>[]>;
  setFlag(key: string, value: boolean): Promise<z.output<typeof Flag>>;
  putContact(entityType: string, entityId: string, contact: Record<string, unknown>): Promise<z.output<typeof Contact>>;
}

let counter = 0;

/** One for all APIs of a test file, so that what one has sealed another can open. */
const ownKeys = new Keyring(parseMasterKeys(newMasterKey()));

/** A wish that the API grants, about an entity of its own. */
export function wish(fields: Record<string, unknown> = {}): Record<string, unknown> {
  counter += 1;
  return {
    entity_type: "interviewer",
    entity_id: `INT_${counter}`,
    event_type: "feedback_form",
    channel: "email",
    schedule_type: "recurring",
    interval_minutes: 60,
    ...fields,
  };
}

/**
 * Serves the API on a free port until the test ends. Without `channels` it knows `email`, in demo mode, and `sink`; without
 * `tenant`, whoever asks acts for whom his key is, or for `default` while there are no keys. The client shows `key`.
 */
export async function startApi(
  database: Database,
  options: { channels?: Channels; tenant?: string; key?: string } & Pick<
    ServerOptions,
    | "log"
    | "access"
    | "minIntervalSeconds"
    | "keyring"
    | "installation"
    | "bounceSecret"
    | "http"
    | "slack"
    | "publicUrl"
    | "pushKey"
  > = {},
): Promise<TestApi> {
  const {
    channels = channelMap([emailChannel(null), sinkChannel()]),
    tenant,
    key,
    keyring = ownKeys,
    ...others
  } = options;
  const actor = tenant ? { actorOf: (request: FastifyRequest) => ({ ...isAnybody(request), tenant }) } : {};
  const server = await buildServer({ database: apiDatabase(database), channels, keyring, ...actor, ...others });
  onTestFinished(() => server.close());
  return client(await server.listen({ host: "127.0.0.1", port: 0 }), key);
}

/** A client that shows this key with every request. */
export function client(url: string, key?: string): TestApi {
  const shown: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const call: TestApi["call"] = async (method, path, body, given = {}) => {
    const headers = { ...shown, ...given };
    const json = { body: JSON.stringify(body), headers: { ...headers, "content-type": "application/json" } };
    const response = await fetch(`${url}${path}`, { method, ...(body === undefined ? { headers } : json) });
    return readAnswer(response);
  };
  const granted = async (status: number[], method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await call(method, path, body);
    if (!status.includes(answer.status)) {
      throw new Error(`${method} ${path} was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  };
  const reminder = async (method: string, path: string, body?: unknown): Promise<ReminderJson> =>
    Reminder.parse(await granted([200, 201], method, path, body));

  return {
    url,
    call,
    refused: async (status, method, path, body) => {
      const answer = await call(method, path, body);
      if (answer.status !== status) {
        throw new Error(`${method} ${path}: ${answer.status} instead of ${status}: ${JSON.stringify(answer.body)}`);
      }
      return answer.body as ProblemJson;
    },
    create: (fields) => reminder("POST", "/reminders/", wish(fields)),
    get: (id) => reminder("GET", `/reminders/${id}?include_deleted=true`),
    patch: (id, edit) => reminder("PATCH", `/reminders/${id}`, edit),
    remove: async (id) => {
      await granted([204], "DELETE", `/reminders/${id}`);
    },
    act: (id, verb) => reminder("POST", `/reminders/${id}/${verb}`),
    list: async (query = {}) =>
      z.array(Reminder).parse(await granted([200], "GET", `/reminders/?${new URLSearchParams(query)}`)),
    all: async (path) => {
      const items: unknown[] = [];
      for (let next: string | undefined = path; next !== undefined; ) {
        const answer: Answer = await call("GET", next);
        items.push(...(answer.body as unknown[]));
        next = /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
      }
      return items;
    },
    deliveries: async (id) => z.array(Delivery).parse(await granted([200], "GET", `/reminders/${id}/deliveries`)),
    timeline: async (id) => z.array(TimelineLine).parse(await granted([200], "GET", `/reminders/${id}/timeline`)),
    setFlag: async (key, value) =>
      Flag.parse(await granted([200, 201], "PUT", `/flags/${encodeURIComponent(key)}`, { value })),
    putContact: async (entityType, entityId, contact) =>
      Contact.parse(
        await granted(
          [200, 201],
          "PUT",
          `/contacts/${encodeURIComponent(entityType)}/${encodeURIComponent(entityId)}`,
          contact,
        ),
      ),
  };
}

/** The answer to a request; one from 400 up must be a whole problem whose status is the answer's. */
export async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  const body: unknown = text === "" ? undefined : /json/.test(type) ? JSON.parse(text) : text;
  if (status >= 400) {
    if (!type.startsWith("application/problem+json")) throw new Error(`${status} as ${type}: ${text.slice(0, 300)}`);
    const problem = ProblemDetails.parse(body);
    if (problem.status !== status) throw new Error(`${status} says that it is ${problem.status}`);
  }
  return { status, headers, body };
}
