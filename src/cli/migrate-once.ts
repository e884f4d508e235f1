import { migrate } from "../store/migrate.ts";
import { connect, neededUrl } from "./connect.ts";
import type { Service } from "./run.ts";
import { say } from "./say.ts";

/** Creates the tables, or brings them up to date. */
export async function migrateOnce(service: Service): Promise<"done"> {
  const database = await connect(service, neededUrl(service, "migrate"), "migrate");
  const applied = await migrate(database);
  const nothingToDo = applied.length === 0 ? " (nothing to do: the schema is up to date)" : "";
  say(`✅ Tables created successfully${nothingToDo}`);
  return "done";
}
