import { setMaxListeners } from "node:events";
import { SMTPServer } from "smtp-server";
import type { Arrival, Held } from "./evidence.ts";
import { openHooks } from "./hooks.ts";
import { MOODY } from "./moody.ts";
import { randomFrom } from "./random.ts";
import { openTexts } from "./texts.ts";

// A mail server with moods, as a process of its own so that nobody's work but its own makes its clock late. It is told
// what to do, and tells what it saw, by messages between parent and child.

/** How likely each mood is; what is left is fine. */
export type Moods = Partial<Record<Mood, number>>;
export type Mood =
  /** Answers late. */
  | "slow"
  /** Has the whole message, says nothing for seconds, then hangs up. */
  | "hung"
  /** Has the whole message and hangs up. */
  | "silent"
  /** Keeps the message and says that it could not. */
  | "lying"
  /** Says at once, or after the message, to come again. */
  | "busy"
  | "full"
  /** Refuses for good. */
  | "refusing";

export type ToReceiver = { tell: "moods"; moods: Moods } | { tell: "seed"; seed: number };
export type FromReceiver =
  | { tell: "listening"; port: number; hooksPort: number; textsPort: number }
  | { tell: "arrival"; arrival: Arrival }
  | { tell: "letter"; letter: Letter };

/** What whoever gets a message has in hand: by what each of its links says, the last part of its path. */
export interface Letter {
  messageId: string;
  to: string;
  links: Record<string, string>;
}

const STALL_CHECK_MS = 10;
const STALL_MEMORY_MS = 400;

const tell = (message: FromReceiver): void => void process.send?.(message);
let random = randomFrom(0);
let moods: Moods = {};
let isCalm = true;
/** Ends every wait under way: whoever was hung comes to. */
let comeTo = newWait();

process.on("message", (message: ToReceiver) => {
  if (message.tell === "seed") random = randomFrom(message.seed);
  else {
    moods = message.moods;
    isCalm = Object.keys(moods).length === 0;
    comeTo.abort();
    comeTo = newWait();
  }
});
process.on("disconnect", () => process.exit());

/** When this process noticed that it was late, and by how much. */
const stalls: { at: number; ms: number }[] = [];
let lookedAt = performance.now();
setInterval(() => {
  const now = performance.now();
  const ms = now - lookedAt - STALL_CHECK_MS;
  lookedAt = now;
  if (ms > 2) stalls.push({ at: now, ms });
  while (stalls[0] && stalls[0].at < now - STALL_MEMORY_MS) stalls.shift();
}, STALL_CHECK_MS);

function stallMs(): number {
  return Math.ceil(Math.max(0, ...stalls.map((stall) => stall.ms)));
}

interface Transaction {
  mood: Mood | "fine";
  leftAt: number;
  stallMs: number;
  worker: string;
  to: string;
}
const transactions = new Map<string, Transaction>();

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS", "AUTH"],
  disableReverseLookup: true,
  onMailFrom(address, session, callback) {
    const worker = address.address.split("@")[0] ?? "";
    transactions.set(session.id, { mood: drawMood(), leftAt: Date.now(), stallMs: stallMs(), worker, to: "" });
    callback();
  },
  onRcptTo({ address }, session, callback) {
    const transaction = transactions.get(session.id);
    if (transaction) transaction.to = address;
    if (transaction && !isCalm && address.startsWith(MOODY) && random.chance(0.5)) transaction.mood = "full";
    callback(transaction?.mood === "busy" ? refusal(451, "come again") : null);
  },
  onData(stream, session, callback) {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const transaction = transactions.get(session.id);
      if (!transaction) return callback(refusal(451, "come again"));
      void take(Buffer.concat(chunks).toString("utf8"), transaction, session.id, callback);
    });
  },
  onClose: (session) => void transactions.delete(session.id),
});
// A worker that is killed drops its connections; that is what this is about.
server.on("error", () => {});
server.listen(0, "127.0.0.1", async () => {
  const address = server.server.address();
  const log = (arrival: Arrival) => tell({ tell: "arrival", arrival });
  const [hooksPort, textsPort] = [await openHooks(stallMs, log), await openTexts(stallMs, log)];
  tell({ tell: "listening", port: typeof address === "object" && address ? address.port : 0, hooksPort, textsPort });
});

async function take(
  content: string,
  { mood, ...seen }: Transaction,
  sessionId: string,
  answer: (error?: Error | null) => void,
): Promise<void> {
  const messageId = /^message-id:\s*(\S+)/im.exec(content)?.[1] ?? "none";
  const holds = heldIn(content);
  const log = (said: Arrival["answer"]) =>
    tell({ tell: "arrival", arrival: { messageId, ...seen, wholeAt, answeredAt: Date.now(), answer: said, holds } });
  const wholeAt = Date.now();
  switch (mood) {
    case "lying":
    case "full":
      log(mood === "lying" ? "lied" : "refused");
      return answer(refusal(452, "no room"));
    case "refusing":
      log("refused for good");
      return answer(refusal(554, "no such reader"));
    case "hung":
      await sleep(random.between(2_000, 6_000));
      log("none");
      return hangUp(sessionId);
    case "silent":
      log("none");
      return hangUp(sessionId);
    case "slow":
      await sleep(random.between(50, 900));
  }
  log("accepted");
  tell({ tell: "letter", letter: { messageId, to: seen.to, links: linksIn(content) } });
  answer();
}

/** The lines of the text that end in a link for an answer; the encoding has broken the long ones. */
function linksIn(content: string): Record<string, string> {
  const lines = content.replaceAll("=\r\n", "").matchAll(/^([^\r\n:]+): https?:\S*\/a\/([\w-]+)/gm);
  return Object.fromEntries([...lines].map(([, says, token]) => [says, token]));
}

/** What the words of a message say that it holds, each once; null: they don't say, and it holds what its id is of. */
function heldIn(content: string): Held[] | null {
  const told = content.replaceAll("=\r\n", "").matchAll(/Holds (\d+) of ([\d:.TZ-]+Z)\./g);
  const held = new Map(
    [...told].map(([all, id, at]) => [all, { reminderId: Number(id), occurrenceAt: Date.parse(at ?? "") }]),
  );
  // Where the machine is so slow that its words took too long, a message of several leaves in others.
  const isOfSeveral = /^subject: \d+ reminders? for you/im.test(content);
  return held.size === 0 && !isOfSeveral ? null : [...held.values()];
}

function drawMood(): Mood | "fine" {
  const fine = 1 - Object.values(moods).reduce((sum, share) => sum + share, 0);
  return random.weighted({ ...moods, fine } as Record<Mood | "fine", number>);
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

function hangUp(sessionId: string): void {
  for (const connection of server.connections as Set<{ session: { id: string }; _socket: { destroy(): void } }>) {
    if (connection.session.id === sessionId) connection._socket.destroy();
  }
}

function newWait(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

function sleep(ms: number): Promise<void> {
  const { signal } = comeTo;
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
