import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below what systems hand to outgoing connections. Inside that range, any program's connection could sit on our port
 * while the server restarts, even our own pool's: connecting to a free port of that range can connect to itself.
 */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/** The remembered port if nobody uses it, else another free one. */
export async function freePort(remembered: number): Promise<number> {
  let port = remembered || randomInt(LOWEST, HIGHEST);
  while (!(await isFree(port))) port = randomInt(LOWEST, HIGHEST);
  return port;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
