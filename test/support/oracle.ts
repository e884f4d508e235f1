import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";
import { CannotAsk } from "../../src/conditions/condition.ts";
import type { Outside } from "../../src/engine/asking/outside.ts";
import { guardedHttp } from "../../src/outgoing/guarded-http.ts";
import { DEFAULT_OUTGOING } from "../../src/outgoing/settings.ts";
import { listenOnLoopback } from "./loopback.ts";

/** A service that is asked whether things are done. */
export interface Oracle {
  url: string;
  /** The paths that were asked for, in order. */
  asked: string[];
  /** What it says; nothing at all while it hangs. Set it to change its mind. */
  says: "done" | "not done" | "broken" | "nothing";
}

/** Listens on loopback until the test ends. */
export async function openOracle(says: Oracle["says"] = "not done"): Promise<Oracle> {
  const sockets = new Set<Socket>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    oracle.asked.push(request.url ?? "");
    if (oracle.says === "broken") response.writeHead(500).end();
    else if (oracle.says !== "nothing") response.end(JSON.stringify({ done: oracle.says === "done" }));
  };
  const server = createServer(answer);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const oracle: Oracle = { url: "", asked: [], says };
  oracle.url = `http://127.0.0.1:${await listenOnLoopback(server, sockets)}`;
  return oracle;
}

/** The columns of a reminder that goes on until the oracle says that it is done. */
export function untilSaid(url: string, settings: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    stop_condition_type: "http_check",
    stop_condition_value: url,
    stop_condition_settings: JSON.stringify({ json_path: "$.done", equals: true, cache_seconds: 0, ...settings }),
  };
}

/** What a worker of a test asks with: it reaches loopback, and has no secrets. */
export function outsideOnLoopback(): Outside {
  const ports = [{ from: 1024, to: 65_535 }];
  const http = guardedHttp({ ...DEFAULT_OUTGOING, ports, allow: ["127.0.0.1/32", "::1/128"] });
  onTestFinished(() => http.close());
  const secret = (_tenant: string, name: string): Promise<string> => Promise.reject(new CannotAsk(`no secret ${name}`));
  return { http, queries: {} as Outside["queries"], secret };
}
