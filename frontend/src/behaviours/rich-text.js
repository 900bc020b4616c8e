// <div data-behaviour="rich-text"> <div role="toolbar" hidden>…</div> <div class="editor-text" hidden></div> <textarea></textarea> </div>
// Formatted text over a text area, which stays what is sent. The editor (Squire) comes when the first one is on a page. What is
// pasted keeps only what the field may hold; the server cleans again. The toolbar is one stop of Tab, arrows move inside.
const TAGS = new Set("A B BLOCKQUOTE BR CODE DEL DIV EM H1 H2 H3 H4 H5 H6 HR I LI OL P PRE S STRONG SUB SUP TABLE TBODY TD TH THEAD TR U UL".split(" "));
const GONE = new Set("SCRIPT STYLE TEMPLATE IFRAME OBJECT EMBED NOSCRIPT SVG MATH HEAD TITLE META LINK FORM INPUT BUTTON SELECT TEXTAREA".split(" "));
const SCHEME = /^(https?:|mailto:|tel:)/i;

// Left out before the browser looks: it would refuse each one, and say so.
const ACTIVE = /\s(?:style|on\w+)\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi;

/** A fragment of what may stay of `html`: known tags without attributes but the address of a link. */
export function purified(html) {
  const made = document.createDocumentFragment();
  const walk = (from, to) => {
    for (const node of from.childNodes) {
      if (node.nodeType === Node.TEXT_NODE) to.append(node.data);
      if (node.nodeType !== Node.ELEMENT_NODE || GONE.has(node.nodeName.toUpperCase())) continue;
      const name = node.nodeName.toUpperCase();
      let into = to;
      const address = node.getAttribute("href") ?? "";
      if (TAGS.has(name) && (name !== "A" || SCHEME.test(address))) {
        into = document.createElement(name);
        if (name === "A") into.setAttribute("href", address);
        to.append(into);
      }
      walk(node, into);
    }
  };
  const quiet = html.replace(/<[a-z][^>]*>/gi, (tag) => tag.replace(ACTIVE, ""));
  walk(new DOMParser().parseFromString(quiet, "text/html").body, made);
  return made;
}

/** The text as it is sent: without what only an editor needs, the line at its end and the breaks that hold lines open. */
function written(root) {
  const made = root.cloneNode(true);
  for (const line of made.querySelectorAll("br")) if (line === line.parentNode.lastChild && line.parentNode.textContent) line.remove();
  while (made.lastElementChild && !made.lastElementChild.textContent.trim() && made.lastElementChild.nodeName !== "HR") made.lastElementChild.remove();
  for (const block of made.querySelectorAll("*")) for (const name of ["class", "style", "dir"]) block.removeAttribute(name);
  return made.innerHTML;
}

export default async function richText(element) {
  const [bar, link, root] = [".editor-bar", ".editor-link", ".editor-text"].map((name) => element.querySelector(name));
  const area = element.querySelector("textarea");
  const { default: Squire } = await import("squire-rte");
  const editor = new Squire(root, { blockTag: "P", sanitizeToDOMFragment: purified, addLinks: true });
  const given = area.value;
  // a value that was never formatted is plain text with its line breaks
  if (given && !/[<&]/.test(given)) editor.setHTML(given.split("\n").map((line) => `<p>${line}</p>`).join(""));
  else editor.setHTML(given);
  let silent = true;
  const write = () => {
    if (silent) return;
    area.value = written(root);
    for (const kind of ["input", "change"]) area.dispatchEvent(new Event(kind, { bubbles: true }));
  };

  const heading = () =>
    editor.modifyBlocks((fragment) => {
      const on = editor.hasFormat("H3");
      for (const block of [...fragment.querySelectorAll(on ? "h1,h2,h3,h4,h5,h6" : "p,div")]) {
        if (block.querySelector("p,div,li")) continue;
        const made = document.createElement(on ? "p" : "h3");
        made.append(...block.childNodes);
        block.replaceWith(made);
      }
      return fragment;
    });
  const ask = () => {
    const now = root.ownerDocument.getSelection().anchorNode?.parentElement?.closest("a");
    link.hidden = false;
    const field = link.querySelector("input");
    field.value = now?.getAttribute("href") ?? "";
    field.focus();
  };
  const answer = (address) => {
    link.hidden = true;
    editor.focus();
    if (address === null) editor.removeLink();
    else if (address) editor.makeLink(SCHEME.test(address) ? address : `https://${address}`);
  };
  const has = { bold: "B", italic: "I", underline: "U", heading: "H3", list: "UL", numbers: "OL", quote: "BLOCKQUOTE", code: "CODE" };
  const does = {
    bold: () => (editor.hasFormat("B") ? editor.removeBold() : editor.bold()),
    italic: () => (editor.hasFormat("I") ? editor.removeItalic() : editor.italic()),
    underline: () => (editor.hasFormat("U") ? editor.removeUnderline() : editor.underline()),
    heading,
    list: () => (editor.hasFormat("UL") ? editor.removeList() : editor.makeUnorderedList()),
    numbers: () => (editor.hasFormat("OL") ? editor.removeList() : editor.makeOrderedList()),
    quote: () => (editor.hasFormat("BLOCKQUOTE") ? editor.decreaseQuoteLevel() : editor.increaseQuoteLevel()),
    code: () => editor.toggleCode(),
    link: ask,
    clear: () => editor.removeAllFormatting(),
  };
  const tools = [...bar.querySelectorAll("button")];
  const mark = () => {
    for (const tool of tools) if (has[tool.dataset.tool]) tool.setAttribute("aria-pressed", String(editor.hasFormat(has[tool.dataset.tool])));
  };
  bar.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays where it is
  bar.addEventListener("click", (event) => {
    const tool = event.target.closest("button");
    if (!tool) return;
    does[tool.dataset.tool]();
    mark();
  });
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -tools.length, End: tools.length }[event.key];
    if (!step) return;
    event.preventDefault();
    const here = tools.indexOf(document.activeElement);
    const next = tools[Math.abs(step) > 1 ? (step < 0 ? 0 : tools.length - 1) : (here + step + tools.length) % tools.length];
    for (const tool of tools) tool.tabIndex = tool === next ? 0 : -1;
    next.focus();
  });
  link.addEventListener("click", (event) => {
    if (event.target.closest("[data-set-link]")) answer(link.querySelector("input").value.trim());
    if (event.target.closest("[data-no-link]")) answer(null);
  });
  link.addEventListener("keydown", (event) => {
    if (event.key === "Enter") answer(link.querySelector("input").value.trim());
    else if (event.key === "Escape") answer("");
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  editor.setKeyHandler(/Mac|iP/.test(navigator.platform) ? "Meta-k" : "Ctrl-k", (_, event) => {
    event.preventDefault();
    event.stopPropagation();
    ask();
  });
  editor.addEventListener("input", write);
  for (const kind of ["pathChange", "select", "cursor"]) editor.addEventListener(kind, mark);
  area.addEventListener("patron:set", (event) => editor.setHTML(event.detail.value ?? ""));
  for (const label of area.labels) label.addEventListener("click", () => root.focus());
  bar.hidden = root.hidden = false;
  area.hidden = true;
  area.tabIndex = -1;
  root.addEventListener("focus", () => (silent = false), { once: true });
}
