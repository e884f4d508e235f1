import { existsSync, readFileSync } from "node:fs";
import type { Sql } from "../../src/store/postgres.ts";

/** What Linux counts CPU time in for everybody outside of it, whatever it counts in itself. */
const TICKS_PER_SECOND = 100;

/** False where nothing tells what other processes use; says so, as figures are left out then. */
export function tellsCpuOfOthers(): boolean {
  const tells = existsSync("/proc/self/stat");
  if (!tells) console.error("there is no /proc here: what processes used of the CPU is left out");
  return tells;
}

/** Seconds of CPU that a process has used so far, all its threads together. */
export function cpuSecondsOf(pid: number): number {
  return statOf(pid)?.ownSeconds ?? 0;
}

/** The same for all processes of this database's server, of those that have ended as well. */
export async function cpuSecondsOfServer(sql: Sql): Promise<number> {
  const rows = await sql.query<{ pid: number; is_mine: boolean }>(
    "select pid, pid = pg_backend_pid() as is_mine from pg_stat_activity",
  );
  const mine = rows.find((row) => row.is_mine)?.pid as number;
  const postmaster = statOf(statOf(mine)?.parent as number);
  if (!postmaster) throw new Error("the server's processes aren't to be seen from here");
  const children = rows.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0);
  return children + postmaster.ownSeconds + postmaster.endedChildrenSeconds;
}

interface Stat {
  parent: number;
  ownSeconds: number;
  endedChildrenSeconds: number;
}

/** See proc_pid_stat(5). Null: it has ended. */
function statOf(pid: number): Stat | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // Its name, the second field, may have spaces; after it comes the third.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (no: number): number => Number(fields[no - 3]);
  return {
    parent: field(4),
    ownSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
    endedChildrenSeconds: (field(16) + field(17)) / TICKS_PER_SECOND,
  };
}
