// Forms that wait for the network, with their files, kept in the browser (IndexedDB) for an account and a workspace, and sent
// later, once: the server knows a form by its token `_once`, a file by its place in it. Used by pages and by the worker.
//
// A form is {key, account, workspace, action, title, pairs: [[name, text | {file, name, address}]], state, why, tried, at}. What a
// person wrote is kept sealed: the key comes with the pages of who is signed in, and is forgotten when he is not any more.
import { opened, sealed } from "./sealing.js";

const NAME = "patron-waiting";
const CHANNEL = "BroadcastChannel" in self ? new BroadcastChannel(NAME) : null;
export const MOST_BYTES = 50_000_000; // of all that waits for one account
const REMEMBERED = 23 * 3_600_000; // ms; for how long the server knows that a form was carried out, and a little less

function store(mode, work) {
  return new Promise((done, failed) => {
    const opening = indexedDB.open(NAME, 2);
    opening.onupgradeneeded = () => {
      for (const name of opening.result.objectStoreNames) opening.result.deleteObjectStore(name);
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

/** Who is signed in, {account, key}; nothing where nobody is. */
export const known = async () => (await store("readonly", (_, who) => who.get("now"))) ?? null;
export const know = (account, key) => store("readwrite", (_, who) => who.put({ id: "now", account, key }));
export const forget = () => store("readwrite", (_, who) => who.clear());

async function opening(kept) {
  const who = await known();
  if (!kept || !who || who.account !== kept.account) return null;
  return opened(who.key, kept).catch(() => null); // of a time before the service's secret was changed
}
export const find = async (key) => opening(await store("readonly", (forms) => forms.get(key)));

/** The forms of an account, oldest first; of one workspace, or of all. */
export async function waiting(account, workspace = null) {
  const every = await store("readonly", (forms) => forms.getAll());
  const mine = every.filter((f) => f.account === account && (workspace === null || f.workspace === workspace));
  return (await Promise.all(mine.map(opening))).filter(Boolean).sort((a, b) => a.at - b.at);
}

/** Keeps a form, or what is new about it. RangeError where it does not fit; Error where nobody is signed in. */
export async function keep(form) {
  const who = await known();
  if (!who || who.account !== form.account) throw new Error("nobody is signed in");
  const made = await sealed(who.key, { at: Date.now(), state: "waiting", ...form });
  const others = (await store("readonly", (forms) => forms.getAll())).filter((f) => f.account === form.account && f.key !== form.key);
  if (others.reduce((sum, f) => sum + f.size, made.size) > MOST_BYTES) throw new RangeError("too much waits");
  await store("readwrite", (forms) => forms.put(made)).catch((error) => {
    throw error?.name === "QuotaExceededError" ? new RangeError("the device is full") : error;
  });
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

/** What became of a request: "done", "later", or why it was refused: the status. */
async function outcome(answer) {
  if (new URL(answer.url).pathname === "/login" || answer.status === 401) return "later";
  if (answer.ok) return "done";
  if ([408, 425, 429].includes(answer.status) || answer.status >= 500) return "later";
  const { code } = await answer.clone().json().catch(() => ({}));
  return ["csrf", "idempotency_running"].includes(code) ? "later" : String(answer.status);
}

async function sendOne(form, csrf) {
  const headers = { Accept: "application/json", "X-CSRF-Token": csrf };
  if (form.tried && Date.now() - form.tried > REMEMBERED) return { end: "doubtful" };
  for (const [n, [name, value]] of form.pairs.entries()) {
    if (typeof value === "string") continue;
    const body = new FormData();
    body.append("file", value.file, value.name);
    const answer = await fetch(value.address, { method: "POST", body, headers: { ...headers, "Idempotency-Key": `${form.key}.${n}` } });
    const end = await outcome(answer);
    if (end !== "done") return { end };
    form.pairs[n] = [name, (await answer.json()).id];
    await keep(form);
  }
  if (!form.tried) await keep(Object.assign(form, { tried: Date.now() }));
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams([...form.pairs, ["_csrf", csrf]]), headers });
  const end = await outcome(answer);
  if (end === "later" && answer.status < 500) await keep(Object.assign(form, { tried: 0 })); // it was not carried out
  const where = new URL(answer.url);
  return { end, address: where.pathname + where.search };
}

/** Sends what waits, in its order, one window at a time. A form that is refused stays, and says so. */
export function sendAll(account, workspace, csrf) {
  const work = async () => {
    for (const form of await waiting(account, workspace)) {
      if (form.state !== "waiting") continue;
      const { end, address } = await sendOne(form, csrf).catch(() => ({ end: "later" }));
      if (end === "later") return; // what comes after it may depend on it
      if (end !== "done") await keep({ ...form, state: "refused", why: end });
      else {
        await drop(form.key);
        tell({ sent: form.key, title: form.title, address });
      }
    }
  };
  return navigator.locks ? navigator.locks.request(NAME, { ifAvailable: true }, (lock) => lock && work()) : work();
}
