import { createECDH, hash } from "node:crypto";
import { urlMistake } from "../../outgoing/target.ts";

/** Where a device takes push messages, as its browser says (https://www.w3.org/TR/push-api/#pushsubscription-interface). */
export interface Device {
  /** At the push service. Who knows it and our private key can write there. */
  endpoint: string;
  /** The device's public key. */
  p256dh: Buffer;
  /** The secret that it shares with us. */
  auth: Buffer;
}

/** A device that we know, by a name that tells nothing of it. */
export interface KnownDevice extends Device {
  id: string;
}

/** Of one contact; of more, the oldest goes. */
export const MOST_DEVICES = 20;
export const MAX_ENDPOINT_CHARS = 2_048;

const POINT_BYTES = 65;
const AUTH_BYTES = 16;
const ID_CHARS = 22;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** As a device is named: endpoints can't be guessed, so a hash of one doesn't tell it. */
export function deviceId(endpoint: string): string {
  return hash("sha256", endpoint, "base64url").slice(0, ID_CHARS);
}

/**
 * What is wrong with an endpoint, as in "must be ..."; null if nothing is. `refusesUrl`: why requests there will be refused, where that is
 * certain.
 */
export function endpointFlaw(endpoint: string, refusesUrl?: (url: string) => string | null): string | null {
  if (endpoint.length > MAX_ENDPOINT_CHARS) return `must be at most ${MAX_ENDPOINT_CHARS} characters`;
  const mistake = urlMistake(endpoint);
  if (mistake !== null) return `must be the URL that the browser gave: ${mistake}`;
  const { protocol, hostname } = new URL(endpoint);
  if (protocol !== "https:" && !LOOPBACK.test(hostname)) return "must begin with https://";
  const why = refusesUrl?.(endpoint) ?? null;
  return why === null ? null : `must be a URL that requests may go to: ${why}`;
}

/** A device's public key; null for what is no point on the curve P-256 (RFC 8291 §3.1). */
export function readPoint(text: string): Buffer | null {
  const bytes = readBytes(text, POINT_BYTES);
  if (bytes === null || bytes[0] !== 4) return null;
  try {
    const curve = createECDH("prime256v1");
    curve.generateKeys();
    curve.computeSecret(bytes);
    return bytes;
  } catch {
    return null;
  }
}

/** A device's secret; null for what is none. */
export function readAuth(text: string): Buffer | null {
  return readBytes(text, AUTH_BYTES);
}

/** Base64url, as the browser has it, or base64, as some programs make of it. */
function readBytes(text: string, length: number): Buffer | null {
  if (text.length > length * 2 || !/^[\w+/-]+={0,2}$/.test(text)) return null;
  const bytes = Buffer.from(text, "base64url");
  return bytes.length === length ? bytes : null;
}
