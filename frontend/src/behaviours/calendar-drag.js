// <section data-behaviour="calendar-drag" data-moves="/w/demo/moves/task" data-fields="starts_on,due" data-here="/w/demo/o/…">
//   … <li data-day="2026-11-26"> … <li data-id data-version data-day="2026-11-25">: a record; dropped on another day it is
// moved by the days between. The page brings itself up to date afterwards. Without scripts one opens the record.
import { ask, flash, send, undoing } from "../boards/send.js";
import { renewed } from "../boards/renew.js";

const days = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86400000);

export default function calendarDrag(calendar) {
  const { fields, moves, here } = calendar.dataset;

  const tell = (parts) => {
    const said = parts.querySelector(".board-problem");
    if (!said) return window.location.reload();
    said.className = "alert alert-error board-note";
    calendar.querySelector(":scope > .alert-error")?.remove();
    calendar.querySelector(".calendar-bar")?.after(said);
  };

  const move = async (address, values) => {
    const { ok, parts } = await send(address, values);
    if (ok) {
      flash(parts);
      await renewed("calendar");
    } else if (!ask(parts, move, () => {})) tell(parts);
  };

  // Work begins in the morning: the hours before it are above.
  const tall = calendar.querySelector(".week-tall");
  const eight = tall?.querySelector(".week-clock li:nth-child(8)");
  if (eight?.offsetParent) tall.scrollTop = eight.getBoundingClientRect().top - tall.getBoundingClientRect().top - 60;

  undoing(() => calendar.isConnected, move);
  if (!fields) return;

  let held = null;
  for (const entry of calendar.querySelectorAll("[data-id]")) {
    entry.draggable = true;
    entry.addEventListener("dragstart", (event) => {
      // A bar over several days is taken where it is grabbed: the day under the pointer, not its first.
      held = { id: entry.dataset.id, version: entry.dataset.version, from: entry.parentElement.closest("[data-day]").dataset.day };
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", entry.dataset.id);
      entry.classList.add("bar-dragged");
    });
    entry.addEventListener("dragend", () => {
      held = null;
      entry.classList.remove("bar-dragged");
    });
  }
  for (const day of calendar.querySelectorAll(".day, .week-day, .agenda-day")) {
    day.addEventListener("dragover", (event) => {
      if (!held) return;
      event.preventDefault();
      day.classList.add("day-target");
    });
    day.addEventListener("dragleave", (event) => {
      if (!day.contains(event.relatedTarget)) day.classList.remove("day-target");
    });
    day.addEventListener("drop", (event) => {
      event.preventDefault();
      day.classList.remove("day-target");
      const shift = held ? days(held.from, day.dataset.day) : 0;
      if (shift) move(`${moves}/${held.id}`, { version: held.version, fields, shift: String(shift), back: here });
    });
  }
}
