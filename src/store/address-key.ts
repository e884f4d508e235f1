/**
 * Whether the address that a row keeps is the one that an expression gives. Of URLs capitals count in what follows the host, but for rows
 * of before they did (`any_case`). In words that the primary keys can be searched by.
 */
export function isAddress(row: string, given: string): string {
  const key = `reminder_address_key(${given})`;
  return `${row}.address in (${key}, lower(${given})) and (${row}.address = ${key} or ${row}.any_case)`;
}
