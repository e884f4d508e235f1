import pg from "pg";
import { isStalePlan } from "./prepared.ts";

// What it means that the database didn't do what it was asked, by SQLSTATE or by how the connection ended (docs/decisions/0056).

/**
 * SQLSTATE classes and codes that say "not now" rather than "not so". Who may log in, and that nothing may be written for a while (a
 * standby that is to be the primary, a disk that is nearly full), is for others to mend, not for us.
 */
const TRANSIENT_SQLSTATE = /^(08|25006|28|3D000|53|57P0|58|40001|40P01|55P03|57014|25P03|25P04|XX000)/;
const REFUSED_SQLSTATE = /^(28|3D000)/;
const TRANSIENT_NETWORK =
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|ENOENT)|terminated|timeout|Connection ended|not queryable|received invalid response/i;
/** No connection is made to a server whose certificate has run out or isn't trusted (by Node's names), or that speaks no TLS. */
const NO_TLS = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|EPROTO)|SSL connection/;
/** What failed there, however (too many files are open, say), hasn't led to a connection. */
const CONNECTING = /^(connect|getaddrinfo)$/;

/** True for errors that pass by themselves: the database is away, restarting, read-only, full, overloaded, or cut a tie. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  if (error instanceof pg.DatabaseError) return TRANSIENT_SQLSTATE.test(codeOf(error)) || isStalePlan(error);
  return isConnectionLost(error);
}

/** True for a statement of a transaction in which one before it has failed: that one's error says why. */
export function isInAborted(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === "25P02";
}

/** True when there is a server, and it doesn't let us in: another password, a role that may not log in, no such database. */
export function isLoginRefused(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isLoginRefused);
  return error instanceof pg.DatabaseError && REFUSED_SQLSTATE.test(codeOf(error));
}

/** Classes that refuse a statement whatever the rows hold: we have no right to it, a table or column isn't there, it isn't known. */
const STATEMENT_SQLSTATE = /^(0A|0L|0P|26|3F|42)/;

/** True when the database doesn't take a statement as such. That passes once somebody has mended rights or tables, and no row is to blame. */
export function isFaultOfStatement(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !isDatabaseAway(error) && STATEMENT_SQLSTATE.test(codeOf(error));
}

/** True when what the rows hold is to blame: the database refused it, or it can't be put into a query. */
export function isFaultOfRows(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return !isDatabaseAway(error) && !isFaultOfStatement(error);
  return error instanceof RangeError || error instanceof TypeError;
}

/** True when somebody else holds what a statement with a lock timeout wanted. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof pg.DatabaseError && codeOf(error) === "55P03";
}

const CONTENDED_SQLSTATE = /^(40001|40P01|55P03)$/;

/** True for those errors that pass by themselves which say that others are at the same rows. */
export function isContended(error: unknown): boolean {
  return error instanceof pg.DatabaseError && CONTENDED_SQLSTATE.test(codeOf(error));
}

/** True when a statement took longer than it may, or somebody ended it. */
export function isTimedOut(error: unknown): boolean {
  return error instanceof pg.DatabaseError && codeOf(error) === "57014";
}

/** True when a statement waited as long as it may, which one that touches few rows only does for what somebody else holds. */
export function isHeldElsewhere(error: unknown): boolean {
  return isLockTimeout(error) || isTimedOut(error);
}

export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof pg.DatabaseError) return false;
  if ("syscall" in error && CONNECTING.test(String(error.syscall))) return true;
  return [codeOf(error), error.message].some((said) => TRANSIENT_NETWORK.test(said) || NO_TLS.test(said));
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}
