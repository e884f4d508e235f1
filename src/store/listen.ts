import pg from "pg";

const RETRY_MS = 1_000;
const PROBE_MS = 10_000;

/**
 * Calls `heard` with the payload of each NOTIFY on `channel`, on a connection of its own that is opened anew whenever it
 * breaks. What was said while it was broken is lost, so callers poll as well; `heard("")` is called after each
 * (re)connection for that reason. Returns a function that stops listening.
 */
export function listen(
  connection: pg.ClientConfig,
  channel: string,
  heard: (payload: string) => void,
): () => Promise<void> {
  let stopped = false;
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;

  const reconnect = (broken: pg.Client): void => {
    if (client !== broken) return;
    client = null;
    if (timer) clearTimeout(timer);
    broken.end().catch(ignore);
    if (!stopped) timer = setTimeout(connect, RETRY_MS);
  };
  // A half-open connection never reports an error by itself, so it is asked now and then.
  const probe = (listening: pg.Client): void => {
    timer = setTimeout(() => {
      listening.query("select 1").then(
        () => client === listening && probe(listening),
        () => reconnect(listening),
      );
    }, PROBE_MS);
  };
  const connect = (): void => {
    const fresh = new pg.Client(connection);
    client = fresh;
    fresh.on("error", () => reconnect(fresh));
    fresh.on("end", () => reconnect(fresh));
    fresh.on("notification", (notification) => heard(notification.payload ?? ""));
    fresh
      .connect()
      .then(() => fresh.query(`listen ${pg.escapeIdentifier(channel)}`))
      .then(
        () => {
          heard("");
          probe(fresh);
        },
        () => reconnect(fresh),
      );
  };

  connect();
  return async () => {
    stopped = true;
    if (timer) clearTimeout(timer);
    const last = client;
    client = null;
    await last?.end().catch(ignore);
  };
}

function ignore(): void {}
