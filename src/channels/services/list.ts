import { DISCORD } from "./known/discord.ts";
import { GOOGLE_CHAT } from "./known/google-chat.ts";
import { GOTIFY } from "./known/gotify.ts";
import { MATRIX } from "./known/matrix.ts";
import { MATTERMOST } from "./known/mattermost.ts";
import { NTFY } from "./known/ntfy.ts";
import { OPSGENIE } from "./known/opsgenie.ts";
import { PAGERDUTY } from "./known/pagerduty.ts";
import { PUSHOVER } from "./known/pushover.ts";
import { ROCKETCHAT } from "./known/rocketchat.ts";
import { TEAMS } from "./known/teams.ts";
import { TELEGRAM } from "./known/telegram.ts";
import { WEBEX } from "./known/webex.ts";
import { ZULIP } from "./known/zulip.ts";
import type { HttpService } from "./service.ts";

/** Every service that is written down. A new one is a file and a line here. */
export const SERVICES: readonly HttpService[] = [
  TEAMS,
  DISCORD,
  GOOGLE_CHAT,
  MATTERMOST,
  ROCKETCHAT,
  ZULIP,
  WEBEX,
  TELEGRAM,
  MATRIX,
  NTFY,
  GOTIFY,
  PUSHOVER,
  PAGERDUTY,
  OPSGENIE,
];
