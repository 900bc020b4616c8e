// <section data-behaviour="calendar-drag" data-moves="/w/demo/moves/task" data-fields="starts_on,due" data-here="/w/demo/o/…">
//   … <li data-day="2026-11-26"> … <li data-id data-version data-day="2026-11-25" data-last="2026-11-27"><a>: a record.
// With the mouse, a finger or the keyboard it is brought to another day; with Shift and arrows its end alone. The page brings itself
// up to date afterwards. Without scripts one opens the record.
import { byKeys, byTouch } from "../boards/carry.js";
import { dayAfter, moving } from "../boards/renew.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };
const days = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 86400000);

export default function calendarDrag(calendar) {
  const { fields } = calendar.dataset;
  const move = moving(calendar, (id) => `[data-id="${CSS.escape(id)}"] a`);

  // Where today is shown, now is in view; else the morning, when work begins: the hours before it are above.
  const tall = calendar.querySelector(".week-tall");
  const now = calendar.querySelector(".week-now");
  const first = now ?? tall?.querySelector(".week-clock li:nth-child(8)");
  const above = now ? tall.clientHeight / 3 : 60;
  if (first?.offsetParent) tall.scrollTop = first.getBoundingClientRect().top - tall.getBoundingClientRect().top - above;

  // The line for now goes on as long as the page is open.
  const begun = Date.now();
  const clock = setInterval(() => {
    if (!now?.isConnected) return clearInterval(clock);
    const at = Math.min(Number(now.dataset.now) + Math.floor((Date.now() - begun) / 300000), 287);
    now.className = `week-now slot-${Math.floor(at / 6)} now-${at % 6}`;
  }, 60000);

  if (!fields) return;
  const target = (day) => {
    for (const other of calendar.querySelectorAll(".day-target")) if (other !== day) other.classList.remove("day-target");
    day?.classList.add("day-target");
  };
  const shifted = (entry, shift, which = fields) => {
    target(null);
    if (shift) move(entry.dataset, { fields: which, shift: String(shift) });
  };
  // A bar over several days is taken where it is grabbed: the day under the pointer, not its first.
  const taken = (entry) => ({ element: entry, from: entry.parentElement.closest("[data-day]").dataset.day });

  let held = null;
  let finger = false;
  calendar.addEventListener("pointerdown", (event) => (finger = event.pointerType === "touch"));
  for (const entry of calendar.querySelectorAll("[data-id]")) {
    entry.draggable = true;
    entry.addEventListener("dragstart", (event) => {
      if (finger) return event.preventDefault();
      held = taken(entry);
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
      target(day);
    });
    day.addEventListener("dragleave", (event) => {
      if (!day.contains(event.relatedTarget)) day.classList.remove("day-target");
    });
    day.addEventListener("drop", (event) => {
      event.preventDefault();
      if (held) shifted(held.element, days(held.from, day.dataset.day));
    });
  }

  byTouch(calendar, "[data-id]", {
    begin: taken,
    over(carried, point) {
      carried.day = document.elementFromPoint(point.clientX, point.clientY)?.closest(".day, .week-day, .agenda-day");
      target(carried.day);
    },
    drop: (carried) => shifted(carried.element, carried.day ? days(carried.from, carried.day.dataset.day) : 0),
    back: () => target(null),
  });

  byKeys(calendar, "[data-id] a", {
    begin(link) {
      const entry = link.closest("[data-id]");
      return { element: entry, title: entry.dataset.title, shift: 0, end: false };
    },
    step(carried, key, shift) {
      const { day, last } = carried.element.dataset;
      if (shift && fields.includes(",") && !carried.shift) carried.end = true;
      carried.shift += STEPS[key];
      if (carried.end) carried.shift = Math.max(carried.shift, days(last, day));
      const at = dayAfter(carried.end ? last : day, carried.shift);
      target(calendar.querySelector(`.day[data-day="${at.iso}"], .week-day[data-day="${at.iso}"], .agenda-day[data-day="${at.iso}"]`));
      return (carried.end ? calendar.dataset.until : calendar.dataset.on).replace("{day}", at.said);
    },
    drop: (carried) => shifted(carried.element, carried.shift, carried.end ? fields.split(",")[1] : fields),
    back: () => target(null),
  });
}
