// <article data-behaviour="record-preview" data-close="…" data-before="…" data-after="…">
//   … <a href="/w/demo/files/ID?inline=true" data-preview="name.png" data-kind="picture">
// A picture or a PDF opens over the page, among all of the record; without scripts it opens as a page of its own.
import { preview, shows } from "../preview.js";

export default function recordPreview(element) {
  element.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-preview]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !shows(link.dataset.kind)) return;
    event.preventDefault();
    const links = [...element.querySelectorAll("a[data-preview]")].filter((one) => shows(one.dataset.kind));
    const items = links.map((one) => ({ address: one.href, name: one.dataset.preview, kind: one.dataset.kind }));
    link.focus();
    preview(items, links.indexOf(link), element.dataset);
  });
}
