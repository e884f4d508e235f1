import { withoutSecrets } from "../../core/secret-forms.ts";
import { BadAddress, OutcomeUnknown, Permanent, Retryable } from "../channel.ts";
import type { EmailAccount } from "./account.ts";
import { codeIn, HARD_BOUNCE_DAYS, kindOf } from "./feedback/feedback.ts";
import type { SessionError } from "./session.ts";
import type { SmtpServer } from "./settings.ts";

/** RFC 5321 §3.8: the server takes nothing at the moment. */
const CLOSING_REPLIES: readonly number[] = [421];

/** What a person sees of a server's reply; some servers answer with a page. */
const MAX_SENTENCE_LENGTH = 400;

const NOT_SHOWN = "what it said isn't shown, as it has the password in it";

/** RFC 4954 §6: the server wants a login, or a better one, before it takes any mail. Not the message's fault. */
const LOGIN_REPLIES: readonly number[] = [530, 534, 535, 538];
/** RFC 5321 §4.2.2: the session went wrong, not the message; a new one may do. */
const SESSION_REPLIES: readonly number[] = [503];

/** A mailbox may be made again. */
const GONE = { reason: "hard_bounce", days: HARD_BOUNCE_DAYS } as const;

/** What a person has to look at, by where the account was set. */
const TO_CHECK = {
  environment: {
    login: "SMTP_USERNAME and SMTP_PASSWORD",
    tls: ({ tls }: SmtpServer) => `SMTP_TLS=${tls}`,
    server: "SMTP_HOST and SMTP_PORT",
    sender: "SMTP_FROM_EMAIL",
  },
  tenant: {
    login: "username and password of this tenant's own e-mail account",
    tls: ({ tls }: SmtpServer) => `the TLS mode (${tls}) of this tenant's own e-mail account`,
    server: "host and port of this tenant's own e-mail account",
    sender: "the from address of this tenant's own e-mail account",
  },
};

/**
 * What a failed try means for the message. A reply decides: 4xx may pass, 5xx about the sender, the recipient or the
 * message won't. Without a reply it is a broken line: harmless before the message went out, and past that nobody knows.
 */
export function failureOf(
  error: SessionError,
  server: SmtpServer,
  setBy: EmailAccount["setBy"],
  to: string,
): Retryable | Permanent | OutcomeUnknown {
  const say = (sentence: string) => bounded(sentence, MAX_SENTENCE_LENGTH);
  const where = `${server.host}:${server.port}`;
  const message = withoutLogin(server, error.message);
  const reply = withoutLogin(server, error.response ?? error.message);

  if (error.stage === "connect") return new Retryable(say(connectSentence(error, message, server, setBy)));
  if (error.stage === "login" || isOneOf(LOGIN_REPLIES, error.responseCode)) {
    return new Retryable(say(`the mail server ${where} refused the login (${reply}): check ${TO_CHECK[setBy].login}`));
  }
  if (error.responseCode !== null) {
    const sentence = say(`the mail server ${where} ${refusal(error, setBy)} ${to}: ${reply}`);
    const isFinal = error.responseCode >= 500 && !isOneOf(SESSION_REPLIES, error.responseCode);
    if (!isFinal) return new Retryable(sentence);
    const isOfAddress = isOfRecipient(error) && kindOf(codeIn(error.response ?? ""), false) === "hard";
    return isOfAddress ? new BadAddress(sentence, GONE) : new Permanent(sentence);
  }
  if (error.stage === "content") {
    return new OutcomeUnknown(
      say(`the mail server ${where} had the message for ${to} and never said whether it took it (${message})`),
    );
  }
  if (error.code === "EMESSAGE") return new Permanent(say(`the message is too large for the mail server ${where}`));
  return new Retryable(say(`the connection to the mail server ${where} broke before the message went out (${reply})`));
}

function connectSentence(
  error: SessionError,
  message: string,
  server: SmtpServer,
  setBy: EmailAccount["setBy"],
): string {
  const where = `${server.host}:${server.port}`;
  const check = TO_CHECK[setBy];
  if (error.code === "ETLS" || isCertificateError(error)) {
    const what = `its certificate and ${check.tls(server)}`;
    return `no safe connection to the mail server ${where} (${message}): check ${what}`;
  }
  return `the mail server ${where} can't be reached (${message}): check ${check.server}`;
}

/** Node reports a certificate it doesn't trust as an ordinary socket error. */
function isCertificateError(error: SessionError): boolean {
  return /certificate|altnames|ssl|tls/i.test(error.message);
}

function refusal(error: SessionError, setBy: EmailAccount["setBy"]): string {
  if (error.stage === "content") return "refused the message for";
  return isOfSender(error) ? `refused the sender (check ${TO_CHECK[setBy].sender}) of the message for` : "refused";
}

function isOfSender({ message, response }: SessionError): boolean {
  return /^mail command/i.test(message) && response !== null;
}

/** The reply to RCPT TO. */
function isOfRecipient(error: SessionError): boolean {
  return error.stage === "envelope" && !isOfSender(error);
}

/**
 * True where the server can't be worked with at the moment, whatever the message: another one may. Never once the content could
 * have left.
 */
export function isFaultOfServer({ stage, responseCode, code }: SessionError): boolean {
  if (stage === "connect" || stage === "login") return true;
  if (stage === "content" || code === "EMESSAGE") return false;
  return responseCode === null || isOneOf([...LOGIN_REPLIES, ...CLOSING_REPLIES], responseCode);
}

function isOneOf(codes: readonly number[], code: number | null): boolean {
  return code !== null && codes.includes(code);
}

/** A server may send back what it got; the password goes no further, in whatever form it comes. */
export function withoutLogin({ username, password }: SmtpServer, text: string): string {
  if (password === null || password === "") return text;
  return withoutSecrets(text, [`\0${username}\0${password}`, password]) ?? NOT_SHOWN;
}

/** One line of at most `length` characters, whatever a server put into it. */
export function bounded(text: string, length: number): string {
  const line = text
    .toWellFormed()
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  return line.length <= length ? line : `${line.slice(0, length - 1).toWellFormed()}…`;
}
