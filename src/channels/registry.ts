import type { Channel } from "./channel.ts";
import { createConsoleChannel } from "./console.ts";
import { parseEmailAddress } from "./email/address.ts";
import { createEmailChannel } from "./email/email.ts";
import type { TlsMode } from "./email/session.ts";

/** The ways to send that this installation has, by name. */
export type Channels = ReadonlyMap<string, Channel>;

export interface ChannelSettings {
  smtp: SmtpSettings;
  /** E-mails, and so connections to the mail server, at once in one worker. */
  emailConcurrency: number;
  /** Where demo e-mails and the console channel write: one text with line breaks a call. */
  print: (text: string) => void;
}

export interface SmtpSettings {
  /** Null: demo mode, e-mails are printed. */
  host: string | null;
  port: number;
  username: string | null;
  password: string | null;
  /** A plain address, see `parseEmailAddress`. */
  fromEmail: string;
  fromName: string;
  tls: TlsMode;
  /** A private certificate authority to trust instead of the usual ones, in PEM. */
  certificateAuthority?: string | undefined;
}

/** Every channel there is. A new one is a file (or folder) of its own and a line here. */
export function createChannels({ smtp, emailConcurrency, print }: ChannelSettings): Channels {
  const { host, fromEmail, fromName, ...server } = smtp;
  return channelMap([
    createEmailChannel({
      from: { address: parseEmailAddress(fromEmail), name: fromName },
      server: host === null ? null : { host, ...server },
      concurrency: emailConcurrency,
      print,
    }),
    createConsoleChannel({ print }),
  ]);
}

export function channelMap(channels: readonly Channel[]): Channels {
  return new Map(channels.map((channel) => [channel.name, channel]));
}
