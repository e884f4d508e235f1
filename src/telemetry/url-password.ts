// Where a URL may hold a password: after the user's name, and in its query, from which PostgreSQL's drivers take it too
// (`?password=`, `?sslpassword=`).

const OF_A_USER = /^([^:]+:\/\/[^:@/]*:)([^/]*)@/;
const IN_A_QUERY = /([?&][^=&#]*password=)([^&#]*)/gi;

/** A whole URL as it may be shown. */
export function withoutPassword(url: string): string {
  return url.replace(OF_A_USER, "$1***@").replace(IN_A_QUERY, "$1***");
}

/** The passwords in a URL, both as they are written there and as they are meant. */
export function passwordsIn(url: string): string[] {
  const written = [url.match(OF_A_USER)?.[2], ...Array.from(url.matchAll(IN_A_QUERY), (match) => match[2])];
  return written.filter((password) => password !== undefined).flatMap((password) => [password, ...decoded(password)]);
}

function decoded(password: string): string[] {
  try {
    return [decodeURIComponent(password), decodeURIComponent(password.replaceAll("+", " "))];
  } catch {
    return []; // it has a % of its own, and means what it says
  }
}

// The same within a longer text, such as an error's message in a line of JSON: there a URL ends at a space or a quote. What is logged may be
// anybody's, who hasn't even a key: so this takes time that is linear in the text's length.
const OF_A_USER_IN_TEXT = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s:/@"\\]*:)[^\s/"\\]+(?=@)/gi;
const ENDS = /([\s&#"\\])/;
// There, whatever else somebody may have put into an address to prove who they are counts as one.
const NAMES_A_SECRET = /passw(?:or)?d|secret|token|key|auth|credential|sig/i;

/** The text with `mask` in place of the passwords of all URLs in it. */
export function hideUrlPasswords(text: string, mask: string): string {
  const shown = text.replace(OF_A_USER_IN_TEXT, `$1${mask}`);
  if (!shown.includes("=")) return shown;
  const parts = shown.split(ENDS);
  return parts.map((part, at) => (at % 2 === 1 ? part : hideInQuery(part, parts[at - 1] === "&", mask))).join("");
}

/** A part of a text in which nothing ends a URL's parameter; `isParameter`: it begins with one. */
function hideInQuery(part: string, isParameter: boolean, mask: string): string {
  let from = 0;
  for (let to = part.indexOf("="); to !== -1 && to < part.length - 1; to = part.indexOf("=", from)) {
    const name = part.slice(from, to);
    const begins = isParameter && from === 0 ? 0 : name.indexOf("?");
    if (begins !== -1 && NAMES_A_SECRET.test(name.slice(begins))) return `${part.slice(0, to + 1)}${mask}`;
    from = to + 1;
  }
  return part;
}
