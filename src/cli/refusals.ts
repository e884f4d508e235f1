// What a database may have against us though it is reached, and what to do about it, by SQLSTATE. None of it is a bug.

const GIVE_RIGHTS =
  "let DATABASE_URL name the role that owns the tables (for migrate: one that may create in the schema), or grant it that";
const TABLES_OF_OTHERS =
  "it isn't ours: give the service a database of its own, or a schema of its own by the role's search_path";
export const MAKE_WRITABLE =
  "the database is read-only for us: let DATABASE_URL name the primary server, or set default_transaction_read_only off for this role";

const ADVICE: Record<string, (message: string) => string> = {
  "42501": (message) => `the database refused us: ${message}: ${GIVE_RIGHTS}`,
  "42P07": (message) => `${message}, and ${TABLES_OF_OTHERS}`,
  "42710": (message) => `${message}, and ${TABLES_OF_OTHERS}`,
  "42723": (message) => `${message}, and ${TABLES_OF_OTHERS}`,
  "25006": () => MAKE_WRITABLE,
  "3F000": (message) => `${message}: set this role's search_path to a schema that exists`,
};

/** Columns that a table of this name would have if it were ours; other programs have one of that name too. */
const LEDGER_OF_OTHERS = /schema_migrations|^column "(version|name)" does not exist$/;
const UNDEFINED_COLUMN = "42703";

/** One line that says why the database refused what was asked at the start, and what to do; null if that is a bug. */
export function refusalOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return null;
  if (error.code === UNDEFINED_COLUMN && LEDGER_OF_OTHERS.test(error.message)) {
    return `the table schema_migrations is there already, and ${TABLES_OF_OTHERS}`;
  }
  return ADVICE[error.code]?.(error.message) ?? null;
}
