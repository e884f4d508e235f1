import { z } from "zod";
import { BrokenSettings } from "../own-settings.ts";
import { phoneOf } from "./phone.ts";

/** An account at Twilio, and what its messages come from. */
export interface SmsAccount {
  /** Names the account. */
  accountSid: string;
  authToken: string;
  /** A number, a name that can't be answered, or a messaging service (`MG...`), which chooses among numbers. */
  from: string;
}

/** The name of the stored secret. */
export const AUTH_TOKEN = "auth_token";

const ACCOUNT_SID = /^AC[0-9a-fA-F]{32}$/;
const SERVICE_SID = /^MG[0-9a-fA-F]{32}$/;
/** A name instead of a number: at most 11 letters, digits and spaces, one of them a letter. */
const NAME = /^(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}$/;
const TOKEN = /^[\x21-\x7e]{16,200}$/;

export const isAccountSid = (text: string): boolean => ACCOUNT_SID.test(text);
export const isAuthToken = (text: string): boolean => TOKEN.test(text);
export const isServiceSid = (text: string): boolean => SERVICE_SID.test(text);
export const isSmsFrom = (text: string): boolean => isServiceSid(text) || NAME.test(text) || phoneOf(text) !== null;

export const SMS_WORDS = {
  accountSid: "an account SID: AC and 32 hexadecimal digits",
  authToken: "an auth token of 16 to 200 printable characters",
  from: "a phone number like +4915112345678, a messaging service (MG...), or a name of at most 11 letters and digits",
} as const;

/** What is stored in the open. */
export const StoredSms = z.strictObject({
  account_sid: z.string().refine(isAccountSid, { error: `must be ${SMS_WORDS.accountSid}` }),
  from: z.string().refine(isSmsFrom, { error: `must be ${SMS_WORDS.from}` }),
});
export type StoredSms = z.output<typeof StoredSms>;

/** What stored settings and opened secrets make. Throws `BrokenSettings`: they may have been written by hand. */
export function toSmsAccount(settings: unknown, secrets: ReadonlyMap<string, string>): SmsAccount {
  const { data } = StoredSms.safeParse(settings);
  const authToken = secrets.get(AUTH_TOKEN) ?? "";
  if (!data || !isAuthToken(authToken)) {
    throw new BrokenSettings("can't be used: set them again by `reminder-engine channels set sms`");
  }
  return { accountSid: data.account_sid, authToken, from: data.from };
}
