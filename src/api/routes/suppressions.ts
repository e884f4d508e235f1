import { z } from "zod";
import { listSuppressions, putSuppression, release } from "../../store/suppressions.ts";
import { formsOf, parseAddressOf } from "../channel-check.ts";
import type { Api, ApiContext } from "../context.ts";
import { DEFAULT_LIMIT, page, pageQuery } from "../page.ts";
import { answers, answersNothing, BODY_REFUSALS, refuses } from "../responses.ts";
import {
  PutSuppression,
  Suppression,
  suppressionFilters,
  suppressionParams,
  suppressionPosition,
  toSuppressionJson,
} from "../schemas/suppression.ts";

const tags = ["Suppressions"];

export function suppressionRoutes(api: Api, { channels }: Pick<ApiContext, "channels">): void {
  api.get(
    "/suppressions",
    {
      config: { access: "suppressions:read" },
      schema: {
        operationId: "listSuppressions",
        tags,
        summary: "List addresses that nothing is sent to",
        description: "In the order of their channels and addresses; without those that have expired.",
        querystring: z.strictObject({ ...suppressionFilters, ...pageQuery(suppressionPosition) }),
        response: { 200: answers(z.array(Suppression), "The addresses of this page."), ...refuses(422) },
      },
    },
    async (request, reply) => {
      const { query, database } = request;
      const limit = query.limit ?? DEFAULT_LIMIT;
      const items = await listSuppressions(database, {
        channel: query.channel ?? null,
        addresses: query.address === undefined ? null : formsOf(channels, query.channel ?? null, query.address),
        after: query.cursor ?? null,
        limit: limit + 1,
      });
      const positionOf = ({ channel, address }: (typeof items)[number]) => [channel, address];
      return page(request, reply, { items, limit, positionOf }).map(toSuppressionJson);
    },
  );

  api.post(
    "/suppressions",
    {
      config: { access: "suppressions:write" },
      schema: {
        operationId: "createSuppression",
        tags,
        summary: "Send nothing to an address any more",
        description:
          "From the next message on, whichever reminder it is of: its delivery ends `suppressed`. Replaces what was said of the " +
          "address before.",
        body: PutSuppression,
        response: {
          200: answers(Suppression, "Replaced."),
          201: answers(Suppression, "Created."),
          ...refuses(...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { body, database, actor } = request;
      const address = parseAddressOf(channels, body.channel, body.address);
      const { suppression, isNew } = await putSuppression(database, {
        channel: body.channel,
        address,
        reason: "manual",
        because: body.because ?? null,
        expiresAt: body.expires_at ?? null,
        createdBy: actor.name.slice(0, 300),
      });
      request.auditDetails = { channel: body.channel, address };
      if (isNew) reply.code(201);
      return toSuppressionJson(suppression);
    },
  );

  api.delete(
    "/suppressions/:channel/:address",
    {
      config: { access: "suppressions:write" },
      schema: {
        operationId: "deleteSuppression",
        tags,
        summary: "Release an address",
        description: "It is sent to again, from the next message on. Doing it again changes nothing.",
        params: suppressionParams,
        response: { 204: answersNothing("Released."), ...refuses(400, 422) },
      },
    },
    async (request, reply) => {
      const { channel, address } = request.params;
      await request.database.transaction(async (sql) => {
        for (const form of formsOf(channels, channel, address)) await release(sql, channel, form);
      });
      return reply.code(204).send(null);
    },
  );
}
