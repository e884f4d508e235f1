import type { Channel } from "./channel.ts";
import { createConsoleChannel } from "./console.ts";
import { createEmailChannel, type EmailSettings } from "./email/email.ts";
import type { OwnAccount } from "./email/mailboxes.ts";

/** The ways to send that this installation has, by name. */
export type Channels = ReadonlyMap<string, Channel>;

export interface ChannelSettings {
  email: Omit<EmailSettings, "print" | "ownAccount">;
  /** Where demo e-mails and the console channel write: one text with line breaks a call. */
  print: (text: string) => void;
  /** The tenants' own e-mail accounts; without it, there are none. */
  ownEmailAccount?: OwnAccount | undefined;
}

/** Every channel there is. A new one is a file (or folder) of its own and a line here. */
export function createChannels({ email, print, ownEmailAccount }: ChannelSettings): Channels {
  return channelMap([
    createEmailChannel({ ...email, print, ownAccount: ownEmailAccount }),
    createConsoleChannel({ print }),
  ]);
}

export function channelMap(channels: readonly Channel[]): Channels {
  return new Map(channels.map((channel) => [channel.name, channel]));
}
