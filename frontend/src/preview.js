// A picture in the whole window; Escape, a click beside it or the button closes it, and the focus goes back where it was.
export function preview(src, name, closing) {
  const dialog = document.createElement("dialog");
  dialog.className = "preview";
  dialog.setAttribute("aria-label", name);
  const picture = document.createElement("img");
  Object.assign(picture, { src, alt: name });
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "button", textContent: closing });
  dialog.append(picture, button);
  dialog.addEventListener("click", (event) => event.target === picture || dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
