import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/**
 * Lets `close` wait for the requests under way and for nothing else. Left to itself it also waits for two kinds of
 * connections until they time out: those on which no whole request has come yet (browsers open such ahead of need), and
 * those that were busy when it began and are kept alive afterwards.
 */
export function closeSoon(api: FastifyInstance): void {
  const unused = new Set<Socket>();
  let isClosing = false;
  api.server.on("connection", (socket: Socket) => {
    unused.add(socket);
    socket.once("close", () => unused.delete(socket));
  });
  api.server.on("request", ({ socket }: { socket: Socket }) => unused.delete(socket));
  api.addHook("onSend", (_request, reply, payload, done) => {
    if (isClosing) reply.header("connection", "close");
    done(null, payload);
  });
  api.addHook("preClose", async () => {
    isClosing = true;
    for (const socket of unused) socket.destroy();
  });
}
