// <section data-behaviour="install" data-account="…" data-workspace="demo" hidden> … a list, a template of a row … </section>
// Registers the worker, shows what waits for the network and sends it when it is back; signing out clears it.
// <main data-behaviour="install" data-offline>: the page without network, left as soon as there is one.
// <main data-behaviour="install" data-signed-out>: the sign-in: nobody's forms can be read here any more.
import { keyOf } from "../sealing.js";
import { clear, drop, forget, keep, know, listen, sendAll, waiting } from "../waiting.js";

const AGAIN = 60_000; // ms between attempts while something waits
const LOOK = 3_000; // ms between looks for a network of which the browser does not tell that it is back

function leaveWhenOnline(element) {
  const own = window.location.pathname === "/offline";
  element.querySelector("[data-kept]").hidden = !window.location.search.includes("kept");
  const leave = () => (own ? window.location.assign("/") : window.location.reload());
  window.addEventListener("online", leave);
  window.setInterval(() => fetch("/health/live", { cache: "no-store" }).then((answer) => answer.ok && leave(), () => {}), LOOK);
}

/** The worker comes after the page: what it fetches is not in the way of what one looks at. */
function register() {
  if (!("serviceWorker" in navigator)) return;
  const begin = () => navigator.serviceWorker.register("/worker.js").catch(() => {});
  if (document.readyState === "complete") begin();
  else window.addEventListener("load", begin);
}

/** Sends a kept form as the form it was: the server draws it again with what is wrong and all that was typed; the files that were
 * not sent yet are put back by offline-form. */
function open(form, csrf) {
  const made = document.createElement("form");
  Object.assign(made, { method: "post", action: form.action, hidden: true });
  for (const [name, value] of [...form.pairs, ["_csrf", csrf]]) {
    if (typeof value !== "string") continue;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name, value });
    made.appendChild(field);
  }
  document.body.append(made);
  HTMLFormElement.prototype.submit.call(made);
}

export default function install(element) {
  if (element.dataset.signedOut !== undefined) return void forget().catch(() => {});
  register();
  if (element.dataset.offline !== undefined) return leaveWhenOnline(element);
  const { account, workspace, key } = element.dataset;
  const list = element.querySelector("ul");
  const csrf = document.querySelector("meta[name=csrf]")?.content ?? "";
  const when = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "short", timeStyle: "short" });
  const send = () => navigator.onLine && sendAll(account, workspace, csrf);
  const reason = (why) => element.dataset[`refused${why}`] ?? element.dataset.refused;

  const row = (form) => {
    const made = element.querySelector("template").content.firstElementChild.cloneNode(true);
    const refused = form.state === "refused";
    made.classList.toggle("waiting-refused", refused);
    made.querySelector(".waiting-title").textContent = form.title;
    made.querySelector(".waiting-said").textContent = refused ? reason(form.why) : when.format(form.at);
    const [opening, sending, dropping] = ["[data-open]", "[data-send]", "[data-drop]"].map((name) => made.querySelector(name));
    opening.hidden = !refused;
    sending.hidden = refused && form.why !== "doubtful";
    opening.addEventListener("click", () => open(form, csrf));
    sending.addEventListener("click", () => keep({ ...form, state: "waiting", tried: 0 }).then(send));
    dropping.addEventListener("click", () => drop(form.key));
    return made;
  };
  const draw = async () => {
    const forms = await waiting(account, workspace);
    element.hidden = !forms.length;
    element.querySelector("[data-count]").textContent = String(forms.length);
    list.replaceChildren(...forms.map(row));
    if (forms.some((f) => f.state === "refused")) element.querySelector("details").open = true;
  };
  const flash = (text) => {
    const made = document.createElement("div");
    made.className = "flash";
    made.dataset.behaviour = "flash";
    made.textContent = text;
    document.getElementById("flashes")?.append(made);
  };

  listen((message) => {
    draw();
    if (message.sent) flash(element.dataset.sent.replace("{title}", message.title));
  });
  window.addEventListener("online", send);
  document.addEventListener("submit", async (event) => {
    if (new URL(event.target.action, window.location.href).pathname !== "/logout" || event.defaultPrevented) return;
    event.preventDefault();
    const forms = await waiting(account).catch(() => []);
    if (forms.length && !window.confirm(element.dataset.signOut)) return;
    await clear().catch(() => {});
    event.target.submit();
  });
  const begin = async () => {
    if (!self.crypto?.subtle) return; // not over an encrypted connection: nothing is kept
    await know(account, await keyOf(key));
    await draw();
    window.setTimeout(send, 300);
    window.setInterval(() => element.hidden || send(), AGAIN);
  };
  begin().catch(() => {});
}
