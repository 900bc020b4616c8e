// <div data-behaviour="signature" data-upload="/w/demo/files"> <input type="hidden"> <div class="signature-pad" hidden><canvas></canvas></div> … </div>
// A signature drawn with finger, pen or mouse. A second after the last stroke it is sent as a picture, whose id the form names.
import { gate, hold, keeps, release as letGo, send } from "../uploading.js";

const REST = 900; // milliseconds without a stroke
const NAME = "signature.png";

export default function signature(element) {
  const field = element.querySelector("input[type=hidden]");
  const pad = element.querySelector(".signature-pad");
  const canvas = pad.querySelector("canvas");
  const actions = element.querySelector(".signature-actions");
  const [undo, clear] = ["[data-undo]", "[data-clear]"].map((name) => actions.querySelector(name));
  const said = actions.querySelector("[role=status]");
  const waiting = gate(element.closest("form"), element.dataset.wait, (text) => (said.textContent = text));
  const pen = canvas.getContext("2d");
  let strokes = [];
  let timer = 0;
  let turn = 0;
  let release = null; // of the gate, between the first stroke and the sent picture

  // Ink is dark on white in either scheme: the picture is looked at on paper as well.
  const draw = () => {
    const scale = window.devicePixelRatio || 1;
    const box = pad.getBoundingClientRect();
    if (!box.width) return;
    canvas.width = Math.round(box.width * scale);
    canvas.height = Math.round(box.height * scale);
    pen.scale(scale, scale);
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, box.width, box.height);
    Object.assign(pen, { lineCap: "round", lineJoin: "round", strokeStyle: "#14161c", fillStyle: "#14161c" });
    for (const points of strokes) {
      for (let n = 1; n < points.length; n++) {
        const [a, b] = [points[n - 1], points[n]];
        pen.lineWidth = 1.2 + 2.4 * b[2];
        pen.beginPath();
        pen.moveTo(a[0], a[1]);
        pen.lineTo(b[0], b[1]);
        pen.stroke();
      }
      if (points.length === 1) pen.fillRect(points[0][0] - 1, points[0][1] - 1, 2, 2);
    }
    pad.toggleAttribute("data-drawn", strokes.length > 0);
    undo.disabled = !strokes.length;
    clear.disabled = !strokes.length && !field.value;
  };
  const set = (id) => {
    letGo(field.value);
    field.value = id;
    element.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const changed = () => {
    draw();
    window.clearTimeout(timer);
    turn += 1;
    said.textContent = "";
    set("");
    if (strokes.length) {
      if (!release) waiting(new Promise((done) => (release = done)));
      timer = window.setTimeout(keep, REST, turn);
    } else finish();
  };
  const finish = () => {
    release?.();
    release = null;
  };
  async function keep(mine) {
    const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
    try {
      const made = await send(element.dataset.upload, picture, NAME);
      if (mine !== turn) return;
      set(made.id);
      said.textContent = element.dataset.saved;
    } catch (error) {
      if (mine !== turn) return;
      if (!error.message && keeps(element)) set(hold(picture, NAME, element.dataset.upload));
      said.textContent = field.value ? element.dataset.held : element.dataset.failed;
    }
    if (mine === turn) finish();
  }

  const point = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top, event.pressure || 0.5];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    window.clearTimeout(timer);
    canvas.setPointerCapture(event.pointerId);
    strokes.push([point(event)]);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    for (const step of event.getCoalescedEvents?.() ?? [event]) strokes.at(-1).push(point(step));
    draw();
  });
  canvas.addEventListener("pointerup", changed);
  canvas.addEventListener("pointercancel", changed);
  canvas.addEventListener("keydown", (event) => {
    if (event.key !== "Backspace" && event.key !== "Delete") return;
    event.preventDefault();
    (event.key === "Delete" ? clear : undo).click();
  });
  undo.addEventListener("click", () => {
    strokes.pop();
    changed();
  });
  clear.addEventListener("click", () => {
    strokes = [];
    element.querySelector(".signature-picture")?.remove();
    pad.hidden = false;
    changed();
  });
  element.addEventListener("patron:files", ({ detail: [picture] }) => {
    set(hold(picture, NAME, element.dataset.upload));
    said.textContent = element.dataset.held;
  });
  pad.hidden = Boolean(field.value); // what is signed is shown; clearing it opens the pad
  actions.hidden = false;
  new ResizeObserver(draw).observe(pad);
  draw();
}
