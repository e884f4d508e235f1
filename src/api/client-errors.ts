import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { PROBLEM_MEDIA_TYPE, Problem } from "./problem.ts";
import { SAFE_HEADERS } from "./safe-headers.ts";

const CLIENT_ERRORS: Record<string, [status: number, detail: string]> = {
  HPE_HEADER_OVERFLOW: [431, "the address and the headers must be at most 16 kB together"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "the request did not arrive in time"],
};

interface ParserError extends Error {
  code?: string;
  /** What the parser was just reading: a Buffer. */
  rawPacket?: unknown;
}

/** What has been asked on a connection and not been answered yet. */
const unanswered = new WeakMap<Socket, Map<IncomingMessage, ServerResponse>>();
/** Connections that end once all is answered. */
const ending = new WeakSet<Socket>();

/** Lets `answerClientError` know what is under way. */
export function followRequests(api: FastifyInstance): void {
  api.addHook("onRequest", ({ raw }, reply, done) => {
    const { socket } = raw;
    const here = unanswered.get(socket) ?? new Map();
    unanswered.set(socket, here.set(raw, reply.raw));
    reply.raw.once("close", () => {
      here.delete(raw);
      if (ending.has(socket) && whole(socket).length === 0) socket.end();
    });
    done();
  });
}

/**
 * For what Node's parser refuses, before there is even a request. Where requests that came before it on the same connection
 * are not answered yet, a refusal would be taken for the answer to the first of them: they get theirs, and then it ends.
 */
export function answerClientError(error: ParserError, socket: Socket): void {
  if (ending.has(socket)) return;
  if (error.code === "ECONNRESET" || socket.destroyed || !socket.writable) {
    socket.destroy();
  } else if (whole(socket).length > 0) {
    ending.add(socket);
  } else if (isAnswering(socket)) {
    socket.destroy();
  } else {
    refuse(socket, error);
  }
}

/** The requests here that have come whole and aren't answered; the last one may have broken off in its body. */
function whole(socket: Socket): IncomingMessage[] {
  return [...(unanswered.get(socket)?.keys() ?? [])].filter((request) => request.complete);
}

function isAnswering(socket: Socket): boolean {
  return [...(unanswered.get(socket)?.values() ?? [])].some((response) => response.headersSent);
}

function refuse(socket: Socket, { code = "", rawPacket }: ParserError): void {
  const problem = new Problem(...(CLIENT_ERRORS[code] ?? ([400, "this is no readable HTTP request"] as const)));
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} Refused`,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    ...Object.entries(SAFE_HEADERS).map(([name, value]) => `${name}: ${value}`),
  ];
  // Whoever asks for the head alone takes a body for the beginning of another answer.
  const isHead = Buffer.isBuffer(rawPacket) && rawPacket.subarray(0, 5).toString("latin1") === "HEAD ";
  socket.end(`${head.join("\r\n")}\r\n\r\n${isHead ? "" : body}`);
}
