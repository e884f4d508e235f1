import { NotYet } from "../channels/channel.ts";
import { isDatabaseAway } from "../store/postgres.ts";

const ASK_AGAIN_MS = 1_000;

/**
 * What a channel has to know from the database before it sends. While that is away nothing can be tried: the delivery goes back,
 * to be taken up soon, and no attempt is counted. Taken for the channel's own failure, it would wait for hours where the
 * waits are long, and never go over another channel.
 */
export async function beforeSending<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isDatabaseAway(error)) throw new NotYet("waits for the database", ASK_AGAIN_MS);
    throw error;
  }
}
