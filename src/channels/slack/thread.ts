import type { Posted } from "./web-api.ts";

const PROVIDER_ID = /^([A-Z0-9]+)\/(\d+\.\d+)(?:\/(\d+\.\d+))?$/;

/**
 * What is kept of a message: its channel and its `ts`, and behind them that of the message which began its thread. So each
 * tells where the next one belongs, also when the first is older than deliveries are kept.
 */
export function providerId({ channel, ts }: Posted, threadTs: string | null): string {
  return threadTs === null ? `${channel}/${ts}` : `${channel}/${ts}/${threadTs}`;
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
  const known = (posted: Posted | null): string[] => (posted === null ? [] : [providerId(posted, null)]);
  const roots = providerIds.flatMap((id) => known(readThread(id)));
  const own = providerIds.flatMap((id) => known(readPosted(id)));
  return [...new Set([...roots, ...own])].slice(0, limit);
}
