import { onTestFinished } from "vitest";
import type { Channel } from "../../src/channels/channel.ts";
import type { Sender } from "../../src/channels/email/compose.ts";
import { createEmailChannel, type EmailSettings } from "../../src/channels/email/email.ts";
import type { SmtpServer } from "../../src/channels/email/settings.ts";

/** The e-mail channel, sending by a server on loopback without TLS unless the settings say otherwise; null: demo. */
export function emailChannel(
  server: Partial<SmtpServer> | null,
  from: Partial<Sender> = {},
  settings: Partial<EmailSettings> = {},
): Channel & { printed: string[] } {
  const printed: string[] = [];
  const email = createEmailChannel({
    from: { address: "noreply@company.example", name: "Reminder System", ...from },
    server: server && { host: "127.0.0.1", port: 587, username: null, password: null, tls: "off", ...server },
    concurrency: 5,
    print: (text) => printed.push(text),
    ...settings,
  });
  onTestFinished(() => email.close());
  return { ...email, printed };
}

/** For sends that nothing stops. */
export const unhurried = { signal: new AbortController().signal };

/** What a send failed with; fails the test when it didn't. */
export async function failure(sending: Promise<unknown>): Promise<Error> {
  const error = await sending.then(
    (receipt) => new Error(`it was sent: ${JSON.stringify(receipt)}`),
    (thrown: unknown) => thrown,
  );
  return error instanceof Error ? error : new Error(String(error));
}
