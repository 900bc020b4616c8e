// <form method="post" data-behaviour="offline-form" data-kept="…" data-change="…" data-full="…"> <input type="hidden" name="_once" value="…"> … </form>
// Without network a form is kept with its files instead of lost, and sent once when the network is back. It says so and rests
// until then; to change it takes it out of what waits. A form that was drawn again with the token of a kept one takes its place,
// and gets back the files that were not sent yet.
import { held } from "../uploading.js";
import { drop, find, keep, listen, sendAll } from "../waiting.js";

export default function offlineForm(form) {
  const token = form.querySelector("input[name=_once]");
  const about = document.querySelector("[data-behaviour~=install][data-account]");
  if (!token || !about) return;
  const { account, workspace } = about.dataset;
  let told = null;

  const say = (text, kind) => {
    told?.remove();
    told = document.createElement("div");
    told.className = `alert alert-${kind} kept`;
    told.setAttribute("role", "status");
    told.tabIndex = -1;
    const words = document.createElement("span");
    words.textContent = text;
    told.append(words);
    form.insertAdjacentElement("beforebegin", told);
  };
  const rest = () => {
    say(form.getAttribute("data-kept"), "warning");
    const change = document.createElement("button");
    Object.assign(change, { type: "button", className: "button button-small", textContent: form.getAttribute("data-change") });
    change.addEventListener("click", () => drop(token.value).then(wake));
    told.append(change);
    form.toggleAttribute("inert", true);
    told.focus();
  };
  const wake = () => {
    told?.remove();
    told = null;
    form.toggleAttribute("inert", false);
    form.dispatchEvent(new CustomEvent("patron:woken"));
  };

  form.addEventListener("submit", async (event) => {
    if (event.defaultPrevented) return;
    const given = [...new FormData(form, event.submitter)].filter(([name, value]) => name !== "_csrf" && typeof value === "string");
    const pairs = given.map(([name, value]) => [name, held(value)]);
    if (navigator.onLine && pairs.every(([, value]) => typeof value === "string")) return;
    event.preventDefault();
    const title = form.getAttribute("data-title") ?? document.title.replace(/ · Patron$/, "");
    try {
      await keep({ key: token.value, account, workspace, action: new URL(form.getAttribute("action") ?? "", window.location.href).href, title, pairs });
    } catch {
      wake();
      return say(form.getAttribute("data-full"), "error"); // all of it stands in the form still
    }
    form.dispatchEvent(new CustomEvent("patron:kept", { bubbles: true }));
    rest();
    if (navigator.onLine) await sendAll(account, workspace, document.querySelector("meta[name=csrf]")?.content ?? "");
  });
  listen((message) => {
    if (told && message.sent === token.value) window.location.assign(message.address);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && !told) token.value = crypto.randomUUID(); // the page came back from where it had been sent from
  });

  async function takeBack() {
    const kept = await find(token.value);
    if (kept?.state !== "refused") return;
    for (const [name, value] of kept.pairs)
      if (typeof value !== "string") {
        const widget = form.querySelector(`[data-upload][data-name="${CSS.escape(name)}"]`);
        widget?.dispatchEvent(new CustomEvent("patron:files", { detail: [new File([value.file], value.name, { type: value.file.type })] }));
      }
    await drop(token.value);
  }
  takeBack().catch(() => {});
}
