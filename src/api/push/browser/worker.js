// The service worker of devices that have subscribed: shows what is pushed to them, and opens what is pressed.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { title = "Reminder", body = "", url = null, tag = "", actions = [], timestamp } = read(event.data);
  const links = Object.fromEntries(actions.map(({ action, url }) => [action, url]));
  const shown = self.registration.showNotification(title, {
    body,
    tag,
    // Of a repeat the person is told again, though it takes the place of the one before.
    renotify: tag !== "",
    timestamp,
    data: { url, links },
    actions: actions.map(({ action, title }) => ({ action, title })),
  });
  event.waitUntil(shown);
});

// Browsers want a notification to be shown for whatever is pushed.
function read(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {};
  }
}

self.addEventListener("notificationclick", (event) => {
  const { url, links } = event.notification.data ?? {};
  const wanted = links?.[event.action] ?? url;
  event.notification.close();
  if (wanted && /^https?:\/\//.test(wanted)) event.waitUntil(self.clients.openWindow(wanted));
});

self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renew(event)));

// Whoever knows the former subscription's secret is the device; so no link is needed.
async function renew({ oldSubscription, newSubscription }) {
  const { scope, pushManager } = self.registration;
  const store = await caches.open("reminder-push");
  const kept = await (await store.match(`${scope}kept`))?.json();
  if (!kept) return;
  const former = oldSubscription?.toJSON() ?? {};
  const old = former.keys?.auth ? former : kept.subscription;
  const options = { userVisibleOnly: true, applicationServerKey: kept.key };
  const subscription = (newSubscription ?? (await pushManager.subscribe(options))).toJSON();
  const response = await fetch(`${scope}renew`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ old: { endpoint: old.endpoint, auth: old.keys.auth }, subscription }),
  });
  if (response.ok) await store.put(`${scope}kept`, new Response(JSON.stringify({ key: kept.key, subscription })));
}
