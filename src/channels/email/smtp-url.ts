import { isIP } from "node:net";
import { type SmtpServer, TLS_MODES } from "./settings.ts";

/** More than these are a sign of a mistake. */
const MOST_SERVERS = 5;
const PORTS = { "smtp:": 587, "smtps:": 465 } as const;
const HOST = /^[A-Za-z0-9._-]{1,253}$/;

/** The name of the secret that holds the URLs of a tenant's other servers, all together: logins are in them. */
export const FALLBACK = "smtp_fallback";

/** What is right, as in "must be ...". */
export const SMTP_URLS = `1 to ${MOST_SERVERS} URLs like smtp://user:password@smtp.example.com:587 or smtps://..., with spaces between them (in the password, @ is %40)`;

/** Servers as they are written down, with spaces or line breaks between them. Null where one can't be read; shows nothing of them. */
export function parseSmtpUrls(text: string): SmtpServer[] | null {
  const servers = text
    .split(/\s+/)
    .filter((part) => part !== "")
    .map(parseSmtpUrl);
  const isRight = servers.length > 0 && servers.length <= MOST_SERVERS && !servers.includes(null);
  return isRight ? (servers as SmtpServer[]) : null;
}

/** `smtp://` is as `SMTP_TLS=auto` unless `?tls=` says otherwise; `smtps://` is TLS from the start. */
function parseSmtpUrl(text: string): SmtpServer | null {
  try {
    const url = new URL(text);
    const port = PORTS[url.protocol as keyof typeof PORTS];
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    const tls = url.protocol === "smtps:" ? "implicit" : (url.searchParams.get("tls") ?? "auto");
    const isPlain = (url.pathname === "" || url.pathname === "/") && url.hash === "";
    const parameters = [...url.searchParams.keys()];
    const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)];
    if (port === undefined || !isPlain || (!HOST.test(host) && isIP(host) === 0)) return null;
    if (!isTlsMode(tls) || parameters.some((name) => name !== "tls") || (username === "") !== (password === ""))
      return null;
    const login = username === "" ? { username: null, password: null } : { username, password };
    return { host, port: url.port === "" ? port : Number(url.port), tls, ...login };
  } catch {
    return null;
  }
}

function isTlsMode(text: string): text is SmtpServer["tls"] {
  return (TLS_MODES as readonly string[]).includes(text);
}
