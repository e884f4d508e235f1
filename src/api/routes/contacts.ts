import { deleteContact, putContact, readContact } from "../../store/contacts.ts";
import { parseAddress } from "../channel-check.ts";
import type { Api, ApiContext } from "../context.ts";
import { notFound } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, refuses } from "../responses.ts";
import { Contact, contactParams, PutContact, toContactJson } from "../schemas/contact.ts";

const PATH = "/contacts/:entity_type/:entity_id";
const tags = ["Contacts"];

export function contactRoutes(api: Api, { channels }: Pick<ApiContext, "channels">): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "getContact",
        tags,
        summary: "Read a contact",
        description: "Where an entity is reached.",
        params: contactParams,
        response: { 200: answers(Contact, "The contact."), ...refuses(404, 422) },
      },
    },
    async ({ database, params }) => {
      const contact = await readContact(database, params.entity_type, params.entity_id);
      if (!contact) throw notFound("nobody has said where this entity is reached");
      return toContactJson(contact);
    },
  );

  api.put(
    PATH,
    {
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
          ...refuses(...BODY_REFUSALS),
        },
      },
    },
    async ({ database, params, body }, reply) => {
      const { contact, isNew } = await putContact(database, {
        entityType: params.entity_type,
        entityId: params.entity_id,
        name: body.name ?? null,
        email: parseAddress(channels, "email", body.email ?? null),
        timeZone: body.time_zone ?? null,
        locale: body.locale ?? null,
      });
      if (isNew) reply.code(201);
      return toContactJson(contact);
    },
  );

  api.delete(
    PATH,
    {
      schema: {
        operationId: "deleteContact",
        tags,
        summary: "Forget a contact",
        description: "Doing it again changes nothing.",
        params: contactParams,
        response: { 204: answersNothing("Forgotten."), ...refuses(422) },
      },
    },
    async ({ database, params }, reply) => {
      await deleteContact(database, params.entity_type, params.entity_id);
      return reply.code(204).send(null);
    },
  );
}
