// <form method="post" data-behaviour="offline-form" data-kept="…" data-change="…"> <input type="hidden" name="_once" value="…"> … </form>
// Without network a form is kept instead of lost, and sent once when the network is back. It says so and rests until then; to
// change it takes it out of what waits. A form that was drawn again with the token of a kept one takes its place.
import { drop, find, keep, listen } from "../waiting.js";

export default function offlineForm(form) {
  const token = form.querySelector("input[name=_once]");
  const about = document.querySelector("[data-behaviour~=install][data-account]");
  if (!token || !about) return;
  const { account, workspace } = about.dataset;
  let told = null;

  const rest = () => {
    told = document.createElement("div");
    told.className = "alert alert-warning kept";
    told.setAttribute("role", "status");
    told.tabIndex = -1;
    const text = document.createElement("span");
    text.textContent = form.getAttribute("data-kept");
    const change = document.createElement("button");
    Object.assign(change, { type: "button", className: "button button-small", textContent: form.getAttribute("data-change") });
    change.addEventListener("click", async () => {
      await drop(token.value);
      wake();
    });
    told.append(text, change);
    form.insertAdjacentElement("beforebegin", told);
    form.toggleAttribute("inert", true);
    told.focus();
  };
  const wake = () => {
    told?.remove();
    told = null;
    form.toggleAttribute("inert", false);
  };

  form.addEventListener("submit", async (event) => {
    if (event.defaultPrevented || navigator.onLine) return;
    event.preventDefault();
    const pairs = [...new FormData(form, event.submitter)].filter(([name, value]) => name !== "_csrf" && typeof value === "string");
    const title = form.getAttribute("data-title") ?? document.title.replace(/ · Patron$/, "");
    await keep({ key: token.value, account, workspace, action: form.getAttribute("action"), title, pairs });
    form.dispatchEvent(new CustomEvent("patron:kept", { bubbles: true }));
    rest();
  });
  listen((message) => {
    if (told && message.sent === token.value) window.location.assign(message.address);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted && !told) token.value = crypto.randomUUID(); // the page came back from where it had been sent from
  });
  find(token.value).then((kept) => kept?.state === "refused" && drop(token.value));
}
