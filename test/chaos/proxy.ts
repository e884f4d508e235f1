import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { completedCommand, readiness, ServerStream } from "./wire.ts";

/** A network between one process and PostgreSQL that can be made to fail. */
export interface Network {
  /** The same database, by way of this proxy. */
  url: string;
  /** Resets a share of the connections. Returns how many. */
  cut(share: number): number;
  /**
   * Makes a share of the connections go silent, both ways and for good: what is sent vanishes, and neither end is told.
   * Returns how many.
   */
  freeze(share: number): number;
  /** Until the returned function is called, new connections are accepted and never answered. */
  blackhole(): () => void;
  /** The next reply to a COMMIT, once that has happened, is lost with its connection. Resolves to whether one came. */
  dropNextCommit(withinMs: number): Promise<boolean>;
  close(): Promise<void>;
}

interface Link {
  client: Socket;
  server: Socket;
  isFrozen: boolean;
}

/** How long a server isn't told that the far end of a silent connection is gone. */
const SILENCE_MS = 60_000;

export async function openNetwork(targetUrl: string): Promise<Network> {
  const target = new URL(targetUrl);
  const links = new Set<Link>();
  const timers = new Set<NodeJS.Timeout>();
  let isBlackhole = false;
  let wanted: ((dropped: boolean) => void) | null = null;

  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ host: target.hostname, port: Number(target.port), noDelay: true });
    const link: Link = { client, server, isFrozen: isBlackhole };
    links.add(link);
    const stream = new ServerStream();
    let withheld: Buffer[] | null = null;

    client.on("data", (piece) => {
      if (!link.isFrozen) server.write(piece);
    });
    server.on("data", (piece) => {
      if (link.isFrozen) return;
      const passing: Buffer[] = [];
      for (const message of stream.take(piece)) {
        if (wanted && !withheld && completedCommand(message) === "COMMIT") withheld = [];
        (withheld ?? passing).push(message.raw);
        const ready = readiness(message);
        if (ready === null) continue;
        if (withheld && ready === "idle" && wanted) {
          // By now it has happened.
          wanted(true);
          end(link);
          return;
        }
        if (withheld) passing.push(...withheld.splice(0));
        withheld = null;
      }
      if (passing.length > 0) client.write(Buffer.concat(passing));
    });
    const gone = () => {
      if (!link.isFrozen) return end(link);
      client.destroy();
      const timer = setTimeout(() => end(link), SILENCE_MS);
      timers.add(timer);
    };
    for (const socket of [client, server]) socket.on("error", () => {}).on("close", gone);
  });

  const end = (link: Link) => {
    links.delete(link);
    if (!link.client.destroyed) link.client.resetAndDestroy();
    link.server.destroy();
  };
  const some = (share: number) => {
    const live = [...links].filter((link) => !link.isFrozen);
    return live.slice(0, Math.ceil(live.length * share));
  };

  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const url = new URL(targetUrl);
  url.port = String((listener.address() as AddressInfo).port);
  return {
    url: url.href,
    cut: (share) => {
      const hit = some(share);
      for (const link of hit) end(link);
      return hit.length;
    },
    freeze: (share) => {
      const hit = some(share);
      for (const link of hit) link.isFrozen = true;
      return hit.length;
    },
    blackhole: () => {
      isBlackhole = true;
      return () => {
        isBlackhole = false;
      };
    },
    dropNextCommit: (withinMs) => {
      wanted?.(false);
      return new Promise((resolve) => {
        const done = (dropped: boolean) => {
          clearTimeout(timer);
          wanted = null;
          resolve(dropped);
        };
        const timer = setTimeout(() => done(false), withinMs);
        wanted = done;
      });
    },
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      for (const link of links) end(link);
      listener.close();
      await once(listener, "close");
    },
  };
}
