import type { IncomingMessage } from "node:http";
import { addressRules } from "./address-rules.ts";
import { addressesOf } from "./addresses.ts";
import { readBody } from "./body.ts";
import { openConnections } from "./connections.ts";
import { DEFAULT_RESPONSE_BYTES, DEFAULT_TIMEOUT_MS, MAX_RESPONSE_BYTES } from "./limits.ts";
import { type Answer, Failed, type Failure, HeldBack } from "./outcome.ts";
import { type OutgoingRequest, prepare } from "./request.ts";
import { dnsResolver, type Resolve } from "./resolve.ts";
import { sendTo, type Try } from "./send.ts";
import type { OutgoingSettings } from "./settings.ts";
import { startTiming } from "./timing.ts";
import { whyFailed } from "./why-failed.ts";

/** HTTP to URLs that users gave. */
export interface GuardedHttp {
  /** Never throws for what the request, the network or the receiver is like: that is a `Failure`. Throws what its `beforeSend` does, unless the receiver may have seen the request before it was asked once more. */
  request(wanted: OutgoingRequest): Promise<Answer | Failure>;
  /** Ends connections that are kept. */
  close(): void;
}

export interface GuardedHttpOptions {
  /** How names become addresses; default: by the machine's name servers. */
  resolve?: Resolve;
  /** Certificates (PEM) to trust instead of the usual ones. */
  trust?: string;
}

/**
 * HTTP that reaches public addresses and what the operator allows, and nothing else. A name is looked up once; all of its
 * addresses are judged, and exactly those are connected to. Redirects are not followed, proxies not used, and an answer may
 * take only so much time and memory.
 */
export function guardedHttp(settings: OutgoingSettings, options: GuardedHttpOptions = {}): GuardedHttp {
  const rules = addressRules(settings);
  const resolve = options.resolve ?? dnsResolver();
  const connections = openConnections();

  async function request(wanted: OutgoingRequest): Promise<Answer | Failure> {
    const { signal, end } = startTiming(wanted.timeoutMs ?? DEFAULT_TIMEOUT_MS, wanted.signal);
    let mayHaveArrived = false;
    try {
      const prepared = prepare(wanted, settings);
      const addresses = await addressesOf(prepared.target.host, rules, resolve, signal);
      const outgoing = { ...prepared, trust: options.trust, signal };
      const tried = await firstThatConnects(addresses, (address) => sendTo(address, outgoing, connections));
      mayHaveArrived = "response" in tried || tried.reached.receiver;
      if ("error" in tried) throw tried.error;
      const answer = await answerOf(tried.response, wanted, signal);
      return tried.mayHaveBeenSeen ? { ...answer, mayHaveBeenSeen: true } : answer;
    } catch (error) {
      if (error instanceof HeldBack) throw error.thrown;
      const { kind, message } = whyFailed(signal.aborted ? signal.reason : error);
      return { ok: false, kind, because: message, mayHaveArrived };
    } finally {
      end();
    }
  }

  return { request, close: () => connections.close() };
}

/** The next address only if nobody was at the one before. */
async function firstThatConnects(addresses: readonly string[], send: (address: string) => Promise<Try>): Promise<Try> {
  const nobody = { somebody: false, receiver: false };
  let last: Try = { error: new Failed("unreachable", "its host has no address"), reached: nobody };
  for (const address of addresses) {
    last = await send(address);
    if ("response" in last || last.reached.somebody) break;
  }
  return last;
}

async function answerOf(response: IncomingMessage, wanted: OutgoingRequest, signal: AbortSignal): Promise<Answer> {
  const { method, need = "whole", maxResponseBytes = DEFAULT_RESPONSE_BYTES } = wanted;
  const chunks: Buffer[] = [];
  let isWhole = true;
  try {
    if (method === "HEAD") response.resume();
    else await readBody(response, Math.min(maxResponseBytes, MAX_RESPONSE_BYTES), chunks, signal);
  } catch (error) {
    response.destroy();
    if (need === "whole" || wanted.signal?.aborted) throw error;
    isWhole = false;
  }
  const headers = Object.entries(response.headers).map(([name, value]) => [name, [value].flat().join(", ")]);
  return {
    ok: true,
    status: response.statusCode ?? 0,
    headers: Object.fromEntries(headers),
    body: Buffer.concat(chunks),
    isWhole,
  };
}
