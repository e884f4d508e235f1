/** Addresses that begin like this refuse the message first, half of the time: it comes again, when the world has gone on. */
export const MOODY = "moody-";
