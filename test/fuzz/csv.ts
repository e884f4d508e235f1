import fc from "fast-check";
import { NASTY_WORDS, wordsFor } from "./words.ts";

const COLUMNS = [
  ...["entity_type", "entity_id", "name", "email", "phone", "time_zone", "locale", "manager_type", "manager_id"],
  ...["address:slack", "address:email", "colour", "Email", ""],
];
const SEPARATORS = [",", ",", ",", ";", "\t"];
const MOST_LINES = 6;

/** Tables of contacts, as other programs give them out, and as they shouldn't. */
export const contactsCsv: fc.Arbitrary<string> = fc
  .record({
    others: fc.uniqueArray(fc.constantFrom(...COLUMNS), { maxLength: 8 }),
    hasKeys: fc.nat(7).map((n) => n > 0),
    lines: fc.integer({ min: 0, max: MOST_LINES }),
    separator: fc.constantFrom(...SEPARATORS),
    end: fc.constantFrom("\n", "\r\n"),
    cells: fc.infiniteStream(
      fc.oneof({ weight: 8, arbitrary: fc.nat(1_000) }, { weight: 1, arbitrary: fc.constantFrom(...NASTY_WORDS) }),
    ),
  })
  .map(({ others, hasKeys, lines, separator, end, cells }) => {
    const columns = [...new Set([...(hasKeys ? ["entity_type", "entity_id"] : []), ...others])];
    const table = Array.from({ length: lines }, () =>
      columns.map((column) => quoted(cellOf(column, cells.next().value))),
    );
    return [columns.map(quoted), ...table].map((cellsOfLine) => cellsOfLine.join(separator)).join(end) + end;
  });

/** What a column of this name may hold, or a word that has broken programs before. */
function cellOf(column: string, drawn: number | string): string {
  if (typeof drawn === "string") return drawn;
  const words = wordsFor(column.replace("manager_", "entity_")) ?? ["", "x"];
  return words[drawn % words.length] as string;
}

function quoted(cell: string): string {
  return /[",;\t\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
