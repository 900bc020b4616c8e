// <tbody data-behaviour="tree-move" data-moves="/w/demo/moves/department" data-field="parent" data-here="/w/demo/o/department?…"
//   data-top="At the top"> <tr data-id data-version data-depth> <a data-carry href="…/under?id=…" data-behaviour="dialog-link">
// A line of a tree is carried by its handle, with the mouse or a finger, onto the line it is to hang below, or onto the heads of the
// table for the top. The handle is a link: a press, or Enter, opens the form "move under" instead, which is sent from here as well.
import { moving } from "../boards/renew.js";

const STILL = 6; // pixels a hand may tremble before the line is carried
const EDGE = 60; // pixels from an end of the window where the page begins to follow

export default function treeMove(rows) {
  const rowOf = (id) => rows.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
  const table = rows.closest("table");
  const wrap = table.parentElement;

  const opened = async (id) => {
    const button = rowOf(id)?.querySelector(".tree-open[aria-expanded=false]");
    if (!button) return;
    const there = new Promise((done) => {
      const watch = new MutationObserver(() => (watch.disconnect(), done()));
      watch.observe(rows, { childList: true });
      window.setTimeout(done, 4000);
    });
    button.click();
    await there;
  };

  /** The lines as they are now, with the branches open that were, and the one that took something in. */
  const renew = async (values) => {
    const open = [...rows.querySelectorAll(".tree-open[aria-expanded=true]")].map((b) => b.closest("tr").dataset.id);
    const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(rows.id);
    if (!answer.ok || !fresh) return window.location.reload();
    wrap.parentElement.querySelector(":scope > .board-note")?.remove();
    rows.replaceChildren(...fresh.children);
    window.htmx.process(rows);
    await new Promise((done) => requestAnimationFrame(done)); // the lines get their behaviours
    const into = values instanceof FormData ? values.get(`set.${rows.dataset.field}`) : values[`set.${rows.dataset.field}`];
    for (const id of new Set(into ? [...open, into] : open)) await opened(id);
  };
  const note = (said) => {
    wrap.parentElement.querySelector(":scope > .board-note")?.remove();
    wrap.before(said);
    said.scrollIntoView({ block: "nearest" });
  };
  const move = moving(rows, (id) => `tr[data-id="${CSS.escape(id)}"] [data-carry]`, renew, note);
  const put = (row, into) => move({ id: row.dataset.id, version: row.dataset.version }, { [`set.${rows.dataset.field}`]: into });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const row = form.matches("dialog [data-under]") && rowOf(form.getAttribute("action").split("/").at(-1));
    if (!row) return;
    event.preventDefault();
    const into = new FormData(form).get(`set.${rows.dataset.field}`) ?? "";
    form.closest("dialog").close();
    put(row, into);
  });

  let held = null; // { row, handle, x, y, ghost, aim, below }
  const below = (row) => {
    const found = new Set([row]);
    for (let next = row.nextElementSibling; next && Number(next.dataset.depth) > Number(row.dataset.depth); next = next.nextElementSibling) found.add(next);
    return found;
  };
  const above = (row) => {
    let found = row;
    while (found && Number(found.dataset.depth) >= Number(row.dataset.depth)) found = found.previousElementSibling;
    return found?.dataset.id ?? "";
  };
  const aimAt = (element) => {
    table.querySelector(".tree-aim")?.classList.remove("tree-aim");
    held.aim = element;
    element?.classList.add("tree-aim");
    const name = element ? (element.dataset.id ? element.querySelector(".title-link").textContent : rows.dataset.top) : "…";
    held.ghost.textContent = `${held.row.querySelector(".title-link").textContent} → ${name}`;
  };
  const begin = () => {
    held.ghost = document.createElement("div");
    held.ghost.className = "tree-ghost";
    document.body.append(held.ghost);
    held.below = below(held.row);
    held.row.classList.add("tree-carried");
  };
  const end = () => {
    held.ghost?.remove();
    held.row.classList.remove("tree-carried");
    table.querySelector(".tree-aim")?.classList.remove("tree-aim");
    held = null;
  };

  rows.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest("[data-carry]");
    if (!handle || event.button) return;
    held = { row: handle.closest("tr"), handle, x: event.clientX, y: event.clientY };
    handle.setPointerCapture(event.pointerId);
  });
  rows.addEventListener("pointermove", (event) => {
    if (!held) return;
    if (!held.ghost && Math.hypot(event.clientX - held.x, event.clientY - held.y) < STILL) return;
    if (!held.ghost) begin();
    held.ghost.style.left = `${event.clientX + 12}px`;
    held.ghost.style.top = `${event.clientY + 12}px`;
    const at = document.elementFromPoint(event.clientX, event.clientY)?.closest("tr");
    const fits = at && table.contains(at) && (at.parentElement.tagName === "THEAD" || (at.dataset.id && !held.below.has(at)));
    aimAt(fits ? at : null);
    if (event.clientY < EDGE) window.scrollBy(0, -12);
    if (event.clientY > window.innerHeight - EDGE) window.scrollBy(0, 12);
  });
  rows.addEventListener("pointerup", () => {
    if (!held) return;
    const { row, aim, ghost, handle } = held;
    end();
    if (!ghost) return; // a press: the form opens
    const stop = (event) => (event.preventDefault(), event.stopImmediatePropagation());
    handle.addEventListener("click", stop, { capture: true, once: true });
    window.setTimeout(() => handle.removeEventListener("click", stop, { capture: true }));
    if (aim && (aim.dataset.id ?? "") !== above(row)) put(row, aim.dataset.id ?? "");
  });
  rows.addEventListener("pointercancel", () => held && end());
  document.addEventListener("keydown", (event) => event.key === "Escape" && held && end());
}
