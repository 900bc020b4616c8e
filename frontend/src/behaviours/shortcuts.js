// <body data-behaviour="shortcuts">: a key presses the visible element that says data-key="…" (`/`, `c`, `e`, several with
// spaces between); never while one writes, never with Ctrl, Alt or Meta but for data-key="mod+k" and
// "mod+enter", which sends the form one writes in, over a list too.
const writes = (target) => target.closest?.("input, textarea, select, [contenteditable=true]");

export default function shortcuts(body) {
  document.addEventListener("keydown", (event) => {
    const mod = event.ctrlKey || event.metaKey;
    const key = (mod ? "mod+" : "") + event.key.toLowerCase();
    if (document.querySelector("dialog[open]") && key !== "mod+enter") return;
    if (event.altKey || event.isComposing || (writes(event.target) && !mod)) return;
    const all = [...body.querySelectorAll(`[data-key~="${CSS.escape(key)}"]`)].filter((e) => e.offsetParent !== null);
    const found = key === "mod+enter" ? all.find((e) => e.form?.contains(event.target)) : all[0];
    if (!found || event.defaultPrevented) return;
    event.preventDefault();
    if (found.matches("input, textarea, select")) {
      found.focus();
      found.select?.();
    } else found.click();
  });
}
