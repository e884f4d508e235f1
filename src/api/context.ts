import type { IncomingMessage, ServerResponse } from "node:http";
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Channels } from "../channels/registry.ts";
import type { SlackAccount } from "../channels/slack/account.ts";
import type { Installation } from "../conditions/condition.ts";
import type { Ceiling } from "../core/ceiling.ts";
import type { GuardedHttp } from "../outgoing/guarded-http.ts";
import type { Keyring } from "../secrets/keyring.ts";
import type { ApiDatabase } from "../store/tenant-database.ts";
import type { Cage } from "../templates/cage/cage.ts";

/** A Fastify whose routes are typed by their Zod schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What routes work with. */
export interface ApiContext {
  /** For what concerns no tenant; what belongs to one is reached by `request.database`. */
  database: ApiDatabase;
  channels: Channels;
  /** Nobody is reminded more often than this; not set: once a minute. */
  minIntervalSeconds?: number;
  /** Seals and opens tenants' secrets; not set: none can be stored. */
  keyring?: Keyring;
  /** Gets what signatures are checked with; not set: nothing that needs it is taken. */
  http?: Pick<GuardedHttp, "request">;
  /** The installation's way to Slack, for presses of buttons; not set: only tenants' own are taken. */
  slack?: { account: SlackAccount | null; apiUrl: string };
  /** Where people reach this installation, without a slash at its end; not set: nobody has said. */
  publicUrl?: string | null;
  /** What browsers subscribe with for push messages, where a tenant has no key of its own; not set: there is none. */
  pushKey?: string | null;
  /** What return paths are signed with, see `returnPath`; not set: none is known. */
  bounceSecret?: string | null;
  /** How long a message may be answered in words, counted as for links; not set: 30 days. */
  answerDays?: number;
  /** Where users' templates run; not set: in one of its own. */
  cage?: Cage;
  /** Where the workers of this installation stop nagging; not set: nowhere. */
  ceiling?: Ceiling;
  /** What stop conditions can ask; not set: whatever they name. */
  installation?: Installation;
}
