// <form data-behaviour="list-search" action="/w/demo/o/account"> … <input type="search" name="q"> </form>
// Narrows the page's records while one types: the page of the new words is asked for and takes the place of what stands there, except
// for the form one types into. The address is that of what is shown. Enter, and a browser without scripts, send the form.
const WAIT = 250; // ms after the last key

export default function listSearch(form) {
  const input = form.querySelector("[name=q]");
  let timer = 0;
  let asked = null;
  let shown = input.value.trim();

  const load = async () => {
    const words = input.value.trim();
    if (words === shown || /^[a-z]$/i.test(words)) return; // one letter begins a word and finds none yet
    asked?.abort();
    const mine = (asked = new AbortController());
    const address = new URL(form.getAttribute("action"), window.location.href);
    for (const [name, value] of new FormData(form)) if (value.trim()) address.searchParams.set(name, value.trim());
    const main = form.closest("main");
    main.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(address, { signal: mine.signal });
      if (!answer.ok || answer.redirected) return form.submit(); // what is wrong is said by a page of its own
      const drawn = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (mine.signal.aborted) return;
      const typing = document.activeElement === input && [input.selectionStart, input.selectionEnd];
      drawn.querySelector("form[data-behaviour~=list-search]").replaceWith(form);
      main.replaceChildren(...drawn.childNodes);
      if (typing) {
        input.focus({ preventScroll: true });
        input.setSelectionRange(...typing);
      }
      shown = words;
      window.history.replaceState(window.history.state, "", address);
      window.htmx.process(main);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    } finally {
      if (asked === mine) main.removeAttribute("aria-busy");
    }
  };
  input.addEventListener("input", (event) => {
    window.clearTimeout(timer);
    if (!event.isComposing) timer = window.setTimeout(load, WAIT);
  });
  input.addEventListener("compositionend", () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(load, WAIT);
  });
  form.addEventListener("submit", () => {
    window.clearTimeout(timer);
    asked?.abort();
  });
}
