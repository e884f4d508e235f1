import type { MessageLinks } from "../../src/channels/channel.ts";
import type { OwnPurpose } from "../../src/core/answer.ts";
import { startApi, type TestApi } from "./api.ts";
import { until } from "./wait.ts";
import { type World, world } from "./world.ts";

export interface Answering extends World {
  api: TestApi;
  /** Inserts a reminder that is due now, and returns the links of its message once that is sent. */
  send(columns?: Record<string, unknown>): Promise<{ id: number; links: MessageLinks }>;
  /** The links of the newest message of a reminder, once `count` were sent. */
  linksOf(id: number, count?: number): Promise<MessageLinks>;
}

/** A world whose messages can be answered. */
export async function answering(days = 30): Promise<Answering> {
  const here = await world();
  const api = await startApi(here.database, { channels: new Map([["sink", here.sink]]) });
  here.work({ links: { publicUrl: api.url, days } });
  const linksOf: Answering["linksOf"] = async (id, count = 1) => {
    const mine = () => here.sink.received.filter(({ reminder }) => reminder.id === id);
    await until(async () => mine().length >= count, `${count} messages of reminder ${id} are sent`);
    return mine().at(-1)?.links as MessageLinks;
  };
  return {
    ...here,
    advance: advanceOnceStored(here),
    api,
    linksOf,
    send: async (columns = {}) => {
      const id = await here.insert({ run_at: new Date(Date.now() - 1_000), ...columns });
      return { id, links: await linksOf(id) };
    },
  };
}

/** How long a message may be answered counts from when it had left, as that was stored: time passes once it is. */
export function advanceOnceStored({ database, advance }: Pick<World, "database" | "advance">): World["advance"] {
  const isSending = "select from deliveries where status = 'sending'";
  return async (by) => {
    await until(async () => (await database.query(isSending)).length === 0, "what was sent is stored");
    await advance(by);
  };
}

export interface Page {
  status: number;
  headers: Headers;
  text: string;
}

/** Opens a page. */
export async function open(url: string, init: RequestInit = {}): Promise<Page> {
  const response = await fetch(url, { redirect: "error", ...init });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Presses a button. */
export async function press(url: string, fields: Record<string, string> = {}): Promise<Page> {
  return open(url, { method: "POST", body: new URLSearchParams(fields) });
}

/** Where a page's forms and links lead, as a browser has it. */
export function waysOn(page: string, at: string): string[] {
  return [...page.matchAll(/(?:action|href)="([^":]+)"/g)].map(([, to = ""]) => new URL(to, at).href);
}

/** What each kind of link takes, so that it does something. */
export const PRESSES: Record<Exclude<OwnPurpose, "why">, Record<string, string>> = {
  done: { choice: "done" },
  snooze: { choice: "1d" },
  promise: { choice: "1w" },
  not_me: { choice: "not_me" },
  stop: { choice: "reminder" },
};
