// <section data-behaviour="gantt-bars" data-moves="/w/demo/moves/task" data-fields="starts_on,due" data-days="182" data-here="…">
//   <span data-x="12.345" data-w="3.2">: a tick or bar at these parts of a hundred of its track; bars have data-id, data-version.
// Puts them exactly (the classes of the page are right to one part of a hundred), and lets bars be dragged: at an end that end,
// elsewhere the whole. The page brings itself up to date afterwards.
import { ask, flash, send, undoing } from "../boards/send.js";
import { renewed } from "../boards/renew.js";

const EDGE = 7; // pixels at an end of a bar that move this end

export default function ganttBars(plan) {
  const { moves, here } = plan.dataset;
  const fields = (plan.dataset.fields ?? "").split(",").filter(Boolean);
  const days = Number(plan.dataset.days);

  for (const element of plan.querySelectorAll("[data-x]")) {
    element.style.left = `${element.dataset.x}%`;
    element.style.width = `${element.dataset.w}%`;
  }

  const tell = (parts) => {
    const said = parts.querySelector(".board-problem");
    if (!said) return window.location.reload();
    said.className = "alert alert-error board-note";
    plan.querySelector(":scope > .alert-error")?.remove();
    plan.querySelector(".calendar-bar")?.after(said);
  };

  const move = async (address, values, back = () => {}) => {
    const { ok, parts } = await send(address, values);
    if (ok) {
      flash(parts);
      await renewed("gantt");
      return;
    }
    if (ask(parts, (where, more) => move(where, more, back), back)) return;
    back();
    tell(parts);
  };

  undoing(() => plan.isConnected, move);
  if (!fields.length) return;

  const edgeOf = (bar, event) => {
    const box = bar.getBoundingClientRect();
    if (fields.length < 2 || box.width < 3 * EDGE) return "";
    if (event.clientX < box.left + EDGE && !bar.classList.contains("bar-from")) return "start";
    return event.clientX > box.right - EDGE && !bar.classList.contains("bar-on") ? "end" : "";
  };

  for (const bar of plan.querySelectorAll(".gantt-bar")) {
    let held = null;
    bar.addEventListener("pointermove", (event) => {
      if (!held) {
        const edge = edgeOf(bar, event);
        if (edge) bar.dataset.edge = edge;
        else delete bar.dataset.edge;
        return;
      }
      held.shift = Math.round((event.clientX - held.at) / held.day);
      const pixels = held.shift * held.day;
      bar.style.left = `${held.left + (held.edge === "end" ? 0 : pixels)}px`;
      bar.style.width = `${Math.max(held.width + (held.edge === "end" ? pixels : held.edge === "start" ? -pixels : 0), held.day)}px`;
    });
    bar.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const day = bar.parentElement.clientWidth / days;
      held = { at: event.clientX, edge: edgeOf(bar, event), left: bar.offsetLeft, width: bar.offsetWidth, day, shift: 0 };
      bar.setPointerCapture(event.pointerId);
      bar.classList.add("gantt-held");
    });
    const back = () => {
      bar.style.left = `${bar.dataset.x}%`;
      bar.style.width = `${bar.dataset.w}%`;
    };
    const drop = (event) => {
      if (!held) return;
      const { edge, shift } = held;
      held = null;
      bar.classList.remove("gantt-held");
      if (!shift || event.type === "pointercancel") return back();
      const changed = edge === "start" ? fields[0] : edge === "end" ? fields[1] : fields.join(",");
      const values = { version: bar.dataset.version, fields: changed, shift: String(shift), back: here };
      move(`${moves}/${bar.dataset.id}`, values, back);
    };
    bar.addEventListener("pointerup", drop);
    bar.addEventListener("pointercancel", drop);
  }
}
