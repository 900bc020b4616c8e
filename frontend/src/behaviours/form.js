// <form data-behaviour="form" data-leave="Leave?" [data-dirty]> … <button name="_save"> <a data-cancel> </form>
// Asks before one leaves with unsaved changes; Ctrl+S or ⌘S saves, Escape goes back where nothing was changed; sent once.
export default function form(element) {
  document.documentElement.classList.add("scripts");
  let dirty = element.hasAttribute("data-dirty");
  let sent = false;
  const touched = (event) => {
    if (event.target.name !== undefined || event.detail?.touched) dirty = true;
  };
  element.addEventListener("input", touched);
  element.addEventListener("change", touched);
  element.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    else if (!event.defaultPrevented) sent = true;
  });
  const again = () => {
    sent = false;
  };
  window.addEventListener("pageshow", again);
  element.addEventListener("patron:woken", again);
  window.addEventListener("beforeunload", (event) => {
    if (!dirty || sent || !element.isConnected || element.parentElement.closest("dialog")) return;
    event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (!element.isConnected || event.isComposing) return;
    const dialog = document.querySelector("dialog[open]");
    if (dialog && !dialog.contains(element)) return;
    if ((event.ctrlKey || event.metaKey) && !event.shiftKey && event.key.toLowerCase() === "s") {
      event.preventDefault();
      document.activeElement?.blur?.();
      element.querySelector('[name="_save"]')?.click();
    }
    const busy = event.target.closest?.(".ts-wrapper, details[open], dialog, .menu");
    if (event.key === "Escape" && !dirty && !busy && !event.defaultPrevented) element.querySelector("[data-cancel]")?.click();
  });
  const first = element.querySelector(".form-section:not([hidden]) .field:not([hidden]) :is(input:not([type=hidden]), select, textarea)");
  if (!element.querySelector(".form-summary") && first && window.matchMedia("(pointer: fine)").matches && first.type === "text" && !first.value) first.focus({ preventScroll: true });
}
