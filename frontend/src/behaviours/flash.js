// <div data-behaviour="flash" data-seconds="6">: a message that leaves by itself; it stays while it is read or focused.
export default function flash(element) {
  const seconds = Number(element.dataset.seconds ?? 6);
  let timer = 0;
  const begin = () => {
    timer = window.setTimeout(() => element.remove(), seconds * 1000);
  };
  const stop = () => window.clearTimeout(timer);
  element.addEventListener("pointerenter", stop);
  element.addEventListener("focusin", stop);
  element.addEventListener("pointerleave", begin);
  element.addEventListener("focusout", begin);
  element.querySelector("[data-dismiss]")?.addEventListener("click", () => element.remove());
  begin();
}
