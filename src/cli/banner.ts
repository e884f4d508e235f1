import { resolve } from "node:path";
import type { Config } from "../config/shape.ts";

export interface Running {
  /** Where the API answers. */
  api?: string;
  /** As it may be shown. */
  database: string;
  dataDir?: string;
  email?: Config["email"];
}

/** What runs, and where it is reached: what a person who has just started it wants to know. */
export function banner({ api, database, dataDir, email }: Running): string {
  const lines: [string, string][] = [];
  if (api) lines.push(["API", api], ["Docs", `${api}/docs and ${api}/redoc`]);
  lines.push(["Database", database]);
  if (dataDir) lines.push(["Data", resolve(dataDir)]);
  if (email) lines.push(["E-mail", whereTo(email)]);
  return lines.map(([name, value]) => `${`${name}:`.padEnd(10)}${value}`).join("\n");
}

function whereTo({ server, from }: Config["email"]): string {
  if (!server) return "demo mode: printed here, not sent (set SMTP_HOST to send)";
  return `sent by ${server.host}:${server.port} from ${from.address}`;
}
