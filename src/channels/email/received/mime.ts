import PostalMime, { type Email } from "postal-mime";

const LIMITS = { maxNestingDepth: 20, maxHeadersSize: 64 * 1024 };
/** Parts that have parts themselves, and lines that may begin a part. */
const MOST_PARTS = 100;
const MOST_BEGINNINGS = 500;
/** What somebody writes, and what a mail server reports, comes first; what they attach, or give back, may be long. */
const MOST_BYTES = 256 * 1024;
/** It takes its time for each line, however short: a mail's own lines have some seventy characters. */
const MOST_LINES = 6_000;

/** Headers that say where the mail was sent to, beside the envelope: which one there is depends on the mail server. */
const SENT_TO = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to", "cc"];
const MOST_ADDRESSES = 100;

/** Takes apart what a mail begins with. Throws where it can't be read as mail. */
export async function readMime(mail: Buffer): Promise<Email> {
  const beginning = firstLines(mail.subarray(0, MOST_BYTES));
  if (hasTooManyParts(beginning.toString("latin1"))) throw new Error("it has too many parts");
  return await PostalMime.parse(beginning, { ...LIMITS, forceRfc822Attachments: true });
}

function firstLines(mail: Buffer): Buffer {
  let end = -1;
  for (let lines = 0; lines < MOST_LINES; lines += 1) {
    end = mail.indexOf("\n", end + 1);
    if (end === -1) return mail;
  }
  return mail.subarray(0, end + 1);
}

/** What it takes to take a mail apart grows faster than its parts. */
function hasTooManyParts(mail: string): boolean {
  const parents = mail.match(/^content-type:(\r?\n)?[ \t]*(multipart|message)\//gim)?.length ?? 0;
  const beginnings = mail.match(/^--/gm)?.length ?? 0;
  return parents > MOST_PARTS || (parents > 0 && beginnings > MOST_BEGINNINGS);
}

/** A header's first value; null where there is none of that name, which is in small letters. */
export function headerOf({ headers }: Pick<Email, "headers">, name: string): string | null {
  return headers.find(({ key }) => key === name)?.value ?? null;
}

/** True for what a mail program sends once its owner has opened a mail (RFC 8098): nobody has written it, and it says nothing else. By `Content-Type`. */
export function isReceipt(contentType: string | null): boolean {
  return /\breport-type\s*=\s*"?(global-)?disposition-notification\b/i.test(contentType?.slice(0, 1_000) ?? "");
}

/** Where it was sent to: by the envelope first, if the mail server that took it tells. */
export function sentTo({ headers }: Pick<Email, "headers">, envelopeTo: string | null): string[] {
  const named = SENT_TO.flatMap((name) => headers.filter(({ key }) => key === name).map(({ value }) => value));
  return addressesIn(envelopeTo ?? "", ...named);
}

/** All that look like addresses in such texts. */
export function addressesIn(...texts: readonly string[]): string[] {
  const found = texts.flatMap((text) => text.slice(0, 2_000).match(/[^\s<>,;:"]{1,64}@[^\s<>,;:"]{1,253}/g) ?? []);
  return found.slice(0, MOST_ADDRESSES);
}
