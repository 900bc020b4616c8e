// Carrying without a mouse. With the keyboard: Space picks up what has the focus, arrows move it, Space or Enter drop it, Escape or
// leaving it brings it back; a live region says where it is. With a finger: what is held for a moment follows the finger.
// `root` has <p data-said> (the live region), <p data-help id> (what a screen reader is told first) and data-picked, data-left.
const HOLD = 350; // milliseconds a finger rests before it carries: until then it scrolls
const STILL = 8; // pixels it may tremble meanwhile

/** `handle`: selector of what takes the focus. `acts`: begin(handle) gives what is carried or nothing; step(carried, key, shift)
 * gives what is said; drop(carried); back(carried). What is carried has `title` and `element`, which is shown as carried. */
export function byKeys(root, handle, acts) {
  const said = root.querySelector("[data-said]");
  const help = root.querySelector("[data-help]");
  let held = null;
  const say = (text) => (said.textContent = (text ?? "").replace("{title}", held?.title ?? ""));
  const end = (how) => {
    const was = held;
    if (how === "back") say(root.dataset.left);
    held = null;
    was.element.classList.remove("carried");
    acts[how](was);
  };
  root.addEventListener("focusin", (event) => {
    if (help && event.target.matches(handle)) event.target.setAttribute("aria-describedby", help.id);
  });
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!held) {
      if (event.key !== " " || !event.target.matches(handle)) return;
      event.preventDefault();
      held = acts.begin(event.target);
      if (!held) return;
      held.element.classList.add("carried");
      say(root.dataset.picked);
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      end("drop");
    } else if (event.key === "Escape") {
      event.preventDefault();
      end("back");
    } else if (event.key.startsWith("Arrow")) {
      event.preventDefault();
      say(acts.step(held, event.key, event.shiftKey));
    }
  });
  root.addEventListener("focusout", () => held && end("back"));
}

/** `taken`: selector of what a finger takes. `acts`: begin(element, point) gives what is carried or nothing; over(carried, point);
 * drop(carried); back(carried). */
export function byTouch(root, taken, acts) {
  let held = null;
  let waiting = 0;
  let from = null;
  const let_go = (how) => {
    clearTimeout(waiting);
    waiting = 0;
    const was = held;
    held = null;
    if (!was) return;
    was.element.classList.remove("carried");
    acts[how](was);
  };
  root.addEventListener(
    "touchstart",
    (event) => {
      let_go("back");
      const element = event.target.closest(taken);
      if (!element || event.touches.length > 1) return;
      from = event.touches[0];
      waiting = setTimeout(() => {
        held = acts.begin(element, from);
        held?.element.classList.add("carried");
      }, HOLD);
    },
    { passive: true },
  );
  root.addEventListener(
    "touchmove",
    (event) => {
      const point = event.touches[0];
      if (held) {
        event.preventDefault();
        acts.over(held, point);
      } else if (Math.hypot(point.clientX - from.clientX, point.clientY - from.clientY) > STILL) let_go("back");
    },
    { passive: false },
  );
  root.addEventListener("touchend", (event) => {
    if (held) event.preventDefault(); // no click follows
    let_go("drop");
  });
  root.addEventListener("touchcancel", () => let_go("back"));
  root.addEventListener("contextmenu", (event) => (held || waiting) && event.preventDefault());
}
