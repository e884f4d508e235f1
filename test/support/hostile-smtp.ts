import { createServer, type Socket } from "node:net";
import { listenOnLoopback } from "./loopback.ts";

/** What a receiver does to whoever connects, instead of speaking SMTP. */
export type Hostility = (socket: Socket) => void;

/** What `flood` has to give in all. */
export const GIGABYTE = 1024 ** 3;

/** Takes the connection and says nothing. */
export const silent: Hostility = () => {};

/** A byte of a greeting every second, without end. */
export const dripping: Hostility = (socket) => {
  const timer = setInterval(() => socket.write("2"), 1_000);
  socket.on("close", () => clearInterval(timer));
};

/** A reply that is well-formed and goes on for ever, line by line, as fast as it is read. */
export const endless: Hostility = (socket) => flood(socket, Buffer.from("220-and another thing\r\n".repeat(1_000)));

/** A gigabyte without a line's end. */
export const gigabyte: Hostility = (socket) => flood(socket, Buffer.alloc(64 * 1024, "2"));

/** After a greeting and the answer to EHLO, so that it is the message's own reply that goes wrong. */
export function later(hostility: Hostility): Hostility {
  return (socket) => {
    socket.write("220 ready\r\n");
    let lines = 0;
    socket.on("data", () => {
      lines += 1;
      if (lines === 1) socket.write("250 at your service\r\n");
      else if (lines === 2) hostility(socket);
    });
  };
}

/** Writes the chunk again and again, as fast as it is taken. */
export function flood(socket: Socket, chunk: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.bytesWritten < GIGABYTE) {
      if (!socket.write(chunk)) return;
    }
  };
  socket.on("drain", write);
  write();
}

/** A receiver on loopback that means us no good; `bytesTaken` is what the other side took of what it had to say. */
export async function startHostile(hostility: Hostility) {
  const sockets: Socket[] = [];
  const open = () => sockets.filter((socket) => !socket.destroyed).length;
  let mostOpen = 0;
  const server = createServer((socket) => {
    sockets.push(socket);
    mostOpen = Math.max(mostOpen, open());
    socket.on("error", () => {});
    socket.resume();
    hostility(socket);
  });
  const port = await listenOnLoopback(server, sockets);
  return {
    port,
    get connections() {
      return sockets.length;
    },
    get open() {
      return open();
    },
    /** The most that were open at one time. */
    get mostOpen() {
      return mostOpen;
    },
    /** Ends all connections, and from then on each new one at once. */
    hangUp() {
      server.on("connection", (socket) => socket.destroy());
      for (const socket of sockets) socket.destroy();
    },
    get bytesTaken() {
      return sockets.map((socket) => socket.bytesWritten - socket.writableLength);
    },
  };
}
