import { z } from "zod";
import { deleteContact, listContacts, lockContact, putContact, readContact } from "../../store/contacts.ts";
import { formsOf, parseAddress } from "../channel-check.ts";
import { isSaid } from "../contact-said.ts";
import type { Api, ApiContext } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { unlessKnown } from "../etag-conditions.ts";
import { changeIf, deleteIf } from "../etag-writes.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";
import { refuseItself, toReach } from "../reach.ts";
import { answers, answersNothing, BODY_REFUSALS, NOT_MODIFIED, refuses } from "../responses.ts";
import {
  Contact,
  contactFilters,
  contactParams,
  contactPosition,
  PutContact,
  toContactJson,
} from "../schemas/contact.ts";

const PATH = "/contacts/:entity_type/:entity_id";
const tags = ["Contacts"];

export function contactRoutes(api: Api, { channels }: Pick<ApiContext, "channels">): void {
  api.get(
    "/contacts",
    {
      config: { access: "contacts:read" },
      schema: {
        operationId: "listContacts",
        tags,
        summary: "List contacts",
        description: "In the order of their entities' types and ids. The filters add up.",
        querystring: z.strictObject({ ...contactFilters, ...pageQuery(contactPosition) }),
        response: { 200: answers(z.array(Contact), "The contacts of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const items = await listContacts(database, {
        entityType: query.entity_type ?? null,
        addresses: query.address === undefined ? null : formsOf(channels, null, query.address),
        after: query.cursor ?? null,
        limit: limit + 1,
      });
      const positionOf = ({ entityType, entityId }: (typeof items)[number]) => [entityType, entityId];
      return page(request, reply, { items, limit, positionOf }).map(toContactJson);
    },
  );

  api.get(
    PATH,
    {
      config: { access: "contacts:read" },
      schema: {
        operationId: "getContact",
        tags,
        summary: "Read a contact",
        description: "Where an entity is reached.",
        params: contactParams,
        response: { 200: answers(Contact, "The contact."), 304: NOT_MODIFIED, ...refuses(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const { database, params } = request;
      const contact = await readContact(database, params.entity_type, params.entity_id);
      if (!contact) throw notFound("nobody has said where this entity is reached");
      return unlessKnown(request, reply, recordEtag, toContactJson(contact));
    },
  );

  api.put(
    PATH,
    {
      config: { access: "contacts:write" },
      schema: {
        operationId: "putContact",
        tags,
        summary: "Say where an entity is reached",
        description:
          "Replaces what was said before. Reminders about the entity that have no `recipient` of their own are sent there.",
        params: contactParams,
        body: PutContact,
        response: {
          200: answers(Contact, "Replaced."),
          201: answers(Contact, "Created."),
          ...refuses(412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { params, body } = request;
      const wanted = {
        entityType: params.entity_type,
        entityId: params.entity_id,
        name: body.name ?? null,
        email: parseAddress(channels, "email", body.email ?? null),
        timeZone: body.time_zone ?? null,
        locale: body.locale ?? null,
        quietHours: body.quiet_hours ?? null,
        ...toReach(body, channels),
      };
      refuseItself(wanted, wanted);
      const { contact, isNew } = await changeIf(request, {
        lock: (sql) => lockContact(sql, params.entity_type, params.entity_id),
        tagOf: (contact) => recordEtag(toContactJson(contact)),
        isDone: (contact) => isSaid(wanted, contact),
        change: (sql) => putContact(sql, wanted),
      });
      if (isNew) reply.code(201);
      return tagged(reply, recordEtag, toContactJson(contact));
    },
  );

  api.delete(
    PATH,
    {
      config: { access: "contacts:write" },
      schema: {
        operationId: "deleteContact",
        tags,
        summary: "Forget a contact",
        description: "Doing it again changes nothing.",
        params: contactParams,
        response: { 204: answersNothing("Forgotten."), ...refuses(400, 412, 422) },
      },
    },
    async (request, reply) => {
      const { entity_type: entityType, entity_id: entityId } = request.params;
      await deleteIf(request, {
        lock: (sql) => lockContact(sql, entityType, entityId),
        tagOf: (contact) => recordEtag(toContactJson(contact)),
        change: (sql) => deleteContact(sql, entityType, entityId),
      });
      return reply.code(204).send(null);
    },
  );
}
