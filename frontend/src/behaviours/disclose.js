// <details data-behaviour="disclose"> <summary>…</summary> <menu>…</menu> </details>
// A menu that closes when one clicks elsewhere, chooses something or presses Escape.
export default function disclose(element) {
  const close = (focus) => {
    element.open = false;
    if (focus) element.querySelector("summary")?.focus();
  };
  document.addEventListener("click", (event) => {
    if (!element.isConnected || !element.open) return;
    if (!element.contains(event.target) || event.target.closest("[data-closes]")) close(false);
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && element.open) {
      event.stopPropagation();
      close(true);
    }
  });
}
