// Forms that wait for the network, kept in the browser (IndexedDB) for an account and a workspace, and sent later, once: the
// server knows a form by its token `_once`. Used by pages and by the worker.
const NAME = "patron-waiting";
const CHANNEL = "BroadcastChannel" in self ? new BroadcastChannel(NAME) : null;

function store(mode, work) {
  return new Promise((done, failed) => {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("forms", { keyPath: "key" });
      opening.result.createObjectStore("who", { keyPath: "id" });
    };
    opening.onerror = () => failed(opening.error);
    opening.onsuccess = () => {
      const base = opening.result;
      const change = base.transaction(["forms", "who"], mode);
      const asked = work(change.objectStore("forms"), change.objectStore("who"));
      change.oncomplete = () => {
        base.close();
        done(asked?.result);
      };
      change.onerror = change.onabort = () => {
        base.close();
        failed(change.error);
      };
    };
  });
}

/** Tells every window, this one too. */
export function tell(message) {
  CHANNEL?.postMessage(message);
  for (const heard of LISTENERS) heard(message);
}
const LISTENERS = new Set();
export function listen(heard) {
  LISTENERS.add(heard);
  CHANNEL?.addEventListener("message", (event) => heard(event.data));
}

export const known = async () => (await store("readonly", (_, who) => who.get("now"))) ?? null;
export const know = (account) => store("readwrite", (_, who) => who.put({ id: "now", account }));
export const find = (key) => store("readonly", (forms) => forms.get(key));
export async function keep(form) {
  await store("readwrite", (forms) => forms.put({ at: Date.now(), state: "waiting", ...form }));
  tell({ changed: true });
}
export async function drop(key) {
  await store("readwrite", (forms) => forms.delete(key));
  tell({ changed: true });
}
export async function clear() {
  await store("readwrite", (forms, who) => (forms.clear(), who.clear()));
  tell({ changed: true });
}

/** The forms of an account in a workspace, oldest first. */
export async function waiting(account, workspace) {
  const found = await store("readonly", (forms) => forms.getAll());
  return found.filter((f) => f.account === account && f.workspace === workspace).sort((a, b) => a.at - b.at);
}

async function sendOne(form, csrf) {
  const body = new URLSearchParams([...form.pairs, ["_csrf", csrf]]);
  const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html", "X-CSRF-Token": csrf } });
  const where = new URL(answer.url);
  if (where.pathname === "/login") return "later";
  if (answer.redirected || answer.ok) return where.pathname + where.search;
  return [401, 403, 408, 409, 425, 429].includes(answer.status) || answer.status >= 500 ? "later" : "refused";
}

/** Sends what waits, one window at a time. A form that is refused stays, and says so. */
export function sendAll(account, workspace, csrf) {
  const work = async () => {
    for (const form of await waiting(account, workspace)) {
      if (form.state !== "waiting" || !navigator.onLine) continue;
      const outcome = await sendOne(form, csrf).catch(() => "later");
      if (outcome === "refused") await keep({ ...form, state: "refused" });
      else if (outcome !== "later") {
        await drop(form.key);
        tell({ sent: form.key, title: form.title, address: outcome });
      }
    }
  };
  return navigator.locks ? navigator.locks.request(NAME, { ifAvailable: true }, (lock) => lock && work()) : work();
}
