import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { withinMs } from "../engine/within.ts";
import type { Service } from "./run.ts";
import { CannotRun } from "./say.ts";

/** How long requests under way are waited for when the API is closed. */
const CLOSE_MS = 1_500;

/** Lets the API answer on HOST:PORT, and returns its URL. Throws `CannotRun` when the address can't be had. */
export async function listen(server: FastifyInstance, { config }: Service): Promise<string> {
  const { host, port } = config.http;
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw cannotListen(error as NodeJS.ErrnoException, host, port);
  }
  const { port: actual } = server.server.address() as AddressInfo;
  return `http://${reachable(host)}:${actual}`;
}

/** Answers what was asked, then cuts off who is still connected. */
export async function closeApi(server: FastifyInstance): Promise<void> {
  const closed = server.close();
  await withinMs(CLOSE_MS, closed);
  server.server.closeAllConnections();
  await closed;
}

/** As it stands in a URL; the addresses that mean "every interface" are no place to go to. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function cannotListen(error: NodeJS.ErrnoException, host: string, port: number): unknown {
  switch (error.code) {
    case "EADDRINUSE":
      return new CannotRun(`port ${port} of ${host} is already in use: set another PORT, or stop what uses it`);
    case "EACCES":
      return new CannotRun(`this user may not use port ${port}: set a PORT of 1024 or more`);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return new CannotRun(`${host} is no address of this machine: set HOST to one, or to 0.0.0.0 for all`);
    default:
      return error;
  }
}
