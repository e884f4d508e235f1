import { z } from "zod";
import { urlMistake } from "../../outgoing/target.ts";
import { BrokenSettings } from "../own-settings.ts";
import type { HttpService } from "./service.ts";

/** How an installation or a tenant gets in. */
export interface ServiceAccess {
  /** The token, or the URL that is a secret; null: the service is open. */
  secret: string | null;
  /** Without a slash at its end; null: it has none besides the secret URL. */
  apiUrl: string | null;
}

/** The name of the stored secret. */
export const ACCESS_SECRET = "access";

const Stored = z.strictObject({ api_url: z.string().optional(), is_open: z.literal(true).optional() });
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** A URL that carries or is a secret has to be encrypted on its way, or not leave the machine. */
export function isSecretUrl(text: string): boolean {
  if (urlMistake(text) !== null) return false;
  const { protocol, hostname, search, hash } = new URL(text);
  return (protocol === "https:" || LOOPBACK.test(hostname)) && hash === "" && search.length <= 1_000;
}

/** What a service's methods begin with. */
export function isApiUrl(text: string): boolean {
  return isSecretUrl(text) && new URL(text).search === "";
}

/** What is given, put together; a sentence ("the API URL must be ...") where it is no access to this service. */
export function readAccess(
  { access, apiUrl: usual }: HttpService,
  { secret, apiUrl }: { secret: string | null; apiUrl: string | null },
): ServiceAccess | string {
  if (secret === null && !access.isOptional) return `the secret must be ${access.told}`;
  if (secret !== null && !isAccess(access, secret)) return `the secret must be ${access.told}`;
  if (usual === undefined) return apiUrl === null ? { secret, apiUrl: null } : "there is no API URL to be set";
  const url = apiUrl ?? usual;
  if (url === null) return "the API URL must be set: where it runs, like https://chat.example.com";
  if (!isApiUrl(url)) return "the API URL must be a URL that begins with https:// (http:// for this machine only)";
  return { secret, apiUrl: url.replace(/\/+$/, "") };
}

function isAccess({ kind, pattern }: HttpService["access"], secret: string): boolean {
  return pattern.test(secret) && (kind === "token" || isSecretUrl(secret));
}

/** What is stored of it in the open. */
export function toStored({ secret, apiUrl }: ServiceAccess): { api_url?: string; is_open?: true } {
  return { ...(apiUrl === null ? {} : { api_url: apiUrl }), ...(secret === null ? { is_open: true } : {}) };
}

/** What stored settings and opened secrets make. Throws `BrokenSettings`: they may have been written by hand. */
export function toAccess(service: HttpService, settings: unknown, secrets: ReadonlyMap<string, string>): ServiceAccess {
  const { data } = Stored.safeParse(settings);
  const secret = secrets.get(ACCESS_SECRET) ?? null;
  const isWhole = data !== undefined && (secret === null) === (data.is_open ?? false);
  const access = isWhole ? readAccess(service, { secret, apiUrl: data.api_url ?? null }) : "";
  if (typeof access === "string") {
    throw new BrokenSettings(`can't be used: set them again by \`reminder-engine channels set ${service.name}\``);
  }
  return access;
}
