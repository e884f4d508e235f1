import { type Message, Permanent } from "../channels/channel.ts";
import type { Sql } from "../store/postgres.ts";
import { Cage, type CageOptions } from "../templates/cage/cage.ts";
import { BrokenTemplate } from "../templates/liquid.ts";
import { Writer, type Written } from "../templates/writer.ts";
import { StoredTemplates } from "./stored-templates.ts";

/** What messages say: in the words that tenants have stored, of reminders themselves, or the built-in ones. */
export class Words {
  readonly #cage: Cage;
  readonly #writer: Writer;

  constructor(database: Sql, cage: CageOptions) {
    this.#cage = new Cage(cage);
    const templates = new StoredTemplates({ database });
    this.#writer = new Writer(this.#cage, (tenant, wanted) => templates.find(tenant, wanted));
  }

  /** Null: the channel writes it by itself (see `Writer.write`). Throws `Permanent` where a template can't be filled in, and says that nothing is to be sent then. */
  async write(channel: string, message: Message): Promise<Written | null> {
    try {
      return await this.#writer.write(message.reminder.tenantId, channel, message);
    } catch (error) {
      if (error instanceof BrokenTemplate) throw new Permanent(error.message);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#cage.close();
  }
}
