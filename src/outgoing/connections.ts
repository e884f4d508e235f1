import { type ClientRequestArgs, Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { IDLE_MS, KEPT_CONNECTIONS } from "./limits.ts";
import type { Scheme } from "./settings.ts";

type Agents = Record<Scheme, HttpAgent>;

/** Connections to addresses that were judged: of their own for each request, or kept for others to the same name there. */
export interface Connections {
  ofItsOwn: Agents;
  kept: Agents;
  close(): void;
}

/** Without the proxies that newer versions of Node would take from the environment. */
export function openConnections(): Connections {
  const keep = { keepAlive: true, maxFreeSockets: KEPT_CONNECTIONS, timeout: IDLE_MS };
  const kept = { http: new OneNameAgent(keep), https: new HttpsAgent(keep) };
  const ofItsOwn = { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) };
  const all = [kept.http, kept.https, ofItsOwn.http, ofItsOwn.https];
  return { kept, ofItsOwn, close: () => all.forEach((agent) => void agent.destroy()) };
}

/**
 * Shares no connection between two names at one address, as HTTPS doesn't: what one of them would send unasked would be
 * taken for the answer of the other.
 */
class OneNameAgent extends HttpAgent {
  override getName(options?: ClientRequestArgs): string {
    const { host } = (options?.headers ?? {}) as Record<string, string>;
    return `${super.getName(options)}:${host}`;
  }
}
