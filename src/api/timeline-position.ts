import { z } from "zod";
import type { TimelinePosition } from "../store/timeline.ts";

/** Milliseconds since the epoch, of the years 1 to 9999: ISO 8601 and PostgreSQL write them the same way. */
export const instantPosition = z
  .int()
  .min(Date.parse("0001-01-01T00:00:00Z"))
  .max(Date.parse("9999-12-31T23:59:59.999Z"));

/** As a cursor holds where a page of a timeline ends. */
export const timelinePosition = z.tuple([instantPosition, z.int().min(0).max(9), z.int(), z.int().min(0).max(32_767)]);

export function toPosition([at, rank, first, second]: z.output<typeof timelinePosition>): TimelinePosition {
  return { at, rank, first, second };
}

export function positionOf({ at, rank, first, second }: TimelinePosition): z.output<typeof timelinePosition> {
  return [at, rank, first, second];
}
