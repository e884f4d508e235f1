import { randomBytes } from "node:crypto";
import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import { MS_PER_DAY } from "../../core/schedule/calendar.ts";
import type { AnswerKey } from "../../secrets/answer-token.ts";
import { signPushLink } from "../../secrets/push-token.ts";
import { makeFirstAnswerKey, readAnswerKeys } from "../../store/answer-keys.ts";
import { readContact } from "../../store/contacts.ts";
import { readNow } from "../../store/errands.ts";
import type { Sql } from "../../store/postgres.ts";
import { deletePushSubscription, endPushLinks, listPushSubscriptions } from "../../store/push-subscriptions.ts";
import type { Api, ApiContext } from "../context.ts";
import { conflict } from "../problem.ts";
import { keepDevice, noContact, pushKeyOf, readDevice } from "../push/device.ts";
import { answers, answersNothing, BODY_REFUSALS, refuses } from "../responses.ts";
import { contactParams } from "../schemas/contact.ts";
import {
  MakePushLink,
  PushDevice,
  PushKey,
  PushLink,
  PushSubscription,
  pushDeviceParams,
  toPushDeviceJson,
} from "../schemas/push.ts";
import { takeNoneAsEmpty } from "../validation.ts";

const PATH = "/contacts/:entity_type/:entity_id";
const tags = ["Contacts"];

export function pushRoutes(
  api: Api,
  context: Pick<ApiContext, "database" | "publicUrl" | "pushKey" | "installation">,
): void {
  api.get(
    "/push-key",
    {
      config: { access: "contacts:read" },
      schema: {
        operationId: "getPushKey",
        tags,
        summary: "Read the key that browsers subscribe with",
        description: "For apps of your own that subscribe devices: it is no secret. 409 where none is set up.",
        response: { 200: answers(PushKey, "The key."), ...refuses(409) },
      },
    },
    async ({ database }) => {
      const key = await pushKeyOf(database, context);
      if (key === null) throw conflict(NO_KEY);
      return { public_key: key };
    },
  );

  api.post(
    `${PATH}/push-link`,
    {
      config: { access: "contacts:write" },
      preValidation: takeNoneAsEmpty,
      schema: {
        operationId: "makePushLink",
        tags,
        summary: "Make a link by which a person's devices subscribe",
        description:
          "It leads to a page that asks whether the device is to show this contact's messages as notifications, until it expires. 409 where " +
          "the service has no `PUBLIC_URL`, or no key for push services.",
        params: contactParams,
        body: MakePushLink,
        response: { 200: answers(PushLink, "The link."), ...refuses(404, 409, ...BODY_REFUSALS) },
      },
    },
    async ({ database, params, body }) => {
      const { publicUrl } = context;
      if (publicUrl == null) throw conflict("PUBLIC_URL is not set: nobody has said where people reach this service");
      if ((await pushKeyOf(database, context)) === null) throw conflict(NO_KEY);
      const name = { entityType: params.entity_type, entityId: params.entity_id };
      if (!(await readContact(database, name.entityType, name.entityId))) throw noContact();
      const madeAt = await readNow(database);
      const expiresAt = madeAt + body.days * MS_PER_DAY;
      const link = { tenant: database.tenant, ...name, madeAt, expiresAt };
      const token = signPushLink(link, await signingKey(context.database));
      return { url: `${publicUrl}/p/${token}`, expires_at: toIso(expiresAt) };
    },
  );

  api.delete(
    `${PATH}/push-links`,
    {
      config: { access: "contacts:write" },
      schema: {
        operationId: "endPushLinks",
        tags,
        summary: "End the links by which a person's devices subscribe",
        description:
          "All that were made so far, for when somebody else may have got hold of one. Devices that have subscribed stay: look at their list.",
        params: contactParams,
        response: { 204: answersNothing("They are good no more."), ...refuses(400, 422) },
      },
    },
    async ({ database, params }, reply) => {
      await endPushLinks(database, { entityType: params.entity_type, entityId: params.entity_id });
      return reply.code(204).send(null);
    },
  );

  api.get(
    `${PATH}/push-subscriptions`,
    {
      config: { access: "contacts:read" },
      schema: {
        operationId: "listPushSubscriptions",
        tags,
        summary: "List a contact's devices",
        description: "The oldest first. What they are written to by is never shown.",
        params: contactParams,
        response: { 200: answers(z.array(PushDevice), "Its devices."), ...refuses(422) },
      },
    },
    async ({ database, params }) => {
      const name = { entityType: params.entity_type, entityId: params.entity_id };
      return (await listPushSubscriptions(database, name)).map(toPushDeviceJson);
    },
  );

  api.post(
    `${PATH}/push-subscriptions`,
    {
      config: { access: "contacts:write" },
      schema: {
        operationId: "subscribeDevice",
        tags,
        summary: "Have a device get a contact's messages",
        description:
          "For apps of your own: the page behind a push link does it by itself. A contact has at most 20 devices; the oldest goes. The same " +
          "device again answers 200.",
        params: contactParams,
        body: PushSubscription,
        response: {
          200: answers(PushDevice, "It was there already."),
          201: answers(PushDevice, "Subscribed."),
          ...refuses(404, ...BODY_REFUSALS),
        },
      },
    },
    async ({ database, params, body }, reply) => {
      const device = readDevice(body, context);
      const name = { entityType: params.entity_type, entityId: params.entity_id };
      const { subscription, isNew } = await database.transaction((sql) => keepDevice(sql, name, device));
      if (isNew) reply.code(201);
      return toPushDeviceJson(subscription);
    },
  );

  api.delete(
    `${PATH}/push-subscriptions/:id`,
    {
      config: { access: "contacts:write" },
      schema: {
        operationId: "unsubscribeDevice",
        tags,
        summary: "Have a device get nothing more of a contact",
        description: "Doing it again changes nothing.",
        params: pushDeviceParams,
        response: { 204: answersNothing("It gets nothing more."), ...refuses(400, 422) },
      },
    },
    async ({ database, params }, reply) => {
      const { entity_type: entityType, entity_id: entityId, id } = params;
      const of = { tenantId: database.tenant, entityType, entityId };
      await database.transaction((sql) => deletePushSubscription(sql, of, { id }));
      return reply.code(204).send(null);
    },
  );
}

const NO_KEY =
  "there is no key for push services: set VAPID_PRIVATE_KEY and VAPID_SUBJECT, or the tenant's own by `reminder-engine channels set push`";

/** The newest key for links; makes the first where there was none. */
async function signingKey(sql: Sql): Promise<AnswerKey> {
  const [known] = await readAnswerKeys(sql);
  if (known) return known;
  await makeFirstAnswerKey(sql, randomBytes(32));
  const [made] = await readAnswerKeys(sql);
  if (!made) throw new Error("there is no key to sign links with");
  return made;
}
