// Pictures and PDFs over the page, one after the other. Escape, a click beside it or the button closes it, arrows go on, and the
// focus goes back where it was. A PDF is shown by the browser's own viewer, in the sandbox its file comes with.

/** `items` are {address, name, kind: "picture" | "pdf"}, `at` the first shown; `words` are {close, before, after}. */
export function preview(items, at, words) {
  const from = document.activeElement;
  const dialog = make("dialog", { className: "preview" });
  const bar = make("div", { className: "preview-bar" });
  const name = make("p", { className: "preview-name" });
  const button = (text, act) => {
    const made = make("button", { type: "button", className: "button", textContent: text });
    made.addEventListener("click", act);
    return made;
  };
  let shown = null;
  const show = (place) => {
    at = (place + items.length) % items.length;
    const { address, name: called, kind } = items[at];
    const next = kind === "pdf" ? make("iframe", { src: address, title: called }) : make("img", { src: address, alt: called });
    shown ? shown.replaceWith(next) : dialog.prepend(next);
    shown = next;
    name.textContent = items.length > 1 ? `${called} (${at + 1}/${items.length})` : called;
    dialog.setAttribute("aria-label", called);
  };
  if (items.length > 1) bar.append(button(words.before, () => show(at - 1)), button(words.after, () => show(at + 1)));
  bar.append(name, button(words.close, () => dialog.close()));
  dialog.append(bar);
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step && items.length > 1) show(at + step);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    from?.focus?.();
  });
  show(at);
  document.body.append(dialog);
  dialog.showModal();
}

/** Whether this browser shows what is behind a link itself. */
export const shows = (kind) => kind === "picture" || navigator.pdfViewerEnabled === true;

const make = (tag, values) => Object.assign(document.createElement(tag), values);
