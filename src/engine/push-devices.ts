import type { Logger } from "pino";
import type { KnownDevice } from "../channels/push/device.ts";
import type { Devices } from "../channels/push/push.ts";
import type { ContactName } from "../core/entity-name.ts";
import { Batcher } from "../store/batcher.ts";
import {
  type ContactOf,
  deletePushSubscription,
  type PushSubscription,
  readDevices,
} from "../store/push-subscriptions.ts";
import type { WorkerDatabase } from "../store/tenant-database.ts";
import { beforeSending } from "./before-sending.ts";

const LARGEST_READ = 500;

/** The devices of contacts, for messages to them: all that are asked for at once are read together. */
export class PushDevices implements Devices {
  readonly #database: WorkerDatabase;
  readonly #log: Pick<Logger, "info" | "warn">;
  readonly #reader: Batcher<ContactOf, PushSubscription[]>;

  constructor(database: WorkerDatabase, log: Pick<Logger, "info" | "warn">) {
    this.#database = database;
    this.#log = log;
    this.#reader = new Batcher((asked) => readDevices(database, asked), LARGEST_READ);
  }

  of(tenantId: string, { entityType, entityId }: ContactName): Promise<readonly KnownDevice[]> {
    return beforeSending(() => this.#reader.add({ tenantId, entityType, entityId }));
  }

  /** Never throws: others may have taken the message, and a device that is gone will be so the next time. */
  async forget(tenantId: string, { entityType, entityId }: ContactName, { id, endpoint }: KnownDevice): Promise<void> {
    const told = { tenant: tenantId, device: id };
    try {
      const of = { tenantId, entityType, entityId };
      await this.#database.transaction((sql) => deletePushSubscription(sql, of, { id, endpoint }));
      this.#log.info(told, "a device is gone: its push service doesn't know it any more");
    } catch (error) {
      this.#log.warn({ ...told, err: error }, "a device that is gone could not be forgotten yet");
    }
  }
}
