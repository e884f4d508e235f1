import type { FastifyRequest } from "fastify";
import type { TenantSql } from "../store/tenant-database.ts";
import { conditionsOf, isUnconditional, mustPermit } from "./etag-conditions.ts";
import { Problem } from "./problem.ts";

interface Write<Row, Result> {
  /** What is there now, locked until the transaction ends. */
  lock(sql: TenantSql): Promise<Row | null>;
  tagOf(row: Row): string;
  change(sql: TenantSql): Promise<Result>;
}

/**
 * Makes or replaces something if the request's conditions hold, in the transaction that has it locked. Without conditions
 * it is the one statement that it always was. Throws 412 where they don't hold.
 */
export async function changeIf<Row, Result extends { isNew: boolean }>(
  request: FastifyRequest,
  { lock, tagOf, isDone, change }: Write<Row, Result> & { isDone(row: Row): boolean },
): Promise<Result> {
  const conditions = conditionsOf(request);
  if (isUnconditional(conditions)) return change(request.database);
  return request.database.transaction(async (sql) => {
    const row = await lock(sql);
    mustPermit(conditions, row && tagOf(row), { isDone: row !== null && isDone(row) });
    const result = await change(sql);
    // What isn't there can't be locked. If somebody else made it meanwhile, theirs stays.
    if (row === null && !result.isNew) throw new Problem(412, "somebody else has just made it: read it again");
    return result;
  });
}

/** Deletes something if the request's conditions hold for it. What isn't there is deleted already. */
export async function deleteIf<Row>(request: FastifyRequest, { lock, tagOf, change }: Write<Row, void>): Promise<void> {
  const conditions = conditionsOf(request);
  if (isUnconditional(conditions)) return change(request.database);
  await request.database.transaction(async (sql) => {
    const row = await lock(sql);
    if (row === null) return;
    mustPermit(conditions, tagOf(row));
    await change(sql);
  });
}
