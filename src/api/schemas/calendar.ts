import { z } from "zod";
import { toIso } from "../../core/instant.ts";
import { MOST_HOURS_A_DAY, MOST_OWN_DATES } from "../../core/schedule/business-calendar.ts";
import { WEEKDAYS } from "../../core/schedule/clock-time.ts";
import type { CalendarRow } from "../../store/calendars.ts";
import { addressable, isoInstant, line, timeZone } from "./fields.ts";
import { clockTime } from "./quiet-hours.ts";

export const calendarName = line(100);
const newCalendarName = addressable(calendarName);

const Hours = z.array(z.strictObject({ from: clockTime, to: clockTime })).max(MOST_HOURS_A_DAY);
const date = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, "must be a date like 2026-12-24")
  .meta({ format: "date", pattern: undefined });

const rules = {
  time_zone: timeZone.describe("IANA zone on whose clocks the hours are read."),
  hours: z
    .strictObject(
      Object.fromEntries(WEEKDAYS.map((day) => [day, Hours.optional()])) as Record<
        (typeof WEEKDAYS)[number],
        z.ZodOptional<typeof Hours>
      >,
    )
    .describe("The working hours of each day of the week; a day that isn't named is closed."),
  dates: z
    .array(
      z.strictObject({
        date,
        hours: Hours.optional().describe("Left out: closed."),
        name: line(200).optional(),
      }),
    )
    .max(MOST_OWN_DATES)
    .superRefine((dates, context) => {
      const first = new Map(dates.map(({ date }, index) => [date, index] as const).reverse());
      for (const [index, { date }] of dates.entries()) {
        if (first.get(date) === index) continue;
        context.addIssue({ code: "custom", path: [index, "date"], message: `is there more than once: ${date}` });
      }
    })
    .optional()
    .describe("Dates that are unlike their day of the week, closed or open. They outrank holidays."),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be a country of ISO 3166-1, like "DE"')
    .nullish()
    .describe("Whose public holidays are closed."),
  region: line(20)
    .nullish()
    .describe('A part of the country that has holidays of its own, as in ISO 3166-2: "BY" in "DE".'),
};

const exampleHours = {
  monday: [{ from: "09:00", to: "17:00" }],
  tuesday: [{ from: "09:00", to: "17:00" }],
  wednesday: [{ from: "09:00", to: "17:00" }],
  thursday: [{ from: "09:00", to: "17:00" }],
  friday: [{ from: "09:00", to: "15:00" }],
};
const exampleRules = {
  time_zone: "Europe/Berlin",
  hours: exampleHours,
  dates: [{ date: "2026-12-24", hours: [], name: "Christmas Eve" }],
  country: "DE",
  region: "BY",
};

export const PutCalendar = z.strictObject(rules).meta({
  id: "PutCalendar",
  description: "When is working time.",
  example: exampleRules,
});

export const CreateCalendar = z
  .strictObject({ name: newCalendarName.describe("What reminders call it."), ...rules })
  .meta({
    id: "CreateCalendar",
    description: "When is working time.",
    example: { name: "office", ...exampleRules },
  });

export const calendarParams = z.strictObject({
  name: calendarName.meta({ description: "The calendar's name.", example: "office" }),
});

export const newCalendarParams = z.strictObject({
  name: newCalendarName.meta({ description: "The calendar's name.", example: "office" }),
});

const ShownHours = z.array(z.strictObject({ from: z.string(), to: z.string() }));

export const Calendar = z
  .strictObject({
    name: z.string(),
    time_zone: z.string(),
    hours: z.partialRecord(z.enum(WEEKDAYS), ShownHours),
    dates: z.array(z.strictObject({ date: z.string(), hours: ShownHours, name: z.string().optional() })),
    country: z.string().nullable(),
    region: z.string().nullable(),
    holidays: z
      .array(z.strictObject({ date: z.string(), name: z.string() }))
      .describe("The public holidays that it keeps, as far ahead as they are worked out."),
    created_at: isoInstant,
    updated_at: isoInstant,
  })
  .meta({
    id: "Calendar",
    examples: [
      {
        name: "office",
        ...exampleRules,
        holidays: [{ date: "2026-12-25", name: "1. Weihnachtstag" }],
        created_at: "2026-01-15T10:30:00.000Z",
        updated_at: "2026-01-15T10:30:00.000Z",
      },
    ],
  });

export function toCalendarJson(calendar: CalendarRow): z.output<typeof Calendar> {
  return {
    name: calendar.name,
    time_zone: calendar.timeZone,
    hours: calendar.hours as z.output<typeof Calendar>["hours"],
    dates: calendar.dates as z.output<typeof Calendar>["dates"],
    country: calendar.country,
    region: calendar.region,
    holidays: [...calendar.holidays],
    created_at: toIso(calendar.createdAt),
    updated_at: toIso(calendar.updatedAt),
  };
}
