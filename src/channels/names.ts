import { SERVICES } from "./services/list.ts";

/** The names of all channels that there are, in the order of the registry: for those who only speak of them. */
export const CHANNEL_NAMES: readonly string[] = [
  "email",
  "slack",
  "webhook",
  "sms",
  "push",
  ...SERVICES.map(({ name }) => name),
  "console",
];
