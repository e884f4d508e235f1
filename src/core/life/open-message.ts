import type { Instant } from "../instant.ts";
import type { Slots } from "../pace.ts";
import type { SimulatedDelivery } from "./happening.ts";
import type { World } from "./world.ts";

/** A delivery that hasn't ended. */
export interface Message extends SimulatedDelivery {
  /** When its next try may begin or, while it is being sent, when the receiver answers. */
  nextAt: Instant;
  answer: ReturnType<World["receive"]>["answer"] | null;
  /** Which of the messages of its occurrence it is. */
  recipientNo: number;
  /** When it goes along with others; null: by itself. */
  digestAt: Instant | null;
  /** The message in which it was put together with others; null: it wasn't. */
  digestNo: number | null;
  /** What it was promised under its person's budget. */
  slots: Slots;
}
