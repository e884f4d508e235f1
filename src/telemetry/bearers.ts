// Keys of our API, of which the first part may be known, and JSON Web Tokens, wherever somebody put them: in a query, say.
const KEY = /(rmd_[0-9A-Za-z]{12})_[0-9A-Za-z]{4,}/g;
// Looks from the beginning of what may be its first part only, and only where two more follow: the time it takes is linear.
const TOKEN = /(?<![\w-])(?=[\w-]+\.[\w-]+\.)([\w-]*?)eyJ[\w-]{4,}\.[\w-]+\.[\w-]*/g;

/**
 * Who has the link in a message may answer it; who has one to subscribe by gets the messages of a contact. Mail programs put in a few characters
 * where they break or mark addresses, before the token or within it, and begin the next line as one that is quoted: that opens nothing, and
 * shows the link all the same; its end does so alone, as what comes before can be guessed. Each letter can be read in one way only, so that
 * it takes no longer for what is made to.
 */
const LINK =
  /((?:\\{0,2}\/|%2f)[ap](?:\\{0,2}\/|%2f)[^\w\s"-]{0,12}?)(?=[\w-])(?:[\w%=.~+\xad\u200b-\u200d\u2060\ufeff-]|\\[nrt][ >]*|\r?\n[ \t>]*(?=[\w-]{8})){24,}/gi;

/** So may who has the address that a reply to it goes to; who has the one that it comes back to may say that it did: see `returnPath`. */
const SIGNED_ADDRESS =
  /((?:\+|%2b)[0-9a-z]{1,11}-[0-9a-z]{1,10}-[0-9a-z]{1,3}-(?:[0-9a-f]{8}-)?)[a-z2-7]{16}(?=@|%40)/gi;

/** Letters, digits, hyphens and underscores mean the same in a URL if they are written like this (RFC 3986 §6.2.2.2). */
const NEEDLESS_ESCAPE = /%(2d|5f|3\d|4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a])/gi;

/** Puts `hidden` in the place of the secret parts of keys and tokens, however they are written in a URL. */
export function hideBearers(text: string, hidden: string): string {
  const plain = text.includes("%") ? text.replaceAll(NEEDLESS_ESCAPE, decodeURIComponent) : text;
  return plain
    .replaceAll(KEY, `$1_${hidden}`)
    .replaceAll(TOKEN, `$1${hidden}`)
    .replaceAll(LINK, `$1${hidden}`)
    .replaceAll(SIGNED_ADDRESS, `$1${hidden}`);
}
