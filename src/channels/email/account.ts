import { z } from "zod";
import { InvalidRecipient } from "../channel.ts";
import { parseEmailAddress } from "./address.ts";
import type { Sender } from "./compose.ts";
import { type SmtpServer, TLS_MODES } from "./settings.ts";

/** From where e-mails leave, and as whom. */
export interface EmailAccount {
  from: Sender;
  /** Null: demo mode, messages are printed. */
  server: SmtpServer | null;
  /** Where a person mends it: what sentences about its failures name. */
  setBy: "environment" | "tenant";
}

/** A tenant's account is set, and can't be used as it is. The message goes on from "the e-mail account of tenant x ...". */
export class BrokenAccount extends Error {
  override name = "BrokenAccount";
}

/** The name of an account's one secret. */
export const PASSWORD = "smtp_password";

const line = (most: number) =>
  z
    .string("must be text")
    .min(1, "must not be empty")
    .max(most, `must have at most ${most} characters`)
    .regex(/^[^\p{Cc}\u2028\u2029]*$/u, "must be one line of text");

/** A tenant's own account as it is stored, its password apart. */
export const StoredEmailAccount = z.strictObject({
  smtp_host: line(253).regex(/^[A-Za-z0-9._:-]+$/, "must be a host name or IP address, without a scheme or a port"),
  smtp_port: z
    .int("must be a whole number")
    .min(1, "must be at least 1")
    .max(65_535, "must be at most 65535")
    .default(587),
  smtp_tls: z.enum(TLS_MODES, `must be one of ${TLS_MODES.join(", ")}`).default("auto"),
  smtp_username: line(500).exactOptional(),
  from_email: line(254).transform((text, context) => {
    try {
      return parseEmailAddress(text);
    } catch (error) {
      if (!(error instanceof InvalidRecipient)) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  }),
  from_name: line(200).default("Reminder System"),
});
export type StoredEmailAccount = z.output<typeof StoredEmailAccount>;

/** The account that stored settings and secrets make. Throws `BrokenAccount`: they may have been written by hand. */
export function toEmailAccount(settings: unknown, secrets: ReadonlyMap<string, string>): EmailAccount {
  const { data, error } = StoredEmailAccount.safeParse(settings);
  if (error) throw new BrokenAccount(`is not set right: ${mistakesIn(error).join("; ")}`);
  const username = data.smtp_username ?? null;
  const password = secrets.get(PASSWORD) ?? null;
  if ((username === null) !== (password === null)) {
    throw new BrokenAccount("has one of username and password without the other");
  }
  return {
    from: { address: data.from_email, name: data.from_name },
    server: { host: data.smtp_host, port: data.smtp_port, tls: data.smtp_tls, username, password },
    setBy: "tenant",
  };
}

/** A sentence for each field that isn't right. */
export function mistakesIn(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join(".") || "it"} ${issue.message}`);
}
