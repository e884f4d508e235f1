import Fastify, { type FastifyBaseLogger, LogController } from "fastify";
import { Keyring } from "../secrets/keyring.ts";
import { Cage, MjmlCage } from "../templates/cage/cage.ts";
import { guard } from "./access/access.ts";
import { declareAccess } from "./access/scopes.ts";
import { type AccessSettings, KEYS_ONLY } from "./access/settings.ts";
import type { ActorOf } from "./actor.ts";
import { answerClientError, followRequests } from "./client-errors.ts";
import { closeSoon } from "./close-soon.ts";
import type { Api, ApiContext } from "./context.ts";
import { serveDocs } from "./docs/docs.ts";
import { sendFrameworkProblem, sendProblem } from "./errors.ts";
import { answerOnce } from "./idempotency.ts";
import { readJsonBodies } from "./json-body.ts";
import { limitLargeBodies, ORDINARY_BYTES } from "./large-bodies.ts";
import { refuseIllegible } from "./legible.ts";
import { describeApi } from "./openapi.ts";
import { readToTheEnd } from "./read-to-the-end.ts";
import { answerRoutes } from "./routes/answers.ts";
import { auditRoutes } from "./routes/audit.ts";
import { bulkRoutes } from "./routes/bulk.ts";
import { calendarRoutes } from "./routes/calendars.ts";
import { conditionRoutes } from "./routes/conditions.ts";
import { contactImportRoutes } from "./routes/contact-import.ts";
import { contactRoutes } from "./routes/contacts.ts";
import { doneRoutes } from "./routes/done.ts";
import { eventRuleRoutes } from "./routes/event-rules.ts";
import { eventSourceRoutes } from "./routes/event-sources.ts";
import { eventRoutes } from "./routes/events.ts";
import { explainRoutes } from "./routes/explain.ts";
import { flagRoutes } from "./routes/flags.ts";
import { healthRoutes } from "./routes/health.ts";
import { historyRoutes } from "./routes/history.ts";
import { inboundRoutes } from "./routes/inbound.ts";
import { inboundSourceRoutes } from "./routes/inbound-sources.ts";
import { lifecycleRoutes } from "./routes/lifecycle.ts";
import { optOutRoutes } from "./routes/opt-outs.ts";
import { policyRoutes } from "./routes/policies.ts";
import { previewRoutes } from "./routes/preview.ts";
import { pushRoutes } from "./routes/push.ts";
import { pushPageRoutes } from "./routes/push-pages.ts";
import { reminderRoutes } from "./routes/reminders.ts";
import { silenceRoutes } from "./routes/silence.ts";
import { slackRoutes } from "./routes/slack.ts";
import { suppressionRoutes } from "./routes/suppressions.ts";
import { templatePreviewRoutes } from "./routes/template-preview.ts";
import { templateVersionRoutes } from "./routes/template-versions.ts";
import { templateRoutes } from "./routes/templates.ts";
import { SAFE_HEADERS } from "./safe-headers.ts";
import { refuseUnknownQueries } from "./unknown-queries.ts";
import { answerUnknownRoutes } from "./unknown-routes.ts";
import { limitUnread, STALLED_MS } from "./unread-answers.ts";
import { validatorCompiler } from "./validation.ts";

export interface ServerOptions extends ApiContext {
  /** Where requests and errors are logged; without it, nowhere. */
  log?: FastifyBaseLogger;
  /** Who may use it, and how much; without it, keys are all there is. */
  access?: AccessSettings;
  /** Who asks, where that isn't told by keys and tokens. */
  actorOf?: ActorOf;
}

/** A request must have arrived within this time. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Its head within this one. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How often it is looked who is slower than that. */
const LOOK_FOR_SLOW_MS = 5_000;
/** Longer than the idle time of the usual load balancers, so that they close connections and not we. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const MAX_CONNECTIONS = 10_000;
/** As long as Node lets a whole request head be: how long a parameter may be is its schema's business. */
const MAX_PARAM_LENGTH = 16_384;
const LONGEST_LOGGED_URL = 300;

/** The HTTP API over `database`. It is ready to `listen`; `close` lets requests under way finish, and idle connections go. */
export async function buildServer({ log, access = KEYS_ONLY, actorOf, ...context }: ServerOptions): Promise<Api> {
  const api: Api = Fastify({
    ...(log ? { loggerInstance: log } : { logger: false }),
    logController: new LogController({ disableRequestLogging: true }),
    http: {
      requireHostHeader: false, // ours says why
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: LOOK_FOR_SLOW_MS,
    },
    trustProxy: access.trustedProxies.length > 0 ? [...access.trustedProxies] : false,
    bodyLimit: ORDINARY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionTimeout: STALLED_MS,
    forceCloseConnections: "idle",
    return503OnClosing: false, // what has come in is answered
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: sendFrameworkProblem,
    clientErrorHandler: answerClientError,
  });
  api.server.maxConnections = MAX_CONNECTIONS;
  closeSoon(api);
  followRequests(api);
  api.setValidatorCompiler(validatorCompiler);
  // Answers are typed by their schemas and held to them by the tests; checking each again would only cost time.
  api.setSerializerCompiler(() => JSON.stringify);
  api.setErrorHandler(sendProblem);
  readJsonBodies(api);
  readToTheEnd(api);
  answerUnknownRoutes(api);
  protect(api);
  refuseIllegible(api);
  const { database, keyring = new Keyring([]), http, publicUrl = null } = context;
  guard(api, { database, log: api.log, settings: access, keyring, http, publicUrl, actorOf });
  declareAccess(api);
  logRequests(api);

  const cages = { cage: context.cage ?? closedWith(api, new Cage()), mjmlCage: closedWith(api, new MjmlCage()) };

  await describeApi(api);
  limitLargeBodies(api);
  await answerRoutes(api, context);
  await slackRoutes(api, context);
  await pushPageRoutes(api, context);
  answerOnce(api);
  refuseUnknownQueries(api);
  limitUnread(api);
  reminderRoutes(api, context);
  bulkRoutes(api, context);
  lifecycleRoutes(api);
  silenceRoutes(api);
  doneRoutes(api);
  previewRoutes(api, context);
  historyRoutes(api);
  explainRoutes(api, context);
  conditionRoutes(api);
  flagRoutes(api);
  contactRoutes(api, context);
  contactImportRoutes(api, context);
  pushRoutes(api, context);
  suppressionRoutes(api, context);
  inboundRoutes(api, context);
  inboundSourceRoutes(api, context);
  optOutRoutes(api, context);
  calendarRoutes(api);
  templateRoutes(api, { ...context, cages });
  templateVersionRoutes(api);
  templatePreviewRoutes(api, { ...context, cages });
  policyRoutes(api, context);
  eventRoutes(api);
  eventRuleRoutes(api);
  eventSourceRoutes(api, context);
  auditRoutes(api);
  healthRoutes(api, context);
  await serveDocs(api);
  return api;
}

function closedWith<T extends Pick<Cage, "close">>(api: Api, cage: T): T {
  api.addHook("onClose", () => cage.close());
  return cage;
}

function protect(api: Api): void {
  api.addHook("onRequest", (_request, reply, done) => {
    reply.headers(SAFE_HEADERS);
    done();
  });
}

/** Of who is turned away it is written down from where they came, and why. */
const TURNED_AWAY: ReadonlySet<number> = new Set([401, 403, 429]);

/** One line a request, without bodies and headers. */
function logRequests(api: Api): void {
  api.decorateRequest("refusedBecause", null);
  api.addHook("onResponse", (request, reply, done) => {
    request.log.info(
      {
        method: request.method,
        url: request.url.slice(0, LONGEST_LOGGED_URL),
        status: reply.statusCode,
        ...(TURNED_AWAY.has(reply.statusCode) ? { address: request.ip, because: request.refusedBecause } : {}),
        ...(request.actor?.limits ? { actor: request.actor.name, tenant: request.actor.tenant } : {}),
        ms: Math.round(reply.elapsedTime * 10) / 10,
      },
      "request",
    );
    done();
  });
}
