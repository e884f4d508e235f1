import { isIP } from "node:net";
import { z } from "zod";

// The kinds of value that a setting may have, and what each takes.

/** Asymmetric ones only. */
export const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;

/** Completes the sentence "PORT must be ...". */
export const mustBe = (what: string) => ({ error: what });

export const whole = (least: number, most: number) => {
  const message = `a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(most, message));
};
export const seconds = (least: number, most: number) => {
  const message = `a number of seconds from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}(\.\d{1,3})?$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(most, message));
};
export const oneOf = <const T extends readonly [string, ...string[]]>(names: T) =>
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(names, mustBe(`one of ${names.join(", ")}`)));
/** Items between commas, each with the spaces around it taken away. */
export const listOf = (isItem: (item: string) => boolean, what: string) =>
  z
    .string()
    .transform((text) => text.split(",").map((item) => item.trim()))
    .refine((items) => items.every(isItem), mustBe(what));
export const perMinute = whole(0, 1_000_000).transform((number) => (number === 0 ? null : number));
export const UNENCODED_PASSWORD = "percent-encode the password (@ is %40, / is %2F)";
export const line = (what: string) => z.string().regex(/^[^\p{Cc}]*$/u, what);

/** Whoever can change what comes over the wire could sign tokens: it has to be encrypted, or not leave the machine. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isHere = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
  return (protocol === "https:" || (protocol === "http:" && isHere)) && username === "" && password === "";
}

/** Where people reach us: it may have a path, and nothing behind that. */
export function isPublicUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "" && !/[?#\s]/.test(text);
}

export function isAlgorithm(text: string): boolean {
  return (ALGORITHMS as readonly string[]).includes(text);
}

/** As a browser writes it, which is how it is compared. */
export function isOrigin(text: string): boolean {
  return /^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : "") && new URL(text).origin === text;
}

export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

export function isHost(text: string): boolean {
  return isIP(text) !== 0 || /^[A-Za-z0-9._-]+$/.test(text);
}

export function isPostgresUrl(text: string): boolean {
  // Without a host, as in postgresql://user:password@/database?host=/run/postgresql, it is a socket's URL.
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text.replace("@/", "@localhost/"));
}

/** False where what comes before the host has an @ or a / of its own, which makes a part of the password the host. */
export function isPasswordEncoded(url: string): boolean {
  const [, address = "", rest = ""] = /^[a-z]+:\/\/([^?#]*)(.*)$/is.exec(url) ?? [];
  const at = address.split("@").length - 1;
  if (at === 0) return !/^(#.*|\?[^=]*)@/s.test(rest); // user:p?ss@host; in a real query, a = comes first
  return at === 1 && address.split("/", 1)[0]?.includes("@") === true;
}
