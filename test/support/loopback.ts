import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { onTestFinished } from "vitest";

/** Lets the server listen on loopback until the test ends, and returns its port. All that `sockets` holds then ends with it. */
export async function listenOnLoopback(server: Server, sockets: Iterable<{ destroy(): unknown }>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return (server.address() as AddressInfo).port;
}
