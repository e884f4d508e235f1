import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import type { Connections } from "./connections.ts";
import { CONNECT_MS, MAX_INTERIM_ANSWERS, MAX_RESPONSE_HEADER_BYTES } from "./limits.ts";
import { Failed, HeldBack } from "./outcome.ts";
import type { Prepared } from "./request.ts";

export interface Outgoing extends Prepared {
  /** Certificates (PEM) to trust instead of the usual ones. */
  trust: string | undefined;
  /** Its reason is a `Failed`. */
  signal: AbortSignal;
}

/** How far a try has come: to somebody who accepts connections, and to where they may see the request. */
export interface Reached {
  somebody: boolean;
  receiver: boolean;
}

/** What came of one try: the head of an answer, or an error. */
export type Try = { response: IncomingMessage; mayHaveBeenSeen?: true } | { error: Error; reached: Reached };

/**
 * Sends the request to exactly this address. Where it may go out twice it uses a connection that was kept, and another one
 * if that turns out to have been closed meanwhile. Where the request may have been seen over the first, that is told, whatever comes of the second.
 */
export async function sendTo(address: string, outgoing: Outgoing, connections: Connections): Promise<Try> {
  if (!outgoing.isRepeatable) return (await tryOnce(address, outgoing, connections.ofItsOwn)).result;
  const { result, onKept } = await tryOnce(address, outgoing, connections.kept);
  if (!onKept || !isBrokenOff(result)) return result;
  const { result: again } = await tryOnce(address, outgoing, connections.ofItsOwn);
  const wasSeen = "error" in result && result.reached.receiver;
  if (!wasSeen) return again;
  return "response" in again ? { ...again, mayHaveBeenSeen: true } : result;
}

function isBrokenOff(result: Try): boolean {
  return "error" in result && ["ECONNRESET", "EPIPE"].includes((result.error as NodeJS.ErrnoException).code ?? "");
}

function tryOnce(
  address: string,
  outgoing: Outgoing,
  agents: Connections["kept"],
): Promise<{ result: Try; onKept: boolean }> {
  const { signal, body, target, beforeSend } = outgoing;
  return new Promise((resolve) => {
    const request = open(address, outgoing, agents);
    const reached: Reached = { somebody: false, receiver: false };
    let hasEnded = false;
    const settle = (result: Try): void => {
      hasEnded = true;
      clearTimeout(slow);
      signal.removeEventListener("abort", giveUp);
      resolve({ result, onKept: request.reusedSocket });
    };
    // Settled here: a request that Node holds for ended already tells of no error.
    const fail = (error: Error): void => {
      settle({ error, reached });
      request.destroy(error);
    };
    const giveUp = (): void => fail(signal.reason);
    const slow = setTimeout(() => fail(tooSlowToConnect()), CONNECT_MS);
    signal.addEventListener("abort", giveUp, { once: true });

    // Until it ends, nothing of it leaves: not even its head.
    whenConnected(request, target.scheme === "https", reached, () => {
      clearTimeout(slow);
      beforeSend().then(
        () => {
          // What broke while that was asked has shown nothing to anybody.
          if (hasEnded || request.destroyed) return;
          reached.receiver = true;
          request.end(body ?? undefined);
        },
        (thrown: unknown) => fail(new HeldBack(thrown)),
      );
    });
    request.once("response", (response) => {
      settle({ response });
      // What breaks from now on concerns whoever reads the body.
      request.on("error", (error) => response.destroy(error));
    });
    request.on("error", (error) => settle({ error, reached }));
    request.once("upgrade", (_, socket) => {
      socket.destroy();
      fail(new Failed("unreadable", "it answered in another protocol"));
    });
    failAfterInterimAnswers(request, fail);
  });
}

function open(address: string, outgoing: Outgoing, agents: Connections["kept"]): ClientRequest {
  const { target, method, headers, trust } = outgoing;
  return (target.scheme === "https" ? requestHttps : requestHttp)({
    agent: agents[target.scheme],
    host: address,
    port: target.port,
    lookup: neverLookUp,
    // Whose certificate it must be. An address can't be named so (RFC 6066 §3); then it is compared with `host`.
    servername: isIP(target.host) === 0 ? target.host : "",
    rejectUnauthorized: true,
    ...(trust === undefined ? {} : { ca: trust }),
    method,
    path: target.path,
    headers: { ...headers },
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    insecureHTTPParser: false,
  });
}

/** The address is known. If anything wanted to look up another one, this would say so and the request would fail. */
const neverLookUp: LookupFunction = (_, __, callback) => callback(new Error("looked up a second time"), []);

function whenConnected(request: ClientRequest, isEncrypted: boolean, reached: Reached, connected: () => void): void {
  request.once("socket", (socket) => {
    if (request.reusedSocket) {
      reached.somebody = true;
      return connected();
    }
    socket.once(isEncrypted ? "secureConnect" : "connect", connected);
    socket.once("connect", () => {
      reached.somebody = true;
    });
  });
}

function failAfterInterimAnswers(request: ClientRequest, fail: (error: Error) => void): void {
  let interim = 0;
  request.on("information", () => {
    interim += 1;
    if (interim > MAX_INTERIM_ANSWERS) fail(new Failed("too_much", "it answered with interim answers only"));
  });
}

function tooSlowToConnect(): Failed {
  return new Failed("timed_out", `there was no connection within ${CONNECT_MS / 1000} s`);
}
