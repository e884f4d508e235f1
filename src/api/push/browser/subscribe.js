// Runs in the page behind a link to subscribe by: asks the browser for permission and a subscription, and hands it to us.
const part = document.getElementById("push");
const { key, worker, scope } = part.dataset;
const scopeUrl = new URL(scope, location.href).href;

function show(state) {
  for (const one of part.querySelectorAll("[data-when]")) one.hidden = !one.dataset.when.split(" ").includes(state);
  part.dataset.state = state;
}

function bytesOf(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function isSubscribedWith(subscription, wanted) {
  const used = new Uint8Array(subscription.options.applicationServerKey ?? []);
  return used.length === wanted.length && used.every((byte, index) => byte === wanted[index]);
}

async function tell(body) {
  const response = await fetch(location.href, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`answered with status ${response.status}`);
}

// The worker tells us by this that the browser has given it another subscription.
async function keep(subscription) {
  const kept = await caches.open("reminder-push");
  await kept.put(`${scopeUrl}kept`, new Response(JSON.stringify({ key, subscription })));
}

async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") return show("denied");
  const registration = await navigator.serviceWorker.register(worker, { scope });
  await active(registration);
  const wanted = bytesOf(key);
  const former = await registration.pushManager.getSubscription();
  // A browser takes one key at a time.
  if (former && !isSubscribedWith(former, wanted)) await former.unsubscribe();
  const options = { userVisibleOnly: true, applicationServerKey: wanted };
  const subscription = (await registration.pushManager.subscribe(options)).toJSON();
  await tell({ subscription });
  await keep(subscription);
  show("on");
}

async function unsubscribe() {
  const registration = await navigator.serviceWorker.getRegistration(scopeUrl);
  const subscription = await registration?.pushManager.getSubscription();
  // Other contacts may have the same device: the browser keeps its subscription, and we forget it for this one.
  if (subscription) await tell({ forget: subscription.endpoint });
  show("off");
}

function active(registration) {
  const installing = registration.installing ?? registration.waiting;
  if (registration.active || !installing) return;
  return new Promise((resolve, reject) => {
    installing.addEventListener("statechange", () => {
      if (installing.state === "activated") resolve();
      if (installing.state === "redundant") reject(new Error("the worker could not be installed"));
    });
  });
}

function whenPressed(id, act) {
  const button = document.getElementById(id);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await act();
    } catch {
      show(Notification.permission === "denied" ? "denied" : "failed");
    } finally {
      button.disabled = false;
    }
  });
}

whenPressed("subscribe", subscribe);
whenPressed("unsubscribe", unsubscribe);
const isSupported = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
show(!isSupported ? "unsupported" : Notification.permission === "denied" ? "denied" : "ready");
