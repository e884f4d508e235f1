import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import { listenOnLoopback } from "./loopback.ts";

/** A request as it came. */
export interface ReceivedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface HttpReceiver {
  url: string;
  received: ReceivedRequest[];
  /** What it does with the next requests; set it to change how it behaves. */
  behave: (response: ServerResponse, request: ReceivedRequest) => void;
}

/** A real HTTP server on loopback that keeps what it gets, and answers 200 until told otherwise. */
export async function startHttpReceiver(): Promise<HttpReceiver> {
  const sockets = new Set<Socket>();
  const receiver: HttpReceiver = { url: "", received: [], behave: (response) => void response.end() };
  const server = createServer(async (request, response) => {
    const { method = "", url: path = "", headers } = request;
    const received = { method, path, headers, body: await text(request) };
    receiver.received.push(received);
    receiver.behave(response, received);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  receiver.url = `http://127.0.0.1:${await listenOnLoopback(server, sockets)}`;
  return receiver;
}

/** Answers with this status and nothing else. */
export function answer(status: number, headers: Record<string, string> = {}, body = ""): HttpReceiver["behave"] {
  return (response) => void response.writeHead(status, headers).end(body);
}
