// <section data-behaviour="gantt-bars" data-moves="/w/demo/moves/task" data-fields="starts_on,due" data-days="182" data-here="…">
//   <li class="gantt-row"><a class="gantt-title"> … <span class="gantt-bar" data-x="12.345" data-w="3.2" data-id data-version
//   data-day="2026-11-25" data-last="2026-11-27">: a bar at these parts of a hundred of its track. Ticks have data-x, data-w, too.
// Puts them exactly (the classes of the page are right to one part of a hundred), and lets bars be moved: with the mouse or a finger
// at an end that end, elsewhere the whole; from the title with the keyboard. The page brings itself up to date afterwards.
import { byKeys, byTouch } from "../boards/carry.js";
import { dayAfter, moving } from "../boards/renew.js";

const EDGE = 7; // pixels at an end of a bar that move this end; a finger is broader
const FINGER = 16;
const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

export default function ganttBars(plan) {
  const fields = (plan.dataset.fields ?? "").split(",").filter(Boolean);
  const days = Number(plan.dataset.days);
  const move = moving(plan, (id) => `.gantt-row:has([data-id="${CSS.escape(id)}"]) .gantt-title`);

  for (const element of plan.querySelectorAll("[data-x]")) {
    element.style.left = `${element.dataset.x}%`;
    element.style.width = `${element.dataset.w}%`;
  }
  if (!fields.length) return;

  const edgeOf = (bar, x, edge) => {
    const box = bar.getBoundingClientRect();
    if (fields.length < 2 || box.width < 3 * edge) return "";
    if (x < box.left + edge && !bar.classList.contains("bar-from")) return "start";
    return x > box.right - edge && !bar.classList.contains("bar-on") ? "end" : "";
  };
  const begin = (bar, x, edge) => {
    const day = bar.parentElement.clientWidth / days;
    return { element: bar, at: x, edge, left: bar.offsetLeft, width: bar.offsetWidth, day, shift: 0 };
  };
  const show = (held) => {
    const { element, edge, left, width, day, shift } = held;
    const pixels = shift * day;
    element.style.left = `${left + (edge === "end" ? 0 : pixels)}px`;
    element.style.width = `${Math.max(width + (edge === "end" ? pixels : edge === "start" ? -pixels : 0), day)}px`;
  };
  const over = (held, point) => {
    held.shift = Math.round((point.clientX - held.at) / held.day);
    show(held);
  };
  const back = ({ element }) => {
    element.style.left = `${element.dataset.x}%`;
    element.style.width = `${element.dataset.w}%`;
  };
  const drop = (held) => {
    if (!held.shift) return back(held);
    const changed = held.edge === "start" ? fields[0] : held.edge === "end" ? fields[1] : fields.join(",");
    move(held.element.dataset, { fields: changed, shift: String(held.shift) }, () => back(held));
  };

  for (const bar of plan.querySelectorAll(".gantt-bar")) {
    let held = null;
    bar.addEventListener("pointermove", (event) => {
      if (held) return over(held, event);
      const edge = edgeOf(bar, event.clientX, EDGE);
      if (edge) bar.dataset.edge = edge;
      else delete bar.dataset.edge;
    });
    bar.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      held = begin(bar, event.clientX, edgeOf(bar, event.clientX, EDGE));
      bar.setPointerCapture(event.pointerId);
      bar.classList.add("carried");
    });
    const end = (how) => () => {
      const was = held;
      held = null;
      bar.classList.remove("carried");
      if (was) how(was);
    };
    bar.addEventListener("pointerup", end(drop));
    bar.addEventListener("pointercancel", end(back));
  }

  byTouch(plan, ".gantt-bar", {
    begin: (bar, point) => begin(bar, point.clientX, edgeOf(bar, point.clientX, FINGER)),
    over,
    drop,
    back,
  });

  byKeys(plan, ".gantt-title", {
    begin(title) {
      const bar = title.closest(".gantt-row").querySelector(".gantt-bar");
      return { ...begin(bar, 0, ""), title: title.textContent };
    },
    step(held, key, shift) {
      const { day, last } = held.element.dataset;
      if (shift && fields.length > 1 && !held.shift) held.edge = "end";
      held.shift += STEPS[key];
      if (held.edge === "end") held.shift = Math.max(held.shift, Math.round((Date.parse(day) - Date.parse(last)) / 86400000));
      show(held);
      const words = held.edge === "end" ? plan.dataset.until : plan.dataset.on;
      return words.replace("{day}", dayAfter(held.edge === "end" ? last : day, held.shift).said);
    },
    drop,
    back,
  });
}
