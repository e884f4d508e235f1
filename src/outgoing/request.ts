import { ACCEPT_ENCODING } from "./body.ts";
import { checkHeaders } from "./headers.ts";
import { MAX_REQUEST_BODY_BYTES } from "./limits.ts";
import { refused } from "./outcome.ts";
import type { OutgoingSettings } from "./settings.ts";
import { type Target, targetOf } from "./target.ts";

export const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** A request as somebody wants it. */
export interface OutgoingRequest {
  method: Method;
  url: string;
  /** Of a name twice in different spelling, the later counts. */
  headers?: Readonly<Record<string, string>>;
  /** Text goes out as UTF-8. */
  body?: string | Buffer;
  signal?: AbortSignal;
  /** For everything: looking up, connecting, sending, and the whole answer. At most `MAX_TIMEOUT_MS`. */
  timeoutMs?: number;
  /** At most `MAX_RESPONSE_BYTES`. */
  maxResponseBytes?: number;
  /**
   * With "status" an answer counts once its status is there: a body that is too large, too slow or broken is then cut where it
   * was. "whole" (default): without all of the body there is no answer.
   */
  need?: "status" | "whole";
  /**
   * Asked once there is a connection, which may take seconds, and before anything of the request leaves; again where it has to be sent on another
   * connection. What it throws then, `request` throws, and nothing was sent;
   * unless it may have been, over the connection before: see `GuardedHttp`.
   */
  beforeSend?: (() => Promise<void>) | undefined;
  /** May the receiver get it twice? Such requests use connections again. Default: as GET and HEAD may. */
  isRepeatable?: boolean;
}

/** The same, checked, and with all of its headers. */
export interface Prepared {
  target: Target;
  method: Method;
  headers: Readonly<Record<string, string>>;
  body: Buffer | null;
  isRepeatable: boolean;
  beforeSend: () => Promise<void>;
}

/** Throws `Failed` for what may not be sent. */
export function prepare(wanted: OutgoingRequest, settings: OutgoingSettings): Prepared {
  const { method, isRepeatable = method === "GET" || method === "HEAD" } = wanted;
  if (!METHODS.includes(method)) throw refused("its method is not known here");
  const target = targetOf(wanted.url, settings);
  const given = wanted.headers ?? {};
  checkHeaders(given);
  const body = wanted.body === undefined ? null : Buffer.from(wanted.body);
  if (body !== null && body.length > MAX_REQUEST_BODY_BYTES) {
    throw refused(`its body is larger than ${MAX_REQUEST_BODY_BYTES} bytes`);
  }
  const headers = {
    host: target.authority,
    "user-agent": "reminder-engine",
    "accept-encoding": ACCEPT_ENCODING,
    ...Object.fromEntries(Object.entries(given).map(([name, value]) => [name.toLowerCase(), value])),
    ...(body === null ? {} : { "content-length": String(body.length) }),
  };
  const { beforeSend = async () => {} } = wanted;
  return { target, method, headers, body, isRepeatable, beforeSend };
}
