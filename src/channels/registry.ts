import type { Channel } from "./channel.ts";
import { createConsoleChannel } from "./console.ts";
import { createEmailChannel, type EmailSettings } from "./email/email.ts";
import { createPushChannel, type PushSettings } from "./push/push.ts";
import { createServiceChannel, type ServiceSettings } from "./services/channel.ts";
import { SERVICES } from "./services/list.ts";
import type { HttpService } from "./services/service.ts";
import { createSlackChannel, type SlackSettings } from "./slack/slack.ts";
import { createSmsChannel, type SmsSettings } from "./sms/sms.ts";
import { createWebhookChannel, type WebhookSettings } from "./webhook/webhook.ts";

/** The ways to send that this installation has, by name. */
export type Channels = ReadonlyMap<string, Channel>;

export interface ChannelSettings {
  email: Omit<EmailSettings, "print">;
  slack: SlackSettings;
  webhook: WebhookSettings;
  sms: SmsSettings;
  push: PushSettings;
  /** For each service that is written down as data. */
  service: (service: HttpService) => ServiceSettings;
  /** Where demo e-mails and the console channel write: one text with line breaks a call. */
  print: (text: string) => void;
}

/** Every channel there is. A new one is a file (or folder) of its own and a line here. */
export function createChannels({ email, slack, webhook, sms, push, service, print }: ChannelSettings): Channels {
  return channelMap([
    createEmailChannel({ ...email, print }),
    createSlackChannel(slack),
    createWebhookChannel(webhook),
    createSmsChannel(sms),
    createPushChannel(push),
    ...SERVICES.map((one) => createServiceChannel(one, service(one))),
    createConsoleChannel({ print }),
  ]);
}

export function channelMap(channels: readonly Channel[]): Channels {
  return new Map(channels.map((channel) => [channel.name, channel]));
}
