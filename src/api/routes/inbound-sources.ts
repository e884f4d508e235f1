import { z } from "zod";
import type { SealedSecret } from "../../core/secret.ts";
import { Keyring, NoKey } from "../../secrets/keyring.ts";
import {
  deleteInboundSource,
  inboundSecretKind,
  listInboundSources,
  putInboundSource,
} from "../../store/inbound-sources.ts";
import type { Api, ApiContext } from "../context.ts";
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
        summary: "List the mail providers that may tell what became of mail",
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
        summary: "Let a mail provider tell what became of mail",
        description:
          "In place of all that was set for it. 409 where the service has no key to seal secrets with. Then have the provider send " +
          "its webhooks to the `url` of the answer.",
        params: inboundSourceParams,
        body: PutInboundSource,
        response: {
          200: answers(InboundSource, "Replaced."),
          201: answers(InboundSource, "Created."),
          ...refuses(409, ...BODY_REFUSALS),
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
      const { source, isNew } = await putInboundSource(database, provider, { fingerprints, secrets });
      request.auditDetails = { fingerprints };
      if (isNew) reply.code(201);
      return toInboundSourceJson(source, database.tenant);
    },
  );

  api.delete(
    PATH,
    {
      config: { access: "suppressions:write" },
      schema: {
        operationId: "deleteInboundSource",
        tags,
        summary: "Let a mail provider tell nothing any more",
        description: "What it has told stays. Doing it again changes nothing.",
        params: inboundSourceParams,
        response: { 204: answersNothing("Forgotten."), ...refuses(400, 422) },
      },
    },
    async (request, reply) => {
      await deleteInboundSource(request.database, request.params.provider);
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
