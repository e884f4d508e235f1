import type { BrowserContext, Page } from "playwright-core";
import { expect, test } from "vitest";
import { startBrowser } from "../support/browser.ts";
import type { TestDevice } from "../support/push-service.ts";
import { type Pushing, pushing } from "../support/pushing.ts";
import { until } from "../support/wait.ts";

const CONTACT = "/contacts/invoice/INV_7";

interface Opened {
  here: Pushing;
  context: BrowserContext;
  page: Page;
  /** What was loaded from elsewhere, refused by the page's policy, or thrown. */
  troubles: string[];
}

/** Opens the page behind a link, on a small phone. */
async function openLink(contact: Record<string, unknown>, scripts: BrowserContextScript[] = []): Promise<Opened> {
  const here = await pushing();
  await here.api.putContact("invoice", "INV_7", contact);
  const { url } = (await here.api.call("POST", `${CONTACT}/push-link`, {})).body as { url: string };
  const browser = await startBrowser();
  const context = await browser.newContext({ viewport: { width: 360, height: 640 } });
  for (const script of scripts) await script(context, here);
  const page = await context.newPage();
  const troubles: string[] = [];
  page.on("console", (message) => troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(String(error)));
  context.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== here.api.url && protocol !== "data:") troubles.push(`elsewhere: ${request.url()}`);
  });
  await page.goto(url.replace("https://r.example.com", here.api.url));
  return { here, context, page, troubles };
}

type BrowserContextScript = (context: BrowserContext, here: Pushing) => Promise<unknown>;

/** This browser has no screen, so nothing to show notifications on, and denies them whatever it is told: this is what a person answers. */
const asPerson =
  (permission: "granted" | "denied"): BrowserContextScript =>
  (context) =>
    context.addInitScript(`
      let permission = "default";
      Object.defineProperty(Notification, "permission", { get: () => permission });
      Notification.requestPermission = async () => (permission = "${permission}");`);

/** The browser's own push service is on the Internet, where no test goes: this device stands for what it would give. */
const subscribesAs =
  (device: (here: Pushing) => TestDevice): BrowserContextScript =>
  (context, here) =>
    context.addInitScript(`
      const json = ${JSON.stringify(device(here).json)};
      window.asked = [];
      const subscription = { endpoint: json.endpoint, options: {}, toJSON: () => json };
      PushManager.prototype.getSubscription = async () => (asked.length > 0 ? subscription : null);
      PushManager.prototype.subscribe = async (options) => {
        asked.push({ ...options, applicationServerKey: [...options.applicationServerKey] });
        return subscription;
      };`);

test("in a real browser, a person allows it and gets the reminder as a notification that leads to its answers", async () => {
  let phone: TestDevice | undefined;
  const as = subscribesAs(({ service }) => {
    phone = service.device();
    return phone;
  });
  const { here, context, page, troubles } = await openLink({ name: "Ann", locale: "en" }, [asPerson("granted"), as]);
  const { api, service, deliveryBecomes } = here;

  // given: the device has subscribed with our key
  await page.getByRole("button", { name: "Yes, remind me here" }).click();
  await page.getByText("This device gets the reminders from now on.").waitFor();
  const [asked] = (await page.evaluate("asked")) as { userVisibleOnly: boolean; applicationServerKey: number[] }[];
  expect(asked?.userVisibleOnly).toBe(true);
  expect(Buffer.from(asked?.applicationServerKey ?? []).toString("base64url")).toBe(here.publicKey);
  expect((await api.call("GET", `${CONTACT}/push-subscriptions`)).body).toMatchObject([{ id: phone?.id }]);

  // when: what the push service gets is delivered to the service worker
  const wish = { entity_type: "invoice", entity_id: "INV_7", channel: "push", message: "Please pay invoice 7." };
  const { id } = await api.create({ ...wish, subject: "Rent", run_at: new Date().toISOString() });
  await deliveryBecomes(id, "sent");
  expect(service.wrong).toEqual([]);
  await deliver(context, page, api.url, JSON.stringify(service.pushed[0]?.read));
  const shown = await notifications(context, 1);

  // then
  expect(shown).toMatchObject([{ title: "Rent", body: "Please pay invoice 7.", tag: service.pushed[0]?.read.tag }]);
  expect(shown[0]?.actions).toEqual([
    { action: "done", title: "Done" },
    { action: "snooze", title: "Snooze" },
  ]);
  await deliver(context, page, api.url, JSON.stringify({ ...service.pushed[0]?.read, body: "And again." }));
  await until(async () => (await notifications(context, 1))[0]?.body === "And again.", "the repeat takes its place");

  const opened = await press(context, "");
  expect(opened).toEqual([service.pushed[0]?.read.url]);
  const answers = service.pushed[0]?.read.actions as { action: string; url: string }[];
  expect(await press(context, "snooze")).toEqual([answers.find(({ action }) => action === "snooze")?.url]);
  await page.goto(String(opened[0]));
  await page.getByRole("button", { name: "Yes, it is done" }).click();
  await until(async () => (await api.get(id)).status === "COMPLETED", "the reminder is done");

  expect(troubles).toEqual([]);
});

test("what is pushed and can't be read is shown all the same, as browsers want it, and opens nothing", async () => {
  const as = subscribesAs(({ service }) => service.device());
  const { here, context, page } = await openLink({}, [asPerson("granted"), as]);
  await page.getByRole("button", { name: "Yes, remind me here" }).click();
  await page.getByText("This device gets the reminders").waitFor();
  await deliver(context, page, here.api.url, "no JSON");
  expect(await notifications(context, 1)).toMatchObject([{ title: "Reminder", body: "" }]);
  expect(await press(context, "")).toEqual([]);
});

test("a browser that gives the device another subscription tells us, and messages go there", async () => {
  const as = subscribesAs(({ service }) => service.device());
  const { here, context, page, troubles } = await openLink({}, [asPerson("granted"), as]);
  await page.getByRole("button", { name: "Yes, remind me here" }).click();
  await page.getByText("This device gets the reminders").waitFor();
  const fresh = here.service.device();

  const worker = context.serviceWorkers()[0];
  await worker?.evaluate(`(async () => {
    let work;
    const given = { oldSubscription: null, newSubscription: { toJSON: () => (${JSON.stringify(fresh.json)}) } };
    const event = new Event("pushsubscriptionchange");
    self.dispatchEvent(Object.assign(event, given, { waitUntil: (promise) => (work = promise) }));
    await work;
  })()`);

  expect((await here.api.call("GET", `${CONTACT}/push-subscriptions`)).body).toMatchObject([{ id: fresh.id }]);
  expect(troubles).toEqual([]);
});

test("who changes their mind presses stop, and the device gets nothing more", async () => {
  const as = subscribesAs(({ service }) => service.device());
  const { here, page, troubles } = await openLink({ name: "Jürgen", locale: "de" }, [asPerson("granted"), as]);
  await page.getByRole("button", { name: "Ja, hier erinnern" }).click();
  await page.getByRole("button", { name: "Auf diesem Gerät beenden" }).click();
  await page.getByText("Dieses Gerät erhält keine Erinnerungen mehr.").waitFor();
  expect((await here.api.call("GET", `${CONTACT}/push-subscriptions`)).body).toEqual([]);
  expect(troubles).toEqual([]);
});

test("who forbids it is told how to allow it, and nothing is sent", async () => {
  const { here, page } = await openLink({}, [asPerson("denied")]);
  await page.getByRole("button", { name: "Yes, remind me here" }).click();
  await page.getByText("This browser doesn't allow it.").waitFor();
  expect((await here.api.call("GET", `${CONTACT}/push-subscriptions`)).body).toEqual([]);
});

test("a browser that can't is told so, one without scripts too, and the page fits a phone", async () => {
  const { page } = await openLink({ name: "A".repeat(150) }, [
    (context) => context.addInitScript("delete window.PushManager"),
  ]);
  await page.getByText("first add this page to the Home Screen").waitFor();
  expect(await page.getByRole("button").count()).toBe(0);
  const box = await page.locator("main").boundingBox();
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360);

  const plain = await page.context().browser()?.newContext({ javaScriptEnabled: false });
  const noScript = await plain?.newPage();
  await noScript?.goto(page.url());
  expect(await noScript?.textContent("main")).toContain("This page needs JavaScript");
  expect(await noScript?.getByRole("button").count()).toBe(0);
});

/** A real push event in the browser's real service worker. */
async function deliver(context: BrowserContext, page: Page, origin: string, data: string): Promise<void> {
  // In the place of the screen that it hasn't: one of a tag takes the place of another, as the standard has it.
  await context.serviceWorkers()[0]?.evaluate(`
    self.shown ??= [];
    self.registration.showNotification = async (title, options) => {
      self.shown = self.shown.filter(({ tag }) => tag !== options.tag).concat({ title, ...options });
    };`);
  const session = await context.newCDPSession(page);
  const registered = new Promise<string>((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      const [found] = registrations.filter(({ scopeURL }) => scopeURL === `${origin}/push/default/`);
      if (found) resolve(found.registrationId);
    });
  });
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.deliverPushMessage", { origin, registrationId: await registered, data });
  await session.detach();
}

type Shown = { title: string; body: string; tag: string; actions: object[] };

async function notifications(context: BrowserContext, count: number): Promise<Shown[]> {
  return until(async () => {
    const shown = (await context.serviceWorkers()[0]?.evaluate("self.shown")) as Shown[];
    return shown.length === count ? shown : null;
  }, `${count} notifications are shown`);
}

/** Presses the notification, or one of its buttons, and returns what was opened. */
async function press(context: BrowserContext, action: string): Promise<string[]> {
  const worker = context.serviceWorkers()[0];
  return (await worker?.evaluate(`(async () => {
    const opened = [];
    self.clients.openWindow = async (url) => void opened.push(url);
    // It is pressed more than once, so it stays.
    const held = { data: self.shown[0].data, close: () => {} };
    const event = new Event("notificationclick");
    self.dispatchEvent(Object.assign(event, { notification: held, action: "${action}", waitUntil: () => {} }));
    return opened;
  })()`)) as string[];
}
