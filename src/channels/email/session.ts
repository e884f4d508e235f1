import { isIP } from "node:net";
import { Readable } from "node:stream";
import SMTPConnection, {
  type SMTPConnectionOptions,
  type SMTPConnectionSendInfo,
} from "nodemailer/lib/smtp-connection";
import type { SendOptions } from "../channel.ts";
import type { SmtpServer } from "./settings.ts";

export interface Envelope {
  from: string;
  to: string;
}

/** How far a try had come when it failed. */
export type Stage = "connect" | "login" | "envelope" | "content";

/** What went wrong on the wire, and when. */
export class SessionError extends Error {
  override name = "SessionError";
  readonly stage: Stage;
  /** The server's three-digit reply, if it gave one. */
  readonly responseCode: number | null;
  /** The server's reply as it came. */
  readonly response: string | null;
  /** nodemailer's own word for it: ECONNECTION, ETLS, EAUTH, ... */
  readonly code: string | null;

  constructor(stage: Stage, cause: unknown) {
    const { message, responseCode, response, code } = details(cause);
    super(message, { cause });
    this.stage = stage;
    this.responseCode = responseCode;
    this.response = response;
    this.code = code;
  }
}

/** Milliseconds from the first packet to a session that is ready for TLS and login. */
const CONNECT_TIMEOUT_MS = 15_000;
/** Milliseconds of silence after which a server counts as hung. */
const SILENCE_TIMEOUT_MS = 30_000;
/** Milliseconds that a closing connection may take before it is cut. */
const CLOSE_TIMEOUT_MS = 1_000;

/** One connection to the mail server, logged in; sends one message at a time. */
export class SmtpSession {
  /** Messages handed to it so far. */
  used = 0;
  readonly #connection: SMTPConnection;

  private constructor(connection: SMTPConnection) {
    this.#connection = connection;
  }

  /** Connects and logs in. Throws `SessionError`. */
  static async open(server: SmtpServer, signal: AbortSignal): Promise<SmtpSession> {
    const connection = new SMTPConnection(connectionOptions(server));
    connection.on("error", () => {}); // each step listens for its own; an idle connection that breaks is just gone
    try {
      await step(connection, "connect", signal, (done) => connection.connect(done));
      const { username, password } = server;
      if (username !== null && connection.allowsAuth) {
        const credentials = { user: username, pass: password ?? "" };
        await step(connection, "login", signal, (done) => connection.login({ ...credentials, credentials }, done));
      }
      return new SmtpSession(connection);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return !this.#connection.destroyed;
  }

  /** Calls back when the connection is gone, whoever ended it. */
  onEnd(callback: () => void): void {
    this.#connection.once("end", callback);
  }

  /**
   * Sends one message. Throws `SessionError`; its stage is "content" from the moment that the server could have all of
   * it, so that its silence doesn't tell whether it took the message.
   *
   * `beforeSend` is asked once the server waits for the content, as some take seconds to get there. What it throws is
   * thrown as it is, and ends the connection: the only way to take back a message that is announced, but not sent.
   */
  async send(envelope: Envelope, content: Buffer, options: SendOptions): Promise<SMTPConnectionSendInfo> {
    this.used++;
    const { signal, beforeSend } = options;
    const connection = this.#connection;
    const addressed = { from: envelope.from, to: [envelope.to], size: content.length, use8BitMime: false };
    let stage: Stage = "envelope";
    return await new Promise((resolve, reject) => {
      const stream = contentStream(content, async () => {
        try {
          await beforeSend?.();
        } catch (change) {
          reject(change);
          connection.close();
        }
        if (!stream.destroyed) stage = "content";
      });
      step<SMTPConnectionSendInfo>(
        connection,
        () => stage,
        signal,
        (done) => connection.send(addressed, stream, done),
      ).then(resolve, reject);
    });
  }

  /** Makes the session ready again after the server refused a message. Throws `SessionError`. */
  async reset(signal: AbortSignal): Promise<void> {
    await step(this.#connection, "envelope", signal, (done) => this.#connection.reset(done));
  }

  /** Says goodbye. */
  quit(): void {
    if (this.isOpen) this.#connection.quit();
  }

  /** Hangs up. */
  close(): void {
    this.#connection.close();
  }
}

/** The content as the connection reads it, which is when the server waits for it; nothing of it before `leaving` is through. */
function contentStream(content: Buffer, leaving: () => Promise<void>): Readable {
  return new Readable({
    read() {
      leaving().then(() => {
        if (this.destroyed) return; // the connection ended meanwhile
        this.push(content);
        this.push(null);
      });
    },
  });
}

type Done<T> = (error?: Error | null, result?: T) => void;

/** One exchange with the server: its answer, a broken connection or the signal ends it. */
function step<T>(
  connection: SMTPConnection,
  stage: Stage | (() => Stage),
  signal: AbortSignal,
  start: (done: Done<T>) => void,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const fail = (cause: unknown) => {
      release();
      reject(new SessionError(typeof stage === "string" ? stage : stage(), cause));
    };
    const onAbort = () => {
      fail(signal.reason);
      connection.close();
    };
    // The error that ended the connection, if there is one, arrives right after; only without one is this the news.
    const onEnd = () => setImmediate(() => fail(new Error("the connection was closed")));
    const release = () => {
      signal.removeEventListener("abort", onAbort);
      connection.off("error", fail);
      connection.off("end", onEnd);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    connection.on("error", fail);
    connection.on("end", onEnd);
    if (signal.aborted) return onAbort();
    start((error, result) => {
      if (error) return fail(error);
      release();
      resolve(result as T);
    });
  });
}

function connectionOptions(server: SmtpServer): SMTPConnectionOptions {
  const { certificateAuthority: ca } = server;
  return {
    host: server.host,
    port: server.port,
    ...encryption(server),
    tls: { minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) },
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    dnsTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    socketCloseTimeout: CLOSE_TIMEOUT_MS,
    maxResponseSize: 64 * 1024,
    logger: false,
  };
}

function encryption({ tls, port, host, username }: SmtpServer): SMTPConnectionOptions {
  if (tls === "implicit" || (tls === "auto" && port === 465)) return { secure: true };
  if (tls === "off") return { secure: false, ignoreTLS: true };
  return { secure: false, requireTLS: tls === "required" || (username !== null && !isLoopback(host)) };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function details(cause: unknown): Pick<SessionError, "message" | "responseCode" | "response" | "code"> {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const field = (name: string): unknown => (error as unknown as Record<string, unknown>)[name];
  const [responseCode, response, code] = [field("responseCode"), field("response"), field("code")];
  return {
    message: error.message,
    responseCode: typeof responseCode === "number" ? responseCode : null,
    response: typeof response === "string" ? response : null,
    code: typeof code === "string" ? code : null,
  };
}
