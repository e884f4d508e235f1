import type { FastifyReply, FastifyRequest } from "fastify";

/** Calls `then` once when the answer is with the client, or can't get there any more. Call it when the answer is made. */
export function whenSent({ raw: { socket } }: FastifyRequest, { raw }: FastifyReply, then: () => void): void {
  const end = (): void => {
    socket.off("close", end);
    raw.off("finish", end);
    then();
  };
  // A response that is queued behind another one on its connection doesn't tell when that breaks.
  socket.on("close", end);
  raw.on("finish", end);
  if (socket.destroyed) end();
}
