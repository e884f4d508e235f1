import type { SendOptions } from "../channel.ts";
import { SessionError, type SmtpSession } from "./session.ts";
import type { SmtpSessions } from "./sessions.ts";

export interface Mail {
  from: string;
  to: string;
  content: Buffer;
}

/**
 * Sends over the next session; returns what finds the message in the server's log: its id there, or else the server's
 * own words ("250 OK: queued as 4F2A"). Throws `SessionError`, or what `beforeSend` threw.
 */
export async function sendMail(sessions: SmtpSessions, mail: Mail, options: SendOptions): Promise<string> {
  const session = await sessions.take(options.signal);
  const wasUsed = session.used > 0;
  // The session asks again when the server waits for the content. Asked here first, a no costs no connection.
  try {
    await options.beforeSend?.();
  } catch (change) {
    sessions.giveBack(session);
    throw change;
  }
  try {
    const { serverMessageId, response } = await session.send(mail, mail.content, options);
    sessions.giveBack(session);
    return serverMessageId ?? response;
  } catch (error) {
    putAway(session, sessions, error);
    // The server had ended an idle session, and we only noticed now: that is no failed try. Ends with a new session.
    if (wasUsed && isEndOfSession(error) && !options.signal.aborted) return await sendMail(sessions, mail, options);
    throw error;
  }
}

function putAway(session: SmtpSession, sessions: SmtpSessions, error: unknown): void {
  const isRefusal = error instanceof SessionError && error.responseCode !== null && session.isOpen;
  if (isRefusal) sessions.giveBackAfterRefusal(session);
  else session.close();
}

/** 421: RFC 5321 §3.8, the server says that it closes the connection. */
function isEndOfSession(error: unknown): boolean {
  return (
    error instanceof SessionError &&
    error.stage === "envelope" &&
    (error.responseCode === 421 || (error.responseCode === null && error.code !== "EMESSAGE"))
  );
}
