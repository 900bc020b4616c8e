// <article data-behaviour="record-preview"> … <a href="/w/demo/files/ID?inline=true" data-preview="name.png">
// A picture opens in a dialog over the page; without scripts it opens as a page of its own.
export default function recordPreview(element) {
  element.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-preview]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const dialog = document.createElement("dialog");
    dialog.className = "dialog preview";
    dialog.setAttribute("aria-label", link.dataset.preview);
    const image = document.createElement("img");
    image.src = link.href;
    image.alt = link.dataset.preview;
    const name = document.createElement("p");
    name.textContent = link.dataset.preview;
    dialog.append(image, name);
    dialog.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      dialog.remove();
      link.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
