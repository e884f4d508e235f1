import { createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Arrival } from "./evidence.ts";
import type { Random } from "./random.ts";
import { openWeb, Scripts } from "./web.ts";

// A receiver of webhooks that answers as the path of its URL says, one after the other: 410 is "never again", 503 "not now", 500 "I may
// have it", `cut` takes the message and hangs up. The last is said from then on.

/** What is said to the attempts of one message, by how often. */
const SCRIPTS = { "410": 4, "503-410": 2, "cut-410": 3, "500-410": 1, "503": 2, "200": 1, "503-200": 1 };

/** The path of a URL that answers like that. */
export function drawScript(random: Random): string {
  return `/${random.weighted(SCRIPTS)}`;
}

/** What a worker signs its webhooks with, so that they tell whose they are. */
export function secretOf(worker: string): string {
  return `whsec_${keyOf(worker).toString("base64")}`;
}

const ANSWERS: Record<string, Arrival["answer"]> = {
  "200": "accepted",
  "410": "refused for good",
  "503": "refused",
  "500": "lied",
};

/** Resolves to its port; `log` gets what became of each message. */
export function openHooks(stallMs: () => number, log: (arrival: Arrival) => void): Promise<number> {
  const scripts = new Scripts();
  return openWeb(stallMs, ({ request, body, response, ...seen }) => {
    const { data } = JSON.parse(body.toString("utf8")) as { data: { delivery_id: string } };
    const messageId = `<${data.delivery_id}@webhook>`;
    const { pathname } = new URL(request.url ?? "", "http://hooks");
    const says = scripts.next(messageId, pathname.slice(1));
    const answeredAt = Date.now();
    const to = `http://${request.headers.host}${request.url}`;
    const answer = ANSWERS[says] ?? "none";
    const worker = workerOf(request, body);
    log({ messageId, to, ...seen, wholeAt: answeredAt, answeredAt, answer, worker, holds: null });
    if (answer === "none") request.socket.destroy();
    else response.writeHead(Number(says)).end();
  });
}

const MOST_WORKERS = 9;

/** Whose signature it is, by Standard Webhooks; empty: nobody's. */
function workerOf({ headers }: IncomingMessage, body: Buffer): string {
  const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
  const names = Array.from({ length: MOST_WORKERS }, (_, index) => `worker-${index + 1}`);
  const isOf = (name: string) => createHmac("sha256", keyOf(name)).update(signed).update(body).digest("base64");
  return names.find((name) => headers["webhook-signature"] === `v1,${isOf(name)}`) ?? "";
}

function keyOf(worker: string): Buffer {
  return Buffer.from(worker.padEnd(24, "."));
}
