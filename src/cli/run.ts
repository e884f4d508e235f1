import type { Logger } from "pino";
import type { Config } from "../config/shape.ts";
import { loadConfig, readEnvironment } from "../config.ts";
import { withinMs } from "../engine/within.ts";
import { isDatabaseAway } from "../store/postgres.ts";
import { hider } from "../telemetry/hide.ts";
import { createLog } from "../telemetry/log.ts";
import { passwordsIn } from "../telemetry/url-password.ts";
import { whenNpmEnds } from "./npm-parent.ts";
import { complain, say } from "./say.ts";
import { StopList } from "./stop-list.ts";

/** What a command gets to work with. */
export interface Service {
  config: Config;
  log: Logger;
  /** What has been opened, to be closed when the command is stopped or fails. */
  opened: StopList;
  /** Aborted as soon as a stop is asked for, also in the middle of the start. */
  stopping: AbortSignal;
}

/** A command that `stays` runs until it is stopped; one that is `done` ends by itself. */
export type Command = (service: Service) => Promise<"stays" | "done">;

/** After this the process ends, whatever is still open. The promise is 5 s. */
const STOP_LIMIT_MS = 4_600;
/** How long a start that is under way may take to notice that it is to stop. */
const START_GIVES_UP_MS = 1_000;
/** Ctrl-C under npm comes twice, from the terminal and from npm. Only a later one is impatience. */
const SAME_KEYSTROKE_MS = 500;

/** Runs a command and ends the process: with 0 after an orderly end, with 1 after a failure and a line that explains it. */
export async function run(command: Command): Promise<void> {
  surviveClosedOutput();
  let hide = hider([]);
  try {
    const config = loadConfig(readEnvironment());
    hide = hider(secretsIn(config));
    const log = createLog({ level: config.logLevel, secrets: secretsIn(config) });
    await runWith(config, log, hide, command);
  } catch (error) {
    complain(error, hide);
    process.exit(1);
  }
}

function secretsIn({ email, slack, sms, webhook, services, database, secrets }: Config): (string | null | undefined)[] {
  const keys = secrets.keys?.split(/[\s,]+/) ?? [];
  const ofServices = [sms.account?.authToken, ...Object.values(services).map((access) => access?.secret)];
  const ofSlack = slack.account?.via === "bot" ? slack.account.token : slack.account?.url;
  const ofMail = [email.server, ...email.fallback].map((server) => server?.password);
  return [
    ...ofMail,
    email.bounces?.secret,
    ofSlack,
    ...ofServices,
    ...webhook.secrets,
    ...passwordsIn(database.url ?? ""),
    ...keys,
  ];
}

async function runWith(config: Config, log: Logger, hide: (text: string) => string, command: Command): Promise<void> {
  const stopping = new AbortController();
  const opened = new StopList(log);
  const asked = askedToStop(log);
  const opening = command({ config, log, opened, stopping: stopping.signal });
  opening.catch(() => {});

  let exitCode = 0;
  try {
    const first = await Promise.race([opening, asked]);
    if (first !== "done") exitCode = first === "stays" ? await asked : first;
  } catch (error) {
    complain(error, hide);
    exitCode = 1;
  }
  setTimeout(() => {
    log.error("stopping takes too long: what is still open is dropped");
    process.exit(1);
  }, STOP_LIMIT_MS).unref();
  const giveUpAt = performance.now() + STOP_LIMIT_MS;
  stopping.abort();
  await withinMs(START_GIVES_UP_MS, opening).catch(() => {});
  await opened.close(giveUpAt);
  process.exit(exitCode);
}

/** Resolves with the exit code when there is reason to stop: a signal, or a bug that leaves us in an unknown state. */
function askedToStop(log: Logger): Promise<number> {
  return new Promise((resolve) => {
    let askedAt: number | null = null;
    const onSignal = () => {
      if (askedAt !== null && performance.now() - askedAt > SAME_KEYSTROKE_MS) process.exit(1);
      if (askedAt !== null) return;
      askedAt = performance.now();
      say("Stopping (once more to stop at once)");
      resolve(0);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, onSignal);
    whenNpmEnds(process.env, onSignal);

    const onBug = (error: unknown) => {
      log.fatal({ err: error }, "this is a bug, so the process ends");
      resolve(1);
    };
    process.on("uncaughtException", onBug);
    process.on("unhandledRejection", (error) => {
      if (isDatabaseAway(error)) log.warn({ err: error }, "the database is away");
      else onBug(error);
    });
  });
}

/** A reader that went away (`| head`, a closed terminal) is no reason to stop sending reminders. */
function surviveClosedOutput(): void {
  process.stdout.on("error", () => {});
  process.stderr.on("error", () => {});
}
