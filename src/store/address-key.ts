/** What an address is kept by, as SQL; and what rows of before (`any_case`) are. */
const key = (given: string): string => `reminder_address_key(${given})`;
const keyOfBefore = (given: string): string => `lower(${given})`;

/**
 * Whether the address that a row keeps is the one that an expression gives. Of URLs capitals count in what follows the host, but for rows
 * of before they did (`any_case`). In words that the primary keys can be searched by.
 */
export function isAddress(row: string, given: string): string {
  return isKeyed(row, { key: key(given), ofBefore: keyOfBefore(given) });
}

/** What `isKeyed` goes by, as columns of a table that has the address: worked out once for each, not once for each pair. */
export function keyColumns(given: string): string {
  return `${key(given)} as key, ${keyOfBefore(given)} as key_of_before`;
}

/**
 * The same by columns. Under row-level security only they can be searched by: what is worked out of a row of another table might tell
 * of rows that nobody may see.
 */
export function isKeyed(row: string, { key, ofBefore }: { key: string; ofBefore: string }): string {
  return `${row}.address in (${key}, ${ofBefore}) and (${row}.address = ${key} or ${row}.any_case)`;
}

/** Whether the address that a row keeps is one of an array of them. */
export function isOneOf(row: string, given: string): string {
  const keys = `(select ${key("form")} from unnest(${given}::text[]) form)`;
  const ofBefore = `(select ${keyOfBefore("form")} from unnest(${given}::text[]) form)`;
  return `(${row}.address in ${keys} or ${row}.any_case and ${row}.address in ${ofBefore})`;
}
