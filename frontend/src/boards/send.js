// What boards, calendars and plans have in common: sending a move and putting what the server answers into the page.
// The answer is HTML of ours: elements with an id take the place of those that are there, cards go to their column, messages
// to the corner, a dialog opens.

import { focusIn } from "../focus-in.js";
import { sentOn } from "../sent-on.js";

/** Sends a form's values. Gives { ok, parts } with the parsed answer; ok is false when the move was not made. */
export async function send(address, values) {
  const body = new URLSearchParams(values);
  if (!body.has("_csrf")) body.set("_csrf", document.querySelector("meta[name=csrf]").content);
  try {
    const answer = await fetch(address, { method: "POST", body, headers: { "HX-Request": "true", Accept: "text/html" } });
    if (answer.headers.get("HX-Redirect")) window.location.assign(answer.headers.get("HX-Redirect"));
    const parts = new DOMParser().parseFromString(await answer.text(), "text/html").body;
    if (sentOn(parts)) return new Promise(() => {}); // the page is left
    return { ok: answer.ok, parts };
  } catch {
    const parts = document.createElement("body");
    const said = document.createElement("p");
    said.className = "board-problem";
    said.textContent = document.querySelector("[data-offline]")?.dataset.offline ?? "";
    parts.append(said);
    return { ok: false, parts };
  }
}

/** A message of the answer, into the corner of the page. */
export function flash(parts) {
  const corner = document.getElementById("flashes");
  const made = [...parts.querySelectorAll(":scope > .flash")];
  if (!made.length) return;
  corner.replaceChildren(...made);
  document.body.dispatchEvent(new Event("acted")); // the header's menu of recent acts
}

/** Opens the small form of an answer. `again` gets its values when it is sent, `given` is called when it is left. */
export function ask(parts, again, given) {
  document.getElementById("move-dialog")?.remove();
  const dialog = parts.querySelector("dialog");
  if (!dialog) return false;
  document.body.append(dialog);
  let sent = false;
  const form = dialog.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    sent = true;
    const values = new FormData(form);
    dialog.close();
    again(form.getAttribute("action"), values);
  });
  dialog.querySelector("[data-cancel]")?.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (!sent) given();
  });
  dialog.showModal();
  focusIn(dialog, "textarea, [name^='set.']:not([type=hidden]), [name^='also.']");
  return true;
}

/** Asks for undo by script where the page can bring itself up to date: forms of messages inside `corner`. */
export function undoing(alive, act) {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!alive() || !form.matches(".flash form[action$='/moves/undo']")) return;
    event.preventDefault();
    act(form.getAttribute("action"), new FormData(form));
    form.closest(".flash").remove();
  });
}
