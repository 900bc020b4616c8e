// <dialog data-behaviour="palette"> <input role="combobox" data-source="/w/demo/palette"> <div role="listbox"></div> </dialog>
// A dialog that finds while one types. Opened by every element with data-opens="palette" (data-key="/ mod+k" on one of them);
// arrows choose, Enter opens (with Ctrl in a new tab), Escape closes. What is listed is drawn by the server.
const WAIT = 110; // ms after the last key before the server is asked

export default function palette(dialog) {
  const input = dialog.querySelector("[role=combobox]");
  const list = dialog.querySelector("[role=listbox]");
  let timer = 0;
  let asked = null;
  let waiting = false; // Enter was pressed before the answer for what stands there had come

  const options = () => [...list.querySelectorAll("[role=option]")];
  const current = () => list.querySelector("[aria-selected=true]");
  const choose = (option, scroll = true) => {
    for (const other of options()) other.setAttribute("aria-selected", String(other === option));
    if (option) {
      input.setAttribute("aria-activedescendant", option.id);
      if (scroll) option.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  };
  const go = (option, aside) => {
    if (!option) return;
    if (aside) window.open(option.href, "_blank", "noopener");
    else window.location.assign(option.href);
  };
  const load = async () => {
    asked?.abort();
    const mine = (asked = new AbortController());
    const address = new URL(input.dataset.source, window.location.href);
    address.searchParams.set("q", input.value.trim());
    try {
      const answer = await fetch(address, { signal: mine.signal, headers: { "HX-Request": "true" } });
      const moved = answer.headers.get("HX-Redirect");
      if (moved) return window.location.assign(moved);
      if (!answer.ok) return;
      const drawn = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine.signal.aborted) return;
      list.replaceChildren(...drawn.body.childNodes);
      list.removeAttribute("aria-busy");
      choose(options()[0], false);
      list.scrollTop = 0;
      timer = 0;
      if (waiting) go(current());
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      if (asked === mine) waiting = false;
    }
  };
  const open = () => {
    if (dialog.open) return;
    dialog.showModal();
    input.select();
    load();
  };

  document.addEventListener("click", (event) => {
    const opener = event.target.closest?.("[data-opens=palette]");
    if (!opener || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
  });
  input.addEventListener("input", () => {
    window.clearTimeout(timer);
    asked?.abort(); // an answer to fewer letters that comes now would be taken for the one that Enter waits for
    list.setAttribute("aria-busy", "true"); // what stands there answers other words
    timer = window.setTimeout(load, WAIT);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const all = options();
    const at = all.indexOf(current());
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && all.length) {
      event.preventDefault();
      choose(all[(at + step + all.length) % all.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (timer) waiting = true;
      else go(current(), event.ctrlKey || event.metaKey);
    }
  });
  list.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== current()) choose(option, false);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}
