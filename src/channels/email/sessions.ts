import { SmtpSession } from "./session.ts";
import type { SmtpServer } from "./settings.ts";

/** Messages after which a session is replaced: some servers count, and close on the next. */
const MAX_MESSAGES_PER_SESSION = 100;
/** Milliseconds that an idle session is kept: shorter than servers and firewalls have patience. */
const IDLE_MS = 20_000;

/**
 * Sessions that stay open from one message to the next. There is no queue: whoever asks gets an idle session or a new
 * one, and the engine's bound on sends at once is the bound on sessions.
 */
export class SmtpSessions {
  readonly #server: SmtpServer;
  readonly #idle = new Map<SmtpSession, NodeJS.Timeout>();
  #isClosed = false;

  constructor(server: SmtpServer) {
    this.#server = server;
  }

  /** An open session, used before or new. Throws `SessionError`. */
  async take(signal: AbortSignal): Promise<SmtpSession> {
    for (const [session, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(session);
      if (session.isOpen) return session;
    }
    const session = await SmtpSession.open(this.#server, signal);
    session.onEnd(() => this.#forget(session));
    return session;
  }

  /** Takes a session back for the next message. */
  giveBack(session: SmtpSession): void {
    if (!session.isOpen) return;
    if (this.#isClosed || session.used >= MAX_MESSAGES_PER_SESSION) {
      session.quit();
      return;
    }
    const timer = setTimeout(() => {
      this.#forget(session);
      session.quit();
    }, IDLE_MS);
    this.#idle.set(session, timer);
  }

  /** Takes a session back that had a message refused; in the background, as nobody need wait for it. */
  giveBackAfterRefusal(session: SmtpSession): void {
    session.reset(AbortSignal.timeout(IDLE_MS)).then(
      () => this.giveBack(session),
      () => session.close(),
    );
  }

  /** Ends the idle sessions; those at work end when they are given back. */
  close(): void {
    this.#isClosed = true;
    for (const session of [...this.#idle.keys()]) {
      this.#forget(session);
      session.quit();
    }
  }

  #forget(session: SmtpSession): void {
    clearTimeout(this.#idle.get(session));
    this.#idle.delete(session);
  }
}
