import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import {
  countTemplates,
  deleteTemplate,
  listTemplates,
  lockTemplate,
  readTemplate,
  saveTemplate,
  type TemplateKey,
} from "../../store/templates.ts";
import { ANY, type TemplateTexts } from "../../templates/template.ts";
import { parseRecipient } from "../channel-check.ts";
import { checkTemplateTexts, type TemplateCages } from "../check-template.ts";
import type { Api, ApiContext } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { conditionsOf, isUnconditional, mustPermit, unlessKnown } from "../etag-conditions.ts";
import { deleteIf } from "../etag-writes.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { conflict, notFound, Problem } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, NOT_MODIFIED, refuses } from "../responses.ts";
import {
  keyOf,
  PutTemplate,
  Template,
  TemplateSummary,
  templateParams,
  templatePosition,
  toSummaryJson,
  toTemplateJson,
  toTexts,
} from "../schemas/template.ts";

const PATH = "/templates/:event_type/:channel/:locale";
const tags = ["Templates"];
/** Of a tenant, that aren't deleted. */
const MOST_TEMPLATES = 500;

export function templateRoutes(
  api: Api,
  { channels, cages }: Pick<ApiContext, "channels"> & { cages: TemplateCages },
): void {
  api.get(
    "/templates",
    {
      config: { access: "templates:read" },
      schema: {
        operationId: "listTemplates",
        tags,
        summary: "List templates",
        description: "By event type, channel and language, without what they say.",
        querystring: z.strictObject(pageQuery(templatePosition)),
        response: { 200: answers(z.array(TemplateSummary), "The templates of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const [eventType, channel, locale] = query.cursor ?? [];
      const after =
        eventType === undefined || channel === undefined || locale === undefined
          ? null
          : { eventType, channel, locale };
      const items = await listTemplates(database, { after, limit: limit + 1 });
      const positionOf = (last: TemplateKey) => [last.eventType, last.channel, last.locale];
      return page(request, reply, { items, limit, positionOf }).map(toSummaryJson);
    },
  );

  api.get(
    PATH,
    {
      config: { access: "templates:read" },
      schema: {
        operationId: "getTemplate",
        tags,
        summary: "Read a template",
        description: "The version that messages are written in.",
        params: templateParams,
        response: { 200: answers(Template, "The template."), 304: NOT_MODIFIED, ...refuses(400, 404, 422) },
      },
    },
    async (request, reply) => {
      const template = await readTemplate(request.database, keyOf(request.params));
      if (!template) throw noTemplate();
      return unlessKnown(request, reply, recordEtag, toTemplateJson(template));
    },
  );

  api.put(
    PATH,
    {
      config: { access: "templates:write" },
      schema: {
        operationId: "putTemplate",
        tags,
        summary: "Save a template",
        description:
          "As a new version, which messages are written in from now on (workers follow within 5 s); what is the same as before stays " +
          "the version that it is. MJML is compiled now, and kept beside the HTML that comes of it. Of a message's possible templates the one for its event type comes before the one for any, " +
          "then the one for its channel, then the one for its reader's language. A mistake is named by line and column.",
        params: templateParams,
        body: PutTemplate,
        response: {
          200: answers(Template, "Saved."),
          201: answers(Template, "Created."),
          ...refuses(409, 412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { params, body, database, actor } = request;
      const key = keyOf(params);
      if (key.channel !== ANY) parseRecipient(channels, key.channel, null);
      const said = toTexts(body);
      const { html, framesOwn } = await checkTemplateTexts(cages, actor.tenant, said);
      const texts = { ...said, html };
      const conditions = conditionsOf(request);
      const { template, isNew } = await database.transaction(async (sql) => {
        const present = await lockTemplate(sql, key);
        const isSaid = present !== null && isSame(present, texts);
        if (!isUnconditional(conditions)) {
          mustPermit(conditions, present && recordEtag(toTemplateJson(present)), { isDone: isSaid });
        }
        if (isSaid) return { template: present, isNew: false };
        if (present === null && (await countTemplates(sql)) >= MOST_TEMPLATES) {
          throw conflict(`there can be ${MOST_TEMPLATES} templates: delete some`);
        }
        const saved = await saveTemplate(sql, key, { ...texts, framesOwn }, actor.name);
        // What isn't there can't be locked. If somebody else made it meanwhile, theirs stays.
        if (present === null && !saved.isNew && !isUnconditional(conditions)) {
          throw new Problem(412, "somebody else has just made it: read it again");
        }
        return saved;
      });
      if (isNew) reply.code(201);
      return tagged(reply, recordEtag, toTemplateJson(template));
    },
  );

  api.delete(
    PATH,
    {
      config: { access: "templates:write" },
      schema: {
        operationId: "deleteTemplate",
        tags,
        summary: "Delete a template",
        description:
          "From now on messages are written without it. Its versions are kept, and one of them can be activated again. Doing it again " +
          "changes nothing.",
        params: templateParams,
        response: { 204: answersNothing("Deleted."), ...refuses(400, 412, 422) },
      },
    },
    async (request, reply) => {
      const key = keyOf(request.params);
      await deleteIf(request, {
        lock: (sql) => lockTemplate(sql, key),
        tagOf: (template) => recordEtag(toTemplateJson(template)),
        change: (sql) => deleteTemplate(sql, key),
      });
      return reply.code(204).send(null);
    },
  );
}

function noTemplate(): Problem {
  return notFound("there is no such template: its versions, if there are any, are at .../versions");
}

/** What MJML compiles to isn't said by anybody: a newer library may write it in another way. */
function isSame(one: TemplateTexts, other: TemplateTexts): boolean {
  const said = ({ subject, text, html, mjml, missing, onFailure }: TemplateTexts) =>
    canonicalJson([subject, text, mjml === null ? html : null, mjml, missing, onFailure]);
  return said(one) === said(other);
}
