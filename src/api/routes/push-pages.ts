import { readFileSync } from "node:fs";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { deviceId, readAuth } from "../../channels/push/device.ts";
import { nameOf } from "../../core/people.ts";
import { isTenantName } from "../../core/tenant.ts";
import { type PushLink, verifyPushLink } from "../../secrets/push-token.ts";
import { readContact } from "../../store/contacts.ts";
import { isDatabaseAway } from "../../store/postgres.ts";
import { deletePushSubscription, holdersOf, readPushLinks } from "../../store/push-subscriptions.ts";
import type { TenantSql } from "../../store/tenant-database.ts";
import { actAs, LinkDoor } from "../answers/door.ts";
import type { Api, ApiContext } from "../context.ts";
import { acceptedLanguages } from "../languages.ts";
import { notFound, Problem } from "../problem.ts";
import { keepDevice, noContact, pushKeyOf, readDevice } from "../push/device.ts";
import { SUBSCRIBE_POLICY, writeOver, writeSubscribePage } from "../push/page.ts";
import { type PushWords, pushWordsFor } from "../push/words.ts";
import { PageWish, RenewedSubscription } from "../schemas/push.ts";

/** The address is the right to subscribe: it is told to nobody. */
const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": SUBSCRIBE_POLICY,
  "referrer-policy": "no-referrer",
  "x-robots-tag": "noindex, nofollow",
};
/** A service worker has a policy of its own. */
const SCRIPT_HEADERS = {
  "content-type": "text/javascript; charset=utf-8",
  "content-security-policy": "default-src 'none'; connect-src 'self'",
  "cache-control": "no-cache",
};
const MOST_BYTES = 8 * 1024;
const LONGEST_NAME = 200;

const OVER_STATUS: Record<keyof PushWords["over"], number> = {
  ...{ expired: 410, gone: 410, forged: 404, notSet: 503, failed: 500, tooMany: 429 },
};

/**
 * The page by which a person's device subscribes, its script and its service worker. They are for browsers, and not a part of the API that
 * programs read about. Call it before what holds for all other routes that take a POST.
 */
export async function pushPageRoutes(
  api: Api,
  context: Pick<ApiContext, "database" | "pushKey" | "installation">,
): Promise<void> {
  const door = new LinkDoor<PushLink>(context.database, verifyPushLink, nameOfLink);
  const files = { "subscribe.js": script("subscribe.js"), "worker.js": script("worker.js") };
  const hidden = { hide: true };

  for (const [name, text] of Object.entries(files)) {
    api.get(`/push/${name}`, { config: { access: "open" }, schema: hidden }, async (_request, reply) =>
      reply.headers(SCRIPT_HEADERS).send(text),
    );
  }
  api.get("/push/app.webmanifest", { config: { access: "open" }, schema: hidden }, async (_request, reply) =>
    reply.type("application/manifest+json").send(MANIFEST),
  );

  await api.register(async (pages) => {
    pages.setErrorHandler(sendFailure);
    pages.get<{ Params: { token: string } }>(
      "/p/:token",
      { config: { access: "link" }, schema: { ...hidden, operationId: "showPushPage" } },
      async (request, reply) => {
        const link = await door.admit(request, request.params.token);
        if (!link) return sendOver(reply, "forged", wordsOf(request));
        const { database } = request;
        const contact = await readContact(database, link.entityType, link.entityId);
        const words = wordsOf(request, contact?.locale);
        const over = await overOf(database, link);
        if (over !== null || !contact) return sendOver(reply, over ?? "gone", words);
        const key = await pushKeyOf(database, context);
        if (key === null) return sendOver(reply, "notSet", words);
        return reply.headers(PAGE_HEADERS).send(writeSubscribePage({ words, contact, tenant: link.tenant, key }));
      },
    );
  });

  api.post<{ Params: { token: string } }>(
    "/p/:token",
    { config: { access: "link" }, bodyLimit: MOST_BYTES, schema: { ...hidden, operationId: "subscribeByLink" } },
    async (request, reply) => {
      const link = await door.admit(request, request.params.token);
      if (!link) throw notFound("this link doesn't work");
      const { database } = request;
      const wish = read(PageWish, request.body);
      const device = "forget" in wish ? null : readDevice(wish.subscription, context, "subscription.");
      await database.transaction(async (sql) => {
        const over = await overOf(sql, link, { lock: true });
        if (over === "gone") throw noContact();
        if (over === "expired") throw new Problem(410, "this link has expired");
        if (device !== null) return void (await keepDevice(sql, link, device));
        const of = { tenantId: link.tenant, entityType: link.entityType, entityId: link.entityId };
        if ("forget" in wish)
          await deletePushSubscription(sql, of, { id: deviceId(wish.forget), endpoint: wish.forget });
      });
      return reply.code(204).send(null);
    },
  );

  api.post<{ Params: { tenant: string } }>(
    "/push/:tenant/renew",
    { config: { access: "link" }, bodyLimit: MOST_BYTES, schema: { ...hidden, operationId: "renewSubscription" } },
    async (request, reply) => {
      door.count(request);
      const { old, subscription } = read(RenewedSubscription, request.body);
      const { tenant } = request.params;
      const auth = readAuth(old.auth);
      if (!isTenantName(tenant) || auth === null) throw unknownDevice(door, request);
      const device = readDevice(subscription, context, "subscription.");
      const former = { id: deviceId(old.endpoint), endpoint: old.endpoint, auth };
      // Nobody writes into a tenant's audit before it is clear that they are a device of it.
      const count = await context.database.forTenant(tenant).transaction(async (sql) => {
        const holders = await holdersOf(sql, former);
        for (const holder of holders) {
          if (device.id !== former.id) await deletePushSubscription(sql, { tenantId: tenant, ...holder }, former);
          await keepDevice(sql, holder, device);
        }
        return holders.length;
      });
      if (count === 0) throw unknownDevice(door, request);
      actAs(request, tenant, `device ${former.id}`);
      return reply.code(204).send(null);
    },
  );
}

/** Made so that an iPhone, which shows notifications of pages on its Home Screen only, opens the page again that was put there. */
const MANIFEST = JSON.stringify({ name: "Reminders", short_name: "Reminders", display: "standalone" });

function script(name: string): string {
  return readFileSync(new URL(`../push/browser/${name}`, import.meta.url), "utf8");
}

/** Why nobody can subscribe by it any more; null: they can. What was ended before its time looks as what has expired. */
async function overOf(sql: TenantSql, link: PushLink, { lock = false } = {}): Promise<"expired" | "gone" | null> {
  const links = await readPushLinks(sql, link, { lock });
  if (links === null) return "gone";
  return link.expiresAt <= links.now || link.madeAt < links.goodFrom ? "expired" : null;
}

/** What the audit calls who has the link. */
function nameOfLink(link: PushLink): string {
  return `push link of ${nameOf(link)}`.slice(0, LONGEST_NAME).toWellFormed();
}

function unknownDevice(door: LinkDoor<PushLink>, request: FastifyRequest): Problem {
  door.turnAway(request, "a device that nobody knows asked to be another");
  return notFound("there is no such device");
}

/** The page's own script says what is wrong with it to nobody: it needn't be named. */
function read<T>(
  schema: { safeParse(body: unknown): { success: true; data: T } | { success: false } },
  body: unknown,
): T {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Problem(422, "the body must be what the page of this link sends");
  return parsed.data;
}

/** In the contact's language, else in what the browser asks for. */
function wordsOf(request: FastifyRequest, locale: string | null = null): PushWords {
  return pushWordsFor(locale, ...acceptedLanguages(request.headers["accept-language"]));
}

function sendOver(
  reply: FastifyReply,
  over: keyof PushWords["over"],
  words: PushWords,
  status = OVER_STATUS[over],
): FastifyReply {
  return reply.code(status).headers(PAGE_HEADERS).send(writeOver(over, words));
}

/** Whatever goes wrong, a person gets a page. */
function sendFailure(error: FastifyError | Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const words = wordsOf(request);
  if (error instanceof Problem) {
    request.refusedBecause = error.message;
    reply.headers(error.headers);
    return sendOver(reply, error.status === 429 ? "tooMany" : "failed", words, error.status);
  }
  if (isDatabaseAway(error)) {
    request.log.warn({ because: error.message }, "a request failed for now");
    reply.header("retry-after", "2");
    return sendOver(reply, "failed", words, 503);
  }
  const status = error.statusCode !== undefined && error.statusCode < 500 ? error.statusCode : 500;
  if (status === 500) request.log.error({ err: error }, "a request failed by our fault");
  return sendOver(reply, "failed", words, status);
}
