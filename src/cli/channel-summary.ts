import { SERVICES } from "../channels/services/list.ts";
import type { JsonObject } from "../core/json.ts";

const SUMMARIES = new Map<string, (settings: JsonObject) => string>([
  ...SERVICES.map(({ name, access }): [string, (settings: JsonObject) => string] => {
    const by = access.kind === "token" ? "by a token" : "by a URL";
    return [name, ({ api_url, is_open }) => [is_open ? "open" : by, ...(api_url ? [`at ${api_url}`] : [])].join(" ")];
  }),
  ["email", ({ smtp_host, smtp_port, from_email }) => `${smtp_host}:${smtp_port} from ${from_email}`],
  ["push", ({ public_key }) => `by the key ${public_key}`],
  ["slack", ({ via }) => `by ${via}`],
  ["sms", ({ from }) => `from ${from}`],
  ["webhook", ({ fingerprints }) => `signed with ${[fingerprints].flat().join(" and ")}`],
]);

/** What a tenant has set for a channel, in a few words for a list. It may have been written by hand. */
export function channelSummary(channel: string, settings: JsonObject): string {
  return SUMMARIES.get(channel)?.(settings) ?? "";
}
