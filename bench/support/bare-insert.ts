import type pg from "pg";

/** A reminder as plain SQL and HTTP both say it. */
export type NewRow = Record<(typeof COLUMNS)[number], string | number>;

const COLUMNS = [
  "entity_type",
  "entity_id",
  "event_type",
  "channel",
  "recipient",
  "schedule_type",
  "interval_minutes",
  "stop_condition_type",
  "stop_condition_value",
] as const;

const typed = (index: number, no: number): string =>
  `$${no}::${COLUMNS[index] === "interval_minutes" ? "int" : "text"}`;

/** Inserts reminders by one prepared statement that lists each row with its values. */
export async function insertListed(client: pg.Client, rows: NewRow[]): Promise<void> {
  const list = () =>
    rows
      .map((_, row) => `(${COLUMNS.map((_, index) => typed(index, row * COLUMNS.length + index + 1)).join(", ")})`)
      .join(", ");
  const values = rows.flatMap((row) => COLUMNS.map((name) => row[name]));
  await client.query({
    name: `listed ${rows.length}`,
    text: statement(`list ${rows.length}`, () => `values ${list()}`),
    values,
  });
}

/** The same with an array for each column: as fast as rows get into a table without COPY. */
export async function insertArrays(client: pg.Client, rows: NewRow[]): Promise<void> {
  const arrays = () => COLUMNS.map((_, index) => `${typed(index, index + 1)}[]`).join(", ");
  const values = COLUMNS.map((name) => rows.map((row) => row[name]));
  await client.query({ name: "arrays", text: statement("arrays", () => `select * from unnest(${arrays()})`), values });
}

const statements = new Map<string, string>();

// Bucket, due instant and anchor are given, which is cheaper than to let the trigger fill them in.
function statement(name: string, rows: () => string): string {
  const known = statements.get(name);
  if (known !== undefined) return known;
  const text = `
    insert into reminder_jobs (${COLUMNS.join(", ")}, bucket, next_run_at, anchor_at)
    select v.*, reminder_bucket('default', entity_type, entity_id, event_type), due.at, due.at
      from (${rows()}) as v (${COLUMNS.join(", ")}),
           lateral (select now() + v.interval_minutes * interval '1 minute') as due (at)
    returning id`;
  statements.set(name, text);
  return text;
}
