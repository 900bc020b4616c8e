// The list of a box one can type into (Tom Select): where it opens, and when it does not.

/** A list that does not fit below, above the bar a form ends with, opens over its control. */
export function upwards(control, list, source) {
  const box = control.getBoundingClientRect();
  const end = control.closest("form")?.querySelector(".form-actions")?.getBoundingClientRect().top ?? Infinity;
  const below = Math.min(end > box.bottom ? end : Infinity, window.visualViewport?.height ?? window.innerHeight) - box.bottom;
  const needs = source ? Math.max(list.offsetHeight, 240) : list.offsetHeight; // what is found comes later
  list.style.setProperty("--control", `${box.height}px`);
  list.classList.toggle("ts-up", below < needs && box.top - 48 > below);
}

/** The focus without the list: what comes next on the page stays in sight. Writing, an arrow or a click opens it. */
export function focusClosed(...boxes) {
  for (const box of boxes) box.settings.openOnFocus = false;
  boxes[0]?.focus();
  window.setTimeout(() => boxes.forEach((box) => (box.settings.openOnFocus = true)), 50); // Tom Select looks after a moment
}
