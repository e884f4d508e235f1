import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Arrival } from "./evidence.ts";
import type { Random } from "./random.ts";
import { openWeb, Scripts } from "./web.ts";

// A provider of SMS that sends whatever it is asked to, also when it is asked twice. It answers as the number says that is to get it, late
// more often than not: 429 is "not now", 500 "I may have it", `cut` takes the message and hangs up, 400 is "no phone has that number".

/** What is said to the attempts of one message, by how often. */
const SCRIPTS = { "201": 12, cut: 2, "500": 1, "503-201": 2, "429-201": 1, "400": 1 };
const NAMES = Object.keys(SCRIPTS) as (keyof typeof SCRIPTS)[];
/** Of how it is answered, so many digits say how late. */
const LATE_MS = 150;

const ANSWERS: Record<string, Arrival["answer"]> = {
  "201": "accepted",
  "400": "refused for good",
  "429": "refused",
  "503": "refused",
};
/** Twilio's word for a number that isn't one. */
const NO_NUMBER = JSON.stringify({ code: 21211 });

/** A number of its own that gets answers like that. */
export function drawNumber(random: Random, count: number): string {
  const script = NAMES.indexOf(random.weighted(SCRIPTS));
  return `+49151${script}${Math.floor(random.between(0, 10))}${String(count).padStart(6, "0")}`;
}

/** The account by which a worker asks, so that it tells whose request it is. */
export function accountOf(worker: string): Record<string, string> {
  return { TWILIO_ACCOUNT_SID: `AC${hexOf(worker)}`, TWILIO_AUTH_TOKEN: hexOf("token"), SMS_FROM: "+15005550006" };
}

/** Resolves to its port; `log` gets what became of each message. */
export function openTexts(stallMs: () => number, log: (arrival: Arrival) => void): Promise<number> {
  const scripts = new Scripts();
  return openWeb(stallMs, async ({ request, body, response, ...seen }) => {
    const wholeAt = Date.now();
    const form = new URLSearchParams(body.toString("utf8"));
    const to = form.get("To") ?? "";
    // Where it is to be told what became of the message: the one place that names it.
    const callback = new URL(form.get("StatusCallback") ?? "http://nowhere");
    const messageId = `<${callback.searchParams.get("delivery")}@sms>`;
    const [script, late] = [to[6], to[7]].map(Number) as [number, number];
    const says = scripts.next(messageId, NAMES[script] ?? "");
    const worker = workerOf(request.url ?? "");
    await sleep(late * LATE_MS);
    const answer = ANSWERS[says] ?? "none";
    log({ messageId, to, ...seen, wholeAt, answeredAt: Date.now(), answer, worker, holds: null });
    if (says === "cut") request.socket.destroy();
    else response.writeHead(Number(says), { "retry-after": "1" }).end(says === "400" ? NO_NUMBER : "{}");
  });
}

const MOST_WORKERS = 9;

function workerOf(path: string): string {
  const names = Array.from({ length: MOST_WORKERS }, (_, index) => `worker-${index + 1}`);
  return names.find((name) => path.includes(hexOf(name))) ?? "";
}

function hexOf(name: string): string {
  return createHash("sha256").update(name).digest("hex").slice(0, 32);
}
