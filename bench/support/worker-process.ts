import { openDatabase } from "../../src/store/postgres.ts";
import { startEngine } from "./engine.ts";

// A worker in a process of its own, on the database whose URL it is given, and by the name it is given there; says when it is at
// work, ends on SIGTERM.
const database = openDatabase({ url: process.argv[2] as string, applicationName: process.argv[3] as string });
const worker = startEngine(database);
process.once("SIGTERM", async () => {
  await worker.stop();
  await database.close();
  process.disconnect();
});

while ((await database.query("select from workers limit 1")).length === 0) {
  await new Promise((resolve) => setTimeout(resolve, 20));
}
process.send?.("at work");
