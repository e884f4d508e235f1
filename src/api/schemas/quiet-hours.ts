import { z } from "zod";
import { isAlwaysQuiet, MOST_QUIET_WINDOWS, type QuietHours } from "../../core/quiet-hours.ts";
import { CLOCK_TIME, WEEKDAYS } from "../../core/schedule/clock-time.ts";

/** A time of the day, on the clocks on the wall. */
export const clockTime = z
  .string()
  .regex(CLOCK_TIME, 'must be a time of the day like "09:00", or "24:00" for its end')
  .meta({ pattern: CLOCK_TIME.source });

const Window = z.strictObject({
  days: z
    .array(z.enum(WEEKDAYS))
    .min(1)
    .max(7)
    .optional()
    .describe("On which days it begins; on each if you don't say."),
  from: clockTime.refine((time) => time !== "24:00", { error: 'must be earlier: a day begins at "00:00"' }),
  to: clockTime.describe("Not included. Not later than `from`: on the next day."),
});

/** Quiet hours in a request. */
export const quietHours = z
  .array(Window)
  .max(MOST_QUIET_WINDOWS)
  .refine((hours) => !isAlwaysQuiet(hours), { error: "must leave some time of the week in which a message may come" })
  .meta({ example: [{ from: "22:00", to: "07:00" }] });

/** In an answer. */
export const shownQuietHours = z
  .array(z.strictObject({ days: z.array(z.enum(WEEKDAYS)).optional(), from: z.string(), to: z.string() }))
  .nullable();

export function toQuietHoursJson(hours: QuietHours | null): z.output<typeof shownQuietHours> {
  return hours as z.output<typeof shownQuietHours>;
}
