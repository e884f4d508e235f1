import { showAll } from "../../src/api/answers/all-answers.ts";
import type { Asked } from "../../src/api/answers/asked.ts";
import { wordsFor } from "../../src/api/answers/words/languages.ts";
import { reminderRecord } from "../../test/support/reminders.ts";

/** The page behind the one link of an SMS, about this reminder. */
export function answersPage(about: { entityType: string; entityId: string; eventType: string }): string {
  const at = Date.UTC(2026, 0, 20, 9);
  const asked: Asked = {
    link: {
      ...{ tenant: "default", purpose: "done", reminderId: 4711, occurrenceAt: at, recipientNo: 0 },
      expiresAt: Date.UTC(2026, 1, 19, 9),
    },
    reminder: reminderRecord(about),
    ...{ channel: "sms", recipient: "+4915112345678", providerId: null, person: null, via: null, isOwn: true },
    ...{ contact: null, locale: "en-GB", zone: "Europe/London", former: null, isOverturned: false, now: at },
  };
  return showAll({ leadOn: (purpose) => purpose }, { asked, besides: [] }, wordsFor("en"), new Map()).page;
}
