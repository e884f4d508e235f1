import pg from "pg";

// A statement that is prepared on a connection is read and planned once there instead of each time, which for a batch of a few
// hundred reminders is a good part of the work. Behind a pooler that shares connections between transactions it would be
// missing on the next one, so nothing is prepared there.

/** Texts that get a name, at most: each holds memory in the server, for each connection. */
const MOST_NAMES = 200;
const names = new Map<string, string>();

/** The name under which this text is prepared; undefined: it isn't. */
export function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MOST_NAMES) return known;
  const name = `reminder_${names.size}`;
  names.set(text, name);
  return name;
}

const direct = new WeakSet<object>();
const shared = new WeakSet<pg.Pool>();

/**
 * Finds out whether a connection that was just made leads to one server process and stays with it: then the server has told
 * the client that process's id. A pooler tells one of its own.
 */
export function learnDirect(client: pg.PoolClient): void {
  const told = (client as { processID?: number }).processID;
  const asked = client.query<{ pid: number }>("select pg_backend_pid() as pid");
  // Where it is lost, so is the connection, which whoever uses it learns.
  asked.then(({ rows: [row] }) => row?.pid === told && direct.add(client)).catch(() => {});
}

export function mayPrepare(pool: pg.Pool, client: pg.PoolClient): boolean {
  return direct.has(client) && !shared.has(pool);
}

/**
 * True where a statement that was prepared isn't any more, or its tables were changed since: another connection will do. If
 * somebody between us and the server is to blame, nothing is prepared in this pool from now on.
 */
export function isStalePlan(error: unknown, pool?: pg.Pool): boolean {
  if (!(error instanceof pg.DatabaseError)) return false;
  const isMissing = error.code === "26000" || error.code === "42P05";
  if (isMissing && pool) shared.add(pool);
  return isMissing || (error.code === "0A000" && error.message.startsWith("cached plan"));
}
