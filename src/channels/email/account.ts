import { z } from "zod";
import { InvalidRecipient } from "../channel.ts";
import { parseEmailAddress } from "./address.ts";
import type { Sender } from "./compose.ts";
import { BadDkim, DKIM_KEY, type Dkim, readDkim } from "./dkim.ts";
import { ownHeadersFlaw } from "./own-headers.ts";
import { BOUNCE_ADDRESS_RULE, isBounceAddress } from "./return-path.ts";
import { type SmtpServer, TLS_MODES } from "./settings.ts";
import { FALLBACK, parseSmtpUrls, SMTP_URLS } from "./smtp-url.ts";

/** From where e-mails leave, and as whom. */
export interface EmailAccount {
  from: Sender;
  /** In the order in which they are tried; none: demo mode, messages are printed. */
  servers: readonly SmtpServer[];
  /** Null: its messages aren't signed here. */
  dkim: Dkim | null;
  /** Where mail that comes back goes; null: to `from`. */
  envelopeFrom: string | null;
  /** Where mail comes back, with the delivery written into it (see `returnPath`), instead of there; null: it isn't. */
  bounceAddress: string | null;
  /** Where readers' replies go, with the delivery written into it; null: to `from`. */
  replyAddress: string | null;
  /** Headers of its own, see `ownHeadersFlaw`. */
  headers: Readonly<Record<string, string>>;
  /** A message that comes so many days after the one that began its thread begins a new one; 0: each does. */
  newThreadAfterDays: number;
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

const address = line(254).transform((text, context) => {
  try {
    return parseEmailAddress(text);
  } catch (error) {
    if (!(error instanceof InvalidRecipient)) throw error;
    context.addIssue({ code: "custom", message: error.message });
    return z.NEVER;
  }
});

/** Gmail joins a message only to what isn't older than a week. */
export const NEW_THREAD_AFTER_DAYS = 7;

const newThreadAfterDays = z
  .int("must be a whole number")
  .min(0, "must be at least 0")
  .max(365, "must be at most 365")
  .default(NEW_THREAD_AFTER_DAYS);

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
  // What is in the open of the servers that are tried after it: host and port.
  smtp_fallback: z.array(line(300), "must be a list").default([]),
  dkim_selector: line(63).exactOptional(),
  /** Left out: the domain of the From address. */
  dkim_domain: line(253).exactOptional(),
  from_email: address,
  envelope_from: address.exactOptional(),
  bounce_address: address.refine(isBounceAddress, BOUNCE_ADDRESS_RULE).exactOptional(),
  reply_address: address.refine(isBounceAddress, BOUNCE_ADDRESS_RULE).exactOptional(),
  headers: z
    .record(z.string(), z.string("must be text"), "must be an object")
    .check((context) => {
      const flaw = ownHeadersFlaw(context.value);
      if (flaw !== null) context.issues.push({ code: "custom", message: flaw, input: context.value });
    })
    .default({}),
  new_thread_after_days: newThreadAfterDays,
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
    servers: [
      { host: data.smtp_host, port: data.smtp_port, tls: data.smtp_tls, username, password },
      ...(data.smtp_fallback.length > 0 ? fallbackOf(secrets) : []),
    ],
    dkim: data.dkim_selector === undefined ? null : dkimOf(data, data.dkim_selector, secrets),
    envelopeFrom: data.envelope_from ?? null,
    bounceAddress: data.bounce_address ?? null,
    replyAddress: data.reply_address ?? null,
    headers: data.headers,
    newThreadAfterDays: data.new_thread_after_days,
    setBy: "tenant",
  };
}

function dkimOf(
  { from_email, dkim_domain }: StoredEmailAccount,
  selector: string,
  secrets: ReadonlyMap<string, string>,
): Dkim {
  try {
    return readDkim(from_email, { domain: dkim_domain ?? null, selector, pem: secrets.get(DKIM_KEY) ?? "" });
  } catch (error) {
    if (!(error instanceof BadDkim)) throw error;
    throw new BrokenAccount(`can't sign: it ${error.message}`);
  }
}

function fallbackOf(secrets: ReadonlyMap<string, string>): SmtpServer[] {
  const servers = parseSmtpUrls(secrets.get(FALLBACK) ?? "");
  if (servers === null) throw new BrokenAccount(`can't be used: its ${FALLBACK} must be ${SMTP_URLS}`);
  return servers;
}

/** A sentence for each field that isn't right. */
export function mistakesIn(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.join(".") || "it"} ${issue.message}`);
}
