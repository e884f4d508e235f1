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

// The same within a longer text, such as an error's message in a line of JSON: there a URL ends at a space or a quote.
const OF_A_USER_IN_TEXT = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"\\]*:)[^\s/"\\]+(?=@)/gi;
// There, whatever else somebody may have put into an address to prove who they are counts as one.
const IN_A_QUERY_IN_TEXT =
  /([?&][^\s=&#"\\]*(?:passw(?:or)?d|secret|token|key|auth|credential|sig)[^\s=&#"\\]*=)[^\s&#"\\]+/gi;

/** The text with `mask` in place of the passwords of all URLs in it. */
export function hideUrlPasswords(text: string, mask: string): string {
  return text.replace(OF_A_USER_IN_TEXT, `$1${mask}`).replace(IN_A_QUERY_IN_TEXT, `$1${mask}`);
}
