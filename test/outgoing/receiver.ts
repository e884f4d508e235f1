import { createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { type GuardedHttp, type GuardedHttpOptions, guardedHttp } from "../../src/outgoing/guarded-http.ts";
import { DEFAULT_OUTGOING } from "../../src/outgoing/settings.ts";
import { listenOnLoopback } from "../support/loopback.ts";
import { until } from "../support/wait.ts";

export interface Receiver {
  url: string;
  port: number;
  /** Connections so far. */
  connections: number;
  /** Heads of requests so far, as they came. */
  heads: string[];
  /** Connections that are open now. */
  open(): number;
  /** Waits until there are none. */
  isLeft(): Promise<unknown>;
}

/** A receiver on loopback that does with the socket whatever `onRequest` says when the head of a request has come. */
export async function startReceiver(onRequest: (socket: Socket, head: string, nth: number) => void): Promise<Receiver> {
  const sockets = new Set<Socket>();
  const heads: string[] = [];
  const isLeft = () => until(() => sockets.size === 0, "all connections are closed");
  const receiver: Receiver = { url: "", port: 0, connections: 0, heads, open: () => sockets.size, isLeft };
  const server = createServer((socket) => {
    receiver.connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      if (end === -1) return;
      heads.push(text.slice(0, end));
      text = "";
      onRequest(socket, heads.at(-1) as string, heads.length);
    });
  });
  receiver.port = await listenOnLoopback(server, sockets);
  receiver.url = `http://127.0.0.1:${receiver.port}`;
  return receiver;
}

/** A receiver that always answers with these bytes and closes. */
export function startAnswering(...answer: (string | Buffer)[]): Promise<Receiver> {
  return startReceiver((socket) => socket.end(Buffer.concat(answer.map((part) => Buffer.from(part)))));
}

/** Keeps on writing for as long as the other side reads. */
export function pour(socket: Socket, chunk: Buffer | string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on("drain", more);
  more();
}

/** HTTP that may reach loopback. */
export function loopbackHttp(options: GuardedHttpOptions = {}, allow = ["127.0.0.0/8"]): GuardedHttp {
  const http = guardedHttp({ ...DEFAULT_OUTGOING, ports: [{ from: 1, to: 65_535 }], allow }, options);
  onTestFinished(() => http.close());
  return http;
}
