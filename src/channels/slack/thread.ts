import type { Posted } from "./web-api.ts";

const PROVIDER_ID = /^([A-Z0-9]{1,50})\/(\d{1,20}\.\d{1,20})(?:\/(\d{1,20}\.\d{1,20}))?$/;

/**
 * What is kept of a message: its channel and its `ts`, and behind them that of the message which began its thread. So each
 * tells where the next one belongs, also when the first is older than deliveries are kept. Null where they have another form: nobody
 * could go by them, and whatever a peer has put there isn't kept.
 */
export function providerId({ channel, ts }: Posted, threadTs: string | null): string | null {
  const id = threadTs === null ? `${channel}/${ts}` : `${channel}/${ts}/${threadTs}`;
  return PROVIDER_ID.test(id) ? id : null;
}

/** The beginning of the thread that a message is in; null for what isn't one of these. */
export function readThread(providerId: string): Posted | null {
  const [, channel, ts, threadTs = ts] = PROVIDER_ID.exec(providerId) ?? [];
  return channel !== undefined && threadTs !== undefined ? { channel, ts: threadTs } : null;
}

/** The message itself; null for what isn't one of these. */
export function readPosted(providerId: string): Posted | null {
  const [, channel, ts] = PROVIDER_ID.exec(providerId) ?? [];
  return channel !== undefined && ts !== undefined ? { channel, ts } : null;
}

/**
 * Of these messages, the newest first, those that are to say that it is done: what began their threads, as channels show nothing
 * else, and then the newest ones.
 */
export function toBeMarked(providerIds: readonly string[], limit: number): string[] {
  const known = (posted: Posted | null): string[] => {
    const id = posted === null ? null : providerId(posted, null);
    return id === null ? [] : [id];
  };
  const roots = providerIds.flatMap((id) => known(readThread(id)));
  const own = providerIds.flatMap((id) => known(readPosted(id)));
  return [...new Set([...roots, ...own])].slice(0, limit);
}
