// <body data-behaviour="shortcuts">: a key presses the visible element that says data-key="…" (`/`, `c`, `e`, several with
// spaces between); never while one writes, never with Ctrl, Alt or Meta but for data-key="mod+k".
const writes = (target) => target.closest?.("input, textarea, select, [contenteditable=true]");

export default function shortcuts(body) {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const mod = event.ctrlKey || event.metaKey;
    const key = (mod ? "mod+" : "") + event.key.toLowerCase();
    if (event.altKey || event.isComposing || (writes(event.target) && !mod)) return;
    const found = [...body.querySelectorAll(`[data-key~="${CSS.escape(key)}"]`)].find((e) => e.offsetParent !== null);
    if (!found) return;
    event.preventDefault();
    if (found.matches("input, textarea, select")) {
      found.focus();
      found.select?.();
    } else found.click();
  });
}
