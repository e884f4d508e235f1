import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:net";

export interface WireRequest {
  method: string;
  /** Path and query, encoded. */
  target: string;
  headers: Record<string, string>;
  body: Buffer | null;
}

export interface WireAnswer {
  status: number;
  headers: Record<string, string | undefined>;
  text: string;
  /** What the text says; undefined where it is no JSON. */
  json: unknown;
}

/** The request wasn't answered: nothing came, or what came was cut off. */
export class NoAnswer extends Error {
  override name = "NoAnswer";
}

/** Connections that are kept alive between requests, as clients and proxies do. */
export class Wire {
  readonly #url: URL;
  readonly #agent: Agent;
  readonly #patienceMs: number;

  /** Whatever isn't answered within `patienceMs` counts as hanging. */
  constructor(url: string, { connections, patienceMs }: { connections: number; patienceMs: number }) {
    this.#url = new URL(url);
    this.#patienceMs = patienceMs;
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  /** Throws `NoAnswer`. */
  async send(wanted: WireRequest): Promise<WireAnswer> {
    try {
      return await this.#sendOnce(wanted);
    } catch (error) {
      // The service may close a connection at the moment when it is used again; whoever keeps them alive expects that.
      if (error instanceof NoAnswer && error.cause === "reused") return this.#sendOnce(wanted);
      throw error;
    }
  }

  #sendOnce({ method, target, headers, body }: WireRequest): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const length = body === null ? {} : { "content-length": String(body.length) };
      const { hostname, port } = this.#url;
      const sent = httpRequest({
        hostname,
        port,
        method,
        path: target,
        headers: { ...length, ...headers },
        agent: this.#agent,
      });
      const timer = setTimeout(
        () => sent.destroy(new NoAnswer(`no answer within ${this.#patienceMs} ms`)),
        this.#patienceMs,
      );
      sent.on("error", (error) => {
        clearTimeout(timer);
        const cause = sent.reusedSocket && "code" in error && error.code === "ECONNRESET" ? "reused" : "";
        reject(error instanceof NoAnswer ? error : new NoAnswer(error.message, { cause }));
      });
      sent.on("response", (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", (error) => reject(new NoAnswer(`cut off: ${error.message}`)));
        response.on("end", () => {
          clearTimeout(timer);
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as WireAnswer["headers"],
            text,
            json: parse(text),
          });
        });
      });
      sent.end(body ?? undefined);
    });
  }

  /** Sends bytes on a connection of their own, and returns all that came back until it was closed. Throws `NoAnswer`. */
  sendBytes(bytes: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.#url.hostname, port: Number(this.#url.port) });
      const timer = setTimeout(
        () => socket.destroy(new NoAnswer(`not closed within ${this.#patienceMs} ms`)),
        this.#patienceMs,
      );
      let text = "";
      socket.setEncoding("latin1").on("data", (chunk: string) => {
        text += chunk;
      });
      // Being cut off is an answer too, to what is no request.
      socket.on("error", (error) => {
        if (error instanceof NoAnswer) reject(error);
      });
      socket.on("close", () => {
        clearTimeout(timer);
        resolve(text);
      });
      socket.end(bytes.replaceAll("HOST", this.#url.host), "latin1");
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
