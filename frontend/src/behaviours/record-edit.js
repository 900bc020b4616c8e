// <article data-behaviour="record-edit"> … <dd data-edit="amount">12 <a class="fact-edit" href="…/edit?only=amount"></a></dd>
// A field is changed where it stands: its pencil, or a double click on its value, puts the server's form for it there. Enter saves,
// Escape leaves it. What comes back is the page as it is now, and every part of it but what one is writing takes the place of the old.
import { attach } from "../behaviours.js";
import { sentOn } from "../sent-on.js";

const FIELD = "input:not([type=hidden]):not([readonly]):not(.sr), select, textarea, [contenteditable=true]";

export default function recordEdit(page) {
  let open = null; // {cell, before}

  const close = () => {
    if (!open) return;
    const { cell, before } = open;
    open = null;
    cell.classList.remove("fact-open");
    cell.replaceChildren(...before);
    cell.querySelector(".fact-edit")?.focus();
  };
  const show = (cell, html) => {
    cell.innerHTML = html; // drawn by the server
    attach(cell);
    const field = cell.querySelector(".form-summary") ?? cell.querySelector(FIELD);
    requestAnimationFrame(() => {
      (field?.tomselect ?? field)?.focus(); // a select one types into is made after it is attached
      if (field?.matches("input[type=text]")) field.select();
    });
  };
  const edit = async (cell) => {
    if (open?.cell === cell) return;
    const { href } = cell.querySelector(".fact-edit");
    const answer = await fetch(href, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) return void window.location.assign(href);
    close();
    open = { cell, before: [...cell.childNodes] };
    cell.classList.add("fact-open");
    show(cell, await answer.text());
  };
  const send = async (form, submitter) => {
    const { cell } = open;
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    if (submitter?.name) body.append(submitter.name, submitter.value);
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "HX-Request": "true" } }).catch(() => null);
    const html = await answer?.text();
    if (open?.cell !== cell) return;
    if (answer?.ok && answer.redirected) {
      delete page.dataset.settled;
      renew(html, cell.dataset.edit);
    }
    else if (html && sentOn(new DOMParser().parseFromString(html, "text/html"))) return;
    else if (html?.includes("inline-form")) show(cell, html);
    else form.dispatchEvent(new CustomEvent("patron:woken")); // nobody answered: what was typed stays
  };
  // The page as it is now. What stands beside the fields stays where something is being written.
  const renew = (html, name) => {
    const now = new DOMParser().parseFromString(html, "text/html");
    const fresh = now.querySelector("article.record");
    if (!fresh) return window.location.reload();
    replace(fresh);
    document.getElementById("flashes").replaceChildren(...now.getElementById("flashes").children);
    page.querySelector(`[data-edit="${CSS.escape(name)}"] .fact-edit`)?.focus();
  };
  const replace = (fresh) => {
    open = null;
    const kept = page.querySelector(".record-columns");
    const main = fresh.querySelector(".record-main");
    for (const old of [...page.children]) if (old !== kept) old.remove();
    for (const part of [...fresh.children]) if (!part.matches(".record-columns")) kept.before(part);
    kept.querySelector(".record-main").replaceWith(main);
    const timeline = fresh.querySelector("#timeline");
    if (timeline) kept.querySelector("#timeline")?.replaceWith(timeline);
    for (const part of page.parentElement.querySelectorAll("[hx-get], [hx-post]")) window.htmx.process(part);
  };

  // What automations made of it meanwhile (record-settle.js): not while somebody is in a part that would go.
  page.addEventListener("patron:renew", (event) => {
    const fresh = new DOMParser().parseFromString(event.detail, "text/html").querySelector("article.record");
    const busy = open || page.querySelector(":is(.record-head, .record-main, .stages, .stage-ask) :focus, dialog[open], details.menu[open]");
    if (busy || !fresh) event.preventDefault();
    else replace(fresh);
  });
  page.addEventListener("click", (event) => {
    const pencil = event.target.closest(".fact-edit");
    if (pencil && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
      event.preventDefault();
      void edit(pencil.parentElement);
    } else if (open?.cell.contains(event.target) && event.target.closest("[data-cancel]")) {
      event.preventDefault();
      close();
    }
  });
  page.addEventListener("dblclick", (event) => {
    const cell = event.target.closest("[data-edit]");
    if (!cell || open?.cell === cell || event.target.closest("a, button")) return;
    window.getSelection()?.removeAllRanges();
    void edit(cell);
  });
  page.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !open?.cell.contains(event.target) || event.target.closest(".ts-wrapper.dropdown-active")) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  page.addEventListener("submit", (event) => {
    if (!open?.cell.contains(event.target) || event.defaultPrevented) return;
    event.preventDefault();
    void send(event.target, event.submitter);
  });
}
