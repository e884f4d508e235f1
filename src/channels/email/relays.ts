import type { OutcomeUnknown, Permanent, Retryable } from "../channel.ts";
import { Retryable as RetryLater, type SendOptions } from "../channel.ts";
import type { EmailAccount } from "./account.ts";
import { Breaker } from "./breaker.ts";
import { failureOf, isFaultOfServer, withoutLogin } from "./failure.ts";
import { type Mail, sendMail } from "./send.ts";
import { SessionError } from "./session.ts";
import { SmtpSessions } from "./sessions.ts";
import type { SmtpServer } from "./settings.ts";

/** A server with what is open to it. */
interface Relay {
  server: SmtpServer;
  sessions: SmtpSessions;
  breaker: Breaker;
}

/**
 * The servers of one account, in the order in which they are tried: the first that works takes the message. One that is down
 * is passed over for a while; when all are, each is tried all the same. From the moment that a server could have the whole of
 * a message, no other is given it.
 */
export class Relays {
  readonly #relays: readonly Relay[];
  readonly #setBy: EmailAccount["setBy"];

  constructor({ servers, setBy }: Pick<EmailAccount, "servers" | "setBy">) {
    this.#setBy = setBy;
    this.#relays = servers.map((server) => ({
      server,
      sessions: new SmtpSessions(server),
      breaker: new Breaker(),
    }));
  }

  /** Returns what finds the message in the server's log. Throws what the send is to throw, or what `beforeSend` threw. */
  async send(mail: Mail, options: SendOptions): Promise<string> {
    const failures: (Retryable | Permanent | OutcomeUnknown)[] = [];
    for (const { server, sessions, breaker } of this.#inOrder()) {
      try {
        const found = await sendMail(sessions, mail, options);
        breaker.worked();
        return withoutLogin(server, found);
      } catch (error) {
        if (!(error instanceof SessionError)) throw error;
        const failure = failureOf(error, server, this.#setBy, mail.to);
        // What we ended ourselves tells nothing of the server.
        if (options.signal.aborted) throw failure;
        if (!isFaultOfServer(error)) {
          breaker.worked();
          throw failure;
        }
        breaker.failed();
        failures.push(failure);
      }
    }
    const [first] = failures;
    if (first && failures.length === 1) throw first;
    throw new RetryLater(failures.map(({ message }) => message).join("; and then "));
  }

  close(): void {
    for (const { sessions } of this.#relays) sessions.close();
  }

  /** Those that work, else all of them, those first that are to be tried again the soonest. */
  #inOrder(): readonly Relay[] {
    const waits = new Map(this.#relays.map((relay) => [relay, relay.breaker.waitMs]));
    const working = this.#relays.filter((relay) => waits.get(relay) === 0);
    if (working.length > 0) return working;
    return this.#relays.toSorted((a, b) => (waits.get(a) ?? 0) - (waits.get(b) ?? 0));
  }
}
