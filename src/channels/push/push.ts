import webPush from "web-push";
import { readContactAddress, writeContactAddress } from "../../core/contact-address.ts";
import type { ContactName } from "../../core/entity-name.ts";
import type { GuardedHttp } from "../../outgoing/guarded-http.ts";
import type { Rendered } from "../../templates/write.ts";
import {
  type Channel,
  InvalidRecipient,
  type Message,
  NotYet,
  Permanent,
  type Receipt,
  Retryable,
  type SendOptions,
} from "../channel.ts";
import { type OwnSettings, settingsFor } from "../own-settings.ts";
import { recipientOf } from "../recipient.ts";
import { render } from "../rendering.ts";
import { type Came, SlowReceivers } from "../slow-receivers.ts";
import type { PushAccount } from "./account.ts";
import type { KnownDevice } from "./device.ts";
import { readPushAnswer, type ToDevice, worstOf } from "./outcome.ts";
import { FEWEST_PAYLOAD_BYTES, MOST_DIGEST_CHARS, MOST_PAYLOAD_BYTES, pushPayload, topicOf } from "./payload.ts";

/** Where the devices of contacts are kept. */
export interface Devices {
  of(tenantId: string, contact: ContactName): Promise<readonly KnownDevice[]>;
  /** The push service says that it isn't there any more. */
  forget(tenantId: string, contact: ContactName, device: KnownDevice): Promise<void>;
}

export interface PushSettings {
  /** Null: only tenants with a key of their own send. */
  account: PushAccount | null;
  http: GuardedHttp;
  /** Not set: nobody has any. Who only checks recipients needs none. */
  devices?: Devices | undefined;
  /** For each request and its answer, in milliseconds; default 15 s. */
  timeoutMs?: number;
  /** Asked for each message. Without it, all tenants send by the one account above. */
  own?: OwnSettings<PushAccount> | undefined;
}

/** Messages on their way at once, from one worker. */
const CONCURRENCY = 20;
const TIMEOUT_MS = 15_000;
/** One that was too large is sent once more. */
const REQUESTS = 2;
/** What asking the database besides may take, in milliseconds. */
const BESIDES_MS = 10_000;
const MAX_ANSWER_BYTES = 16 * 1024;

/** As long as the usual push services keep a message, in seconds; the least is for a device that is just out of reach. */
const LONGEST_TTL_S = 28 * 86_400;
const SHORTEST_TTL_S = 60;

/** Notifications on people's devices (Web Push: RFC 8030, 8291 and 8292). The recipient is a contact: it goes to all its devices. */
export function createPushChannel(settings: PushSettings): Channel {
  const { account: shared, http, devices, own, timeoutMs = TIMEOUT_MS } = settings;
  const slow = new SlowReceivers("push messages");

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const { tenantId } = message.reminder;
    const account = await settingsFor(tenantId, { shared, own, what: "push settings" });
    if (account === null) throw new Retryable(NO_ACCOUNT);
    const contact = recipientOf(message, readRecipient);
    if (contact === null) throw new Permanent(NO_RECIPIENT);
    const all = (await devices?.of(tenantId, contact)) ?? [];
    if (all.length === 0) throw new Permanent(noDevice(contact));
    const words = render(message);
    await options.beforeSend?.();
    const tried = await Promise.allSettled(all.map((device) => sendTo(device, account, message, words, options)));
    // What holds it back on the way to one device changes nothing of what another has.
    const heldBack = tried.find(({ status }) => status === "rejected");
    const sent = tried.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const gone = all.filter((_, index) => {
      const one = tried[index];
      return one?.status === "fulfilled" && one.value === "gone";
    });
    for (const device of gone) await devices?.forget(tenantId, contact, device);
    if (sent.includes("taken")) return { providerId: null, demo: false };
    const failure = worstOf(sent.filter((one) => typeof one !== "string"));
    // What one of them may have got would else be forgotten; whether it is still to be sent is asked again before the next try.
    if (failure instanceof Retryable && failure.mayHaveArrived) throw failure;
    if (heldBack?.status === "rejected") throw heldBack.reason;
    if (gone.length === all.length) throw new Permanent(noDevice(contact, "any more"));
    throw failure ?? new Permanent(TOO_LARGE);
  }

  /** Sends to one device; once more, and shorter, where its push service takes nothing so large. */
  async function sendTo(
    device: KnownDevice,
    account: PushAccount,
    message: Message,
    words: Rendered,
    { signal, beforeSend }: SendOptions,
  ): Promise<ToDevice> {
    const { host, origin } = new URL(device.endpoint);
    let leave: (came: Came) => void;
    let came: Came = null;
    try {
      leave = slow.enter({ tenantId: message.reminder.tenantId, url: device.endpoint, origin, host });
    } catch (error) {
      if (error instanceof NotYet) return error;
      throw error;
    }
    const post = async (maxBytes: number): Promise<ToDevice> => {
      const { headers, body } = requestFor(device, account, message, pushPayload(message, words, maxBytes));
      const request = { method: "POST", url: device.endpoint, headers, body, signal, beforeSend, timeoutMs } as const;
      const beganAtMs = performance.now();
      const answer = await http.request({ ...request, maxResponseBytes: MAX_ANSWER_BYTES, need: "status" });
      came = { tookMs: performance.now() - beganAtMs, isAnswered: answer.ok };
      return readPushAnswer(answer, host);
    };
    try {
      const first = await post(MOST_PAYLOAD_BYTES);
      return first === "too_large" ? await post(FEWEST_PAYLOAD_BYTES) : first;
    } finally {
      leave(came);
    }
  }

  return {
    name: "push",
    concurrency: CONCURRENCY,
    maxDigestChars: MOST_DIGEST_CHARS,
    opensOnePage: true,
    reachesDevices: true,
    timeoutMs: timeoutMs * REQUESTS + BESIDES_MS,
    parseRecipient: (text) => writeContactAddress(readRecipient(text)),
    address: ({ push }) => push ?? null,
    send,
    async close() {},
  };
}

const NO_ACCOUNT =
  "there is no key to identify ourselves to push services with: set VAPID_PRIVATE_KEY and VAPID_SUBJECT, or the tenant's own by `reminder-engine channels set push`";
const NO_RECIPIENT =
  "there is no device: have the entity's contact subscribe (POST /contacts/.../push-link), or give the reminder a recipient";
const TOO_LARGE = "the push service takes no message of this size, however short: look into its documentation";

function noDevice(contact: ContactName, since = ""): string {
  const name = writeContactAddress(contact);
  return `there is no device${since && ` ${since}`}: have ${name} subscribe by a link from POST /contacts/${name}/push-link`;
}

/** Throws `InvalidRecipient`. */
function readRecipient(text: string): ContactName {
  const contact = readContactAddress(text.trim());
  if (contact === null) {
    throw new InvalidRecipient(
      "must be a contact: its entity type and id with a slash between, like interviewer/INT_100",
    );
  }
  return contact;
}

function requestFor(
  { endpoint, p256dh, auth }: KnownDevice,
  account: PushAccount,
  message: Message,
  payload: Buffer,
): { headers: Record<string, string>; body: Buffer } {
  const keys = { p256dh: p256dh.toString("base64url"), auth: auth.toString("base64url") };
  const details = webPush.generateRequestDetails({ endpoint, keys }, payload, {
    vapidDetails: account,
    TTL: secondsToLive(message),
    topic: topicOf(message),
    urgency: urgencyOf(message),
  });
  const headers = Object.entries(details.headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  // How long it is says whoever sends it.
  const ours = headers.filter(([name]) => name !== "content-length");
  return { headers: Object.fromEntries(ours), body: details.body };
}

/** Until the reminder comes again, in whole seconds: then this one is of no use any more. */
function secondsToLive({ nextRunAt, attemptedAt }: Message): number {
  if (nextRunAt === null) return LONGEST_TTL_S;
  return Math.min(LONGEST_TTL_S, Math.max(SHORTEST_TTL_S, Math.floor((nextRunAt - attemptedAt) / 1_000)));
}

/** RFC 8030 §5.3: `high` also wakes a device whose battery is low. */
function urgencyOf({ addressed }: Message): "low" | "normal" | "high" {
  if (addressed?.tells) return "low";
  return addressed?.hasEscalated ? "high" : "normal";
}
