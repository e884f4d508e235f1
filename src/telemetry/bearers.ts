// Keys of our API, of which the first part may be known, and JSON Web Tokens, wherever somebody put them: in a query, say.
const KEY = /(rmd_[0-9A-Za-z]{12})_[0-9A-Za-z]{4,}/g;
const TOKEN = /eyJ[\w-]{4,}\.[\w-]+\.[\w-]*/g;

/** Who has the link in a message may answer it. */
const ANSWER_LINK = /(\/a\/)[\w-]{24,}/gi;

/** Puts `hidden` in the place of the secret parts of keys and tokens. */
export function hideBearers(text: string, hidden: string): string {
  return text.replaceAll(KEY, `$1_${hidden}`).replaceAll(TOKEN, hidden).replaceAll(ANSWER_LINK, `$1${hidden}`);
}
