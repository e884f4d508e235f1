import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { onTestFinished } from "vitest";

export interface PostOffice {
  /** What a worker process needs in its environment to send here. */
  env: Record<string, string>;
  /** The Message-ID of everything that was accepted, in order. */
  accepted: string[];
  /** Messages that have arrived whole and wait for their answer. */
  waiting: number;
  /** While set, arriving messages wait for it before they are answered. */
  hold: Promise<void> | null;
}

/** A real mail server that keeps the Message-IDs it accepts, and can be told to be slow about it. */
export async function openPostOffice(): Promise<PostOffice> {
  const office: PostOffice = { env: {}, accepted: [], waiting: 0, hold: null };
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    disableReverseLookup: true,
    onData(stream, _session, callback) {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", async () => {
        const messageId = /^message-id:\s*(\S+)/im.exec(Buffer.concat(chunks).toString("utf8"))?.[1] ?? "none";
        office.waiting += 1;
        await office.hold;
        office.waiting -= 1;
        office.accepted.push(messageId);
        callback();
      });
    },
  });
  // A worker that is killed drops its connections; that is what these tests are about.
  server.on("error", () => {});
  server.listen(0, "127.0.0.1");
  await once(server.server, "listening");
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  office.env = {
    SMTP_HOST: "127.0.0.1",
    SMTP_PORT: String((server.server.address() as AddressInfo).port),
    SMTP_TLS: "off",
    SMTP_FROM_EMAIL: "reminders@example.org",
  };
  return office;
}

/** How often each value occurs more than once. */
export function duplicates(values: readonly string[]): number {
  return values.length - new Set(values).size;
}
