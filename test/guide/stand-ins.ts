// What stands in the guide for something that readers have and the guide hasn't.

const SHIFTS = [
  "BEGIN:VCALENDAR",
  "VERSION:2.0",
  "PRODID:-//guide//",
  "BEGIN:VEVENT",
  "UID:1",
  "DTSTART:20260105T080000Z",
  "DTEND:20260112T080000Z",
  "RRULE:FREQ=WEEKLY",
  "SUMMARY:ops@example.com",
  "END:VEVENT",
  "END:VCALENDAR",
].join("\r\n");
/** By what is shown. */
export const STANDS_FOR: Readonly<Record<string, string>> = {
  "BEGIN:VCALENDAR...": JSON.stringify(SHIFTS).slice(1, -1),
  "AC...": `AC${"0".repeat(32)}`,
  "$(openssl rand -hex 32)": "0".repeat(64),
};
/** What is typed, by what it is for. */
export const SECRETS: Readonly<Record<string, string>> = {
  email: "hunter2",
  slack: `xoxb-${"1".repeat(20)}`,
  webhook: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  sms: "0".repeat(32),
};
