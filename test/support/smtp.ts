import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { onTestFinished } from "vitest";
import { listenOnLoopback } from "./loopback.ts";

/** A certificate for localhost that no machine trusts by itself; see tls/README.md. */
export const certificate = readFileSync(new URL("./tls/certificate.pem", import.meta.url), "utf8");
export const certificateKey = readFileSync(new URL("./tls/key.pem", import.meta.url), "utf8");

export interface ReceivedMail {
  raw: string;
  mail: ParsedMail;
  /** `MAIL FROM` and `RCPT TO`. */
  envelope: { from: string; to: string[] };
  /** Whether it came over TLS. */
  secure: boolean;
  /** Who was logged in. */
  user: string | null;
}

/** A real mail server on loopback that takes everything, apart from what the options refuse. */
export async function startSmtp(options: SMTPServerOptions = {}) {
  const received: ReceivedMail[] = [];
  let connections = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    disableReverseLookup: true,
    cert: certificate,
    key: certificateKey,
    onConnect(_session, callback) {
      connections++;
      callback();
    },
    async onData(stream, session, callback) {
      const content = await buffer(stream);
      const { mailFrom, rcptTo } = session.envelope;
      received.push({
        raw: content.toString("utf8"),
        mail: await simpleParser(content),
        envelope: { from: mailFrom ? mailFrom.address : "", to: rcptTo.map(({ address }) => address) },
        secure: session.secure,
        user: typeof session.user === "string" ? session.user : null,
      });
      callback(null, `queued as TEST${received.length}`);
    },
    ...options,
  });
  server.on("error", () => {}); // clients that hang up in the middle are what some tests are about
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    get connections() {
      return connections;
    },
    /** Waits until nobody is connected. */
    async noConnections() {
      while (server.connections.size > 0) await new Promise((resolve) => setImmediate(resolve));
    },
    /** Ends what is connected, as a server does with clients that are idle for too long. */
    async endIdleConnections() {
      for (const connection of server.connections) connection.close();
      await this.noConnections();
    },
  };
}

/** What a scripted server does with a line; a string is its reply. */
export type Script = (line: string, socket: Socket) => string | undefined;

/**
 * A server that does whatever the script says, right or wrong. `greeting` null says nothing at all. The content of a
 * message comes as one line: its final dot.
 */
export async function startScript(script: Script, greeting: string | null = "220 script ready") {
  const sockets = new Set<Socket>();
  const lines: string[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    if (greeting !== null) socket.write(`${greeting}\r\n`);
    let rest = "";
    let inContent = false;
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      const all = (rest + chunk).split("\r\n");
      rest = all.pop() ?? "";
      for (const line of all) {
        if (inContent && line !== ".") continue;
        lines.push(line);
        const reply = script(line, socket);
        inContent = line === "DATA" && reply?.startsWith("3") === true;
        if (reply !== undefined && !socket.destroyed) socket.write(`${reply}\r\n`);
      }
    });
  });
  const port = await listenOnLoopback(server, sockets);
  return { port, lines, sockets };
}

/** The polite part of a scripted server, for the lines that a test doesn't care about. */
export function polite(line: string): string {
  if (line.startsWith("EHLO")) return "250 script";
  if (line === "DATA") return "354 go on";
  if (line === "QUIT") return "221 bye";
  return "250 ok";
}
