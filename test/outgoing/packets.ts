import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { Resolve } from "../../src/outgoing/resolve.ts";
import { listenOnLoopback } from "../support/loopback.ts";

/** Counts the connections that this process begins, wherever they lead: Node tells of each as it is made. */
export function countConnections(): { begun: number } {
  const count = { begun: 0 };
  const onSocket = (): void => {
    count.begun += 1;
  };
  subscribe("net.client.socket", onSocket);
  onTestFinished(() => void unsubscribe("net.client.socket", onSocket));
  return count;
}

/** Somebody on loopback who must not be reached, and how often it was. */
export async function startInside(): Promise<{ port: number; reached: number }> {
  const sockets = new Set<Socket>();
  const inside = { port: 0, reached: 0 };
  const server = createServer((socket) => {
    inside.reached += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\ninside");
  });
  inside.port = await listenOnLoopback(server, sockets);
  return inside;
}

/** Name servers that say this of every name, and the names that they were asked for. */
export function namesLeadTo(...addresses: string[]): { resolve: Resolve; asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = async (name) => {
    asked.push(name);
    return addresses;
  };
  return { resolve, asked };
}
