import { z } from "zod";
import { isMigrated } from "../../store/migrate.ts";
import { isDatabaseAway, isLoginRefused } from "../../store/postgres.ts";
import { isWorkerBeating } from "../../store/readiness.ts";
import type { Api, ApiContext } from "../context.ts";
import { answers } from "../responses.ts";

/** A worker that has not been heard of for this long counts as gone. */
const SILENCE_SECONDS = 30;
/** Whoever asks whether we are ready doesn't wait longer than this for the answer. */
const PATIENCE_MS = 3_000;

const Alive = z.strictObject({ status: z.literal("alive") }).meta({ id: "Alive", examples: [{ status: "alive" }] });

const Readiness = z
  .strictObject({
    status: z.enum(["ready", "not ready"]),
    missing: z.array(z.string()).describe("What it lacks, in words."),
  })
  .meta({ id: "Readiness", examples: [{ status: "ready", missing: [] }] });

const tags = ["Health"];

export function healthRoutes(api: Api, { database }: Pick<ApiContext, "database">): void {
  api.get(
    "/healthz",
    {
      logLevel: "warn",
      config: { access: "open" },
      schema: {
        operationId: "isAlive",
        tags,
        summary: "Whether the process is alive",
        description: "Asks nothing of the database.",
        response: { 200: answers(Alive, "It is.") },
      },
    },
    async () => ({ status: "alive" }),
  );

  api.get(
    "/readyz",
    {
      logLevel: "warn",
      config: { access: "open" },
      schema: {
        operationId: "isReady",
        tags,
        summary: "Whether reminders are taken and sent",
        description: `The database is reached and migrated, and some worker was heard of within ${SILENCE_SECONDS} seconds.`,
        response: { 200: answers(Readiness, "All is there."), 503: answers(Readiness, "Something is missing.") },
      },
    },
    async (_request, reply) => {
      const missing = await whatIsMissing(database);
      if (missing.length > 0) reply.code(503).header("retry-after", "5");
      return { status: missing.length > 0 ? "not ready" : "ready", missing };
    },
  );
}

async function whatIsMissing(database: ApiContext["database"]): Promise<string[]> {
  const away = "the database can't be reached";
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve([away]), PATIENCE_MS);
  });
  const answer = ask(database).catch((error: unknown) => {
    if (isLoginRefused(error)) return ["the database refuses our login: see DATABASE_URL, and the database's log"];
    if (isDatabaseAway(error)) return [away];
    throw error;
  });
  try {
    return await Promise.race([answer, impatience]);
  } finally {
    clearTimeout(timer);
  }
}

async function ask(database: ApiContext["database"]): Promise<string[]> {
  if (!(await isMigrated(database))) return ["the database is not migrated: run reminder-engine migrate"];
  if (await isWorkerBeating(database, SILENCE_SECONDS)) return [];
  return [`no worker was heard of for ${SILENCE_SECONDS} seconds: run reminder-engine worker`];
}
