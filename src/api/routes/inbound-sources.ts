import { z } from "zod";
import { isSameJson } from "../../core/same-json.ts";
import type { SealedSecret } from "../../core/secret.ts";
import { Keyring, NoKey } from "../../secrets/keyring.ts";
import {
  deleteInboundSource,
  inboundSecretKind,
  listInboundSources,
  lockInboundSource,
  putInboundSource,
  type InboundSource as Row,
} from "../../store/inbound-sources.ts";
import type { Api, ApiContext } from "../context.ts";
import { recordEtag, tagged } from "../etag.ts";
import { changeIf, deleteIf } from "../etag-writes.ts";
import { digestOf } from "../inbound/provider.ts";
import { PROVIDERS } from "../inbound/registry.ts";
import { conflict, invalidField } from "../problem.ts";
import { answers, answersNothing, BODY_REFUSALS, refuses } from "../responses.ts";
import { InboundSource, inboundSourceParams, PutInboundSource, toInboundSourceJson } from "../schemas/inbound.ts";

const FINGERPRINT_LENGTH = 8;
const PATH = "/inbound-sources/:provider";
const tags = ["Suppressions"];

export function inboundSourceRoutes(api: Api, { keyring = new Keyring([]) }: Pick<ApiContext, "keyring">): void {
  api.get(
    "/inbound-sources",
    {
      config: { access: "suppressions:read" },
      schema: {
        operationId: "listInboundSources",
        tags,
        summary: "List the providers that may tell what became of messages",
        description: "Without what they prove themselves with, which nobody is ever shown.",
        response: { 200: answers(z.array(InboundSource), "The providers."), ...refuses() },
      },
    },
    async ({ database }) =>
      (await listInboundSources(database)).map((source) => toInboundSourceJson(source, database.tenant)),
  );

  api.put(
    PATH,
    {
      config: { access: "suppressions:write" },
      schema: {
        operationId: "putInboundSource",
        tags,
        summary: "Let a provider tell what became of messages",
        description:
          "In place of all that was set for it. 409 where the service has no key to seal secrets with. Then have the provider send " +
          "its webhooks to the `url` of the answer.",
        params: inboundSourceParams,
        body: PutInboundSource,
        response: {
          200: answers(InboundSource, "Replaced."),
          201: answers(InboundSource, "Created."),
          ...refuses(409, 412, ...BODY_REFUSALS),
        },
      },
    },
    async (request, reply) => {
      const { database, params, body } = request;
      const { provider } = params;
      for (const secret of body.secrets) {
        const flaw = PROVIDERS.get(provider)?.secretFlaw(secret) ?? null;
        if (flaw !== null) throw invalidField("secrets", `each ${flaw}`);
      }
      const fingerprints = body.secrets.map((secret) => digestOf(secret).slice(0, FINGERPRINT_LENGTH));
      const secrets = seal(keyring, database.tenant, provider, body.secrets);
      const jsonOf = (source: Row) => toInboundSourceJson(source, database.tenant);
      const { source, isNew } = await changeIf(request, {
        lock: (sql) => lockInboundSource(sql, provider),
        tagOf: (source) => recordEtag(jsonOf(source)),
        isDone: (source) => isSameJson(source.fingerprints, fingerprints),
        change: (sql) => putInboundSource(sql, provider, { fingerprints, secrets }),
      });
      request.auditDetails = { fingerprints };
      if (isNew) reply.code(201);
      return tagged(reply, recordEtag, jsonOf(source));
    },
  );

  api.delete(
    PATH,
    {
      config: { access: "suppressions:write" },
      schema: {
        operationId: "deleteInboundSource",
        tags,
        summary: "Let a provider tell nothing any more",
        description: "What it has told stays. Doing it again changes nothing.",
        params: inboundSourceParams,
        response: { 204: answersNothing("Forgotten."), ...refuses(400, 412, 422) },
      },
    },
    async (request, reply) => {
      const { provider } = request.params;
      const { tenant } = request.database;
      await deleteIf(request, {
        lock: (sql) => lockInboundSource(sql, provider),
        tagOf: (source) => recordEtag(toInboundSourceJson(source, tenant)),
        change: (sql) => deleteInboundSource(sql, provider),
      });
      return reply.code(204).send(null);
    },
  );
}

/** By the names under which they are kept. */
function seal(
  keyring: Keyring,
  tenantId: string,
  provider: string,
  secrets: readonly string[],
): Map<string, SealedSecret> {
  try {
    return new Map(
      secrets.map((secret, index) => {
        const name = `secret_${index + 1}`;
        return [name, keyring.seal({ tenantId, kind: inboundSecretKind(provider), name }, secret)];
      }),
    );
  } catch (error) {
    throw error instanceof NoKey ? conflict(error.message) : error;
  }
}
