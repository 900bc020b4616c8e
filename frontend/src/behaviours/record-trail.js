// <table data-behaviour="record-trail"> … <a class="title-link" href="/w/demo/o/account/ID">: remembers, for this tab of the browser,
// which records stood in the table when one of them is opened.
// <nav data-behaviour="record-trail" hidden> <a data-step="-1">…</a> <a data-step="1">…</a>: leads to the ones before and after.
const PLACE = "patron.trail";
const path = (link) => new URL(link.href, window.location.href).pathname;

export default function recordTrail(element) {
  if (element.matches("table")) {
    element.addEventListener("click", (event) => {
      if (!event.target.closest("a.title-link")) return;
      const paths = [...element.querySelectorAll("a.title-link")].map(path);
      window.sessionStorage.setItem(PLACE, JSON.stringify(paths));
    });
    return;
  }
  let paths = [];
  try {
    paths = JSON.parse(window.sessionStorage.getItem(PLACE) ?? "[]");
  } catch {
    return;
  }
  const at = Array.isArray(paths) ? paths.indexOf(window.location.pathname) : -1;
  if (at < 0 || paths.length < 2) return;
  for (const link of element.querySelectorAll("[data-step]")) {
    const next = paths[at + Number(link.dataset.step)];
    if (typeof next === "string" && /^\/w\/[\w-]+\/o\/\w+\/[0-9a-f-]+$/.test(next)) {
      link.href = next;
      link.removeAttribute("aria-disabled");
    }
  }
  element.hidden = false;
}
