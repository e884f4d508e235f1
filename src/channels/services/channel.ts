import { hash } from "node:crypto";
import { tellsSecret } from "../../core/secret-forms.ts";
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
import { Turns } from "../turns.ts";
import type { ServiceAccess } from "./access.ts";
import { fillBody, fillHeaders, fillUrl, type Values } from "./fill.ts";
import { readOutcome } from "./outcome.ts";
import type { HttpService, RecipientRule } from "./service.ts";
import { settingsOf } from "./settings.ts";
import { wordsFor, writtenFor } from "./words.ts";

export interface ServiceSettings {
  /** Null: only tenants with an access of their own send. */
  access: ServiceAccess | null;
  http: GuardedHttp;
  /** For the whole request and its answer, in milliseconds; default 15 s. */
  timeoutMs?: number;
  /** Asked for each message. Without it, all tenants send by the one access above. */
  own?: OwnSettings<ServiceAccess> | undefined;
}

/** Messages on their way at once, from one worker. */
const CONCURRENCY = 10;
const TIMEOUT_MS = 15_000;
/** What asking the database before the request may take besides, in milliseconds. */
const BEFORE_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_RECIPIENT_LENGTH = 300;

/** A channel to a service that is written down as data: one request is one message. */
export function createServiceChannel(service: HttpService, settings: ServiceSettings): Channel {
  const { access: shared, http, own, timeoutMs = TIMEOUT_MS } = settings;
  const { name, title, request } = service;
  const turns = new Turns(service.everyMs, `one message in ${service.everyMs} ms to a place in ${title}`);

  async function send(message: Message, options: SendOptions): Promise<Receipt> {
    const access = await settingsFor(message.reminder.tenantId, { shared, own, what: `${title} settings` });
    if (access === null) throw new Retryable(noAccess(service));
    const to = addressed(service, message);
    const rendered = render(message);
    const values = valuesOf(message, access, { ...wordsFor(service, message, rendered), recipient: to?.text ?? null });
    const body = fillBody({ ...request.body, ...to?.rule.adds }, values, rendered.answers);
    const place = `${access.secret} ${access.apiUrl} ${to?.text}`;
    turns.enter(place);
    const outcome = await http.request({
      ...{ method: request.method, url: fillUrl(request.url, values) },
      headers: { "content-type": MEDIA_TYPE[request.encoding], ...fillHeaders(request.headers ?? {}, values) },
      body: request.encoding === "json" ? JSON.stringify(body) : toForm(body),
      ...{ signal: options.signal, timeoutMs, maxResponseBytes: MAX_ANSWER_BYTES, need: "status" },
      beforeSend: options.beforeSend,
      isRepeatable: service.isIdempotent,
    });
    const read = readOutcome(service, outcome);
    const asksToWait = outcome.ok && outcome.status === 429;
    if (read instanceof NotYet) turns.hold(place, read.waitMs);
    else if (asksToWait && read instanceof Retryable) turns.hold(place, read.retryAfterMs);
    if (read instanceof Error) throw read;
    return { providerId: idOf(read, access), demo: false };
  }

  return {
    name,
    concurrency: CONCURRENCY,
    isForPrograms: service.isForPrograms ?? false,
    isAtMostOnce: !service.isIdempotent,
    maxDigestChars: service.maxTextChars,
    digestLength: (text) => writtenFor(service, text).length,
    ...(service.markup === "none"
      ? {}
      : { codeMarks: service.codeMarks ?? "lines", asWritten: (text: string) => writtenFor(service, text) }),
    timeoutMs: timeoutMs + BEFORE_MS,
    parseRecipient: (text) => parseRecipient(service, text).text,
    address: ({ email }) => (service.recipients.some(({ isEmail }) => isEmail) ? email : null),
    send,
    async close() {},
  };
}

/** Stands for what lets us in where people look at a message. */
const SECRET = "***";

/** What a service is sent of a message, for people to look at: to its recipient if that is one, and without what lets us in. */
export function shownBody(service: HttpService, message: Message, rendered: Rendered): object {
  const { recipients, request, apiUrl } = service;
  const fits = recipients.find(({ pattern }) => pattern.test(message.recipient ?? ""));
  const recipient = fits ? message.recipient : null;
  const access = { secret: SECRET, apiUrl: apiUrl ?? null };
  const values = valuesOf(message, access, { ...wordsFor(service, message, rendered), recipient });
  return fillBody({ ...request.body, ...(fits ?? recipients[0])?.adds }, values, rendered.answers);
}

/** A service may give back what let us in instead of an id, and ids are for all who may read the reminder. */
function idOf({ id }: { id: string | null }, { secret }: ServiceAccess): string | null {
  return id !== null && secret !== null && tellsSecret(id, secret) ? null : id;
}

const MEDIA_TYPE = {
  json: "application/json; charset=utf-8",
  form: "application/x-www-form-urlencoded; charset=utf-8",
} as const;

function toForm(body: object): string {
  const fields = Object.entries(body).map(([name, value]): [string, string] => {
    return [name, typeof value === "object" ? JSON.stringify(value) : String(value)];
  });
  return new URLSearchParams(fields).toString();
}

function noAccess(service: HttpService): string {
  const [secret, apiUrl] = settingsOf(service).map(({ name }) => name);
  const { name, title, apiUrl: usual } = service;
  const where =
    apiUrl === undefined ? "" : usual === null ? ` and ${apiUrl}` : ` (and ${apiUrl}, if it runs elsewhere)`;
  return `there is no way to ${title}: set ${secret}${where}, or the tenant's own by \`reminder-engine channels set ${name}\``;
}

function valuesOf(
  { idempotencyKey, reminder }: Message,
  { secret, apiUrl }: ServiceAccess,
  words: Pick<Values, "subject" | "text" | "recipient">,
): Values {
  const place = words.recipient?.replace(/^#/, "") ?? null;
  const to = words.recipient === null ? "" : `-${hash("sha256", words.recipient, "hex").slice(0, 12)}`;
  const thread = `reminder-${reminder.tenantId}-${reminder.id}${to}`;
  return { ...words, place, token: secret, url: secret, api_url: apiUrl, id: idempotencyKey, thread };
}

interface Recipient {
  text: string;
  rule: RecipientRule;
}

function parseRecipient({ recipients, title }: HttpService, written: string): Recipient {
  const text = written.trim();
  const rule = text.length > MAX_RECIPIENT_LENGTH ? undefined : recipients.find(({ pattern }) => pattern.test(text));
  if (rule) return { text, rule };
  const forms = recipients.map(({ told }) => told).join(", or ");
  throw new InvalidRecipient(
    forms === ""
      ? `must be left out: messages to ${title} go to the one place that is set for them`
      : `must be ${forms}`,
  );
}

function addressed(service: HttpService, message: Message): Recipient | null {
  const recipient = recipientOf(message, (text) => parseRecipient(service, text));
  if (recipient !== null || !service.needsRecipient) return recipient;
  const forms = service.recipients.map(({ told }) => told).join(", or ");
  throw new Permanent(`nobody is addressed: give the reminder a recipient, which is ${forms}`);
}
