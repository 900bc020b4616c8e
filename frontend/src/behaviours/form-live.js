// <form data-behaviour="form-live" data-preview="/w/demo/o/opportunity/new/preview">
//   <section data-section="why"> <div data-field="amount"> … <input type="hidden" name="_state.amount"> </div> </section>
// Sends the open form as one writes and draws anew what is different by now: fields, sections, totals, what may be there already.
// The field one is in is left alone.
const QUIET = 600; // ms after a key
const SOON = 60; // ms after a change

// Nothing is drawn while a button of the mouse or a finger is down: what one presses is what one lets go of, and is clicked.
let down = false;
let waiting = [];
document.addEventListener("pointerdown", () => (down = true), true);
for (const kind of ["pointerup", "pointercancel"])
  document.addEventListener(
    kind,
    () => {
      down = false;
      const due = waiting;
      waiting = [];
      window.setTimeout(() => due.forEach((go) => go())); // the click comes first
    },
    true,
  );
const letGo = () => (down ? new Promise((go) => waiting.push(go)) : null);

export default function live(form) {
  let timer = 0;
  let under = null;
  let acts = 0;
  const touched = new Map(); // field -> the last act in it: an answer to an older question does not undo it
  const note = (event) => {
    acts += 1;
    const name = event.target.closest?.("[data-field]")?.dataset.field;
    if (name) touched.set(name, acts);
  };
  const later = (ms) => {
    window.clearTimeout(timer);
    timer = window.setTimeout(ask, ms);
  };
  async function ask() {
    if (!form.isConnected) return;
    under?.abort();
    under = new AbortController();
    form.setAttribute("data-asking", "");
    const mine = under;
    const asked = acts;
    try {
      const answer = await fetch(form.getAttribute("data-preview"), {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string")),
        signal: mine.signal,
      });
      if (!answer.ok) return;
      const said = await answer.json();
      await letGo();
      if (mine === under) apply(form, said, (name) => (touched.get(name) ?? 0) > asked);
    } catch (error) {
      if (error.name !== "AbortError") return; // without a network the form stays as it is; the save will tell
    } finally {
      if (mine === under) form.removeAttribute("data-asking");
    }
  }
  form.addEventListener("input", (event) => {
    note(event);
    later(QUIET);
  });
  form.addEventListener("change", (event) => {
    note(event);
    later(SOON);
  });
  form.addEventListener("patron:look", () => later(SOON));
}

function apply(form, said, newer) {
  for (const [name, html] of Object.entries(said.fields)) {
    const old = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (!old || newer(name) || old.contains(document.activeElement)) continue;
    for (const select of old.querySelectorAll("select")) select.tomselect?.destroy();
    const made = document.createElement("template");
    made.innerHTML = html.trim(); // drawn by the server with the macros of the page
    old.replaceWith(made.content.firstElementChild);
  }
  for (const [name, visible] of Object.entries(said.sections)) {
    const section = form.querySelector(`[data-section="${CSS.escape(name)}"]`);
    if (section) section.hidden = !visible;
  }
  for (const [name, text] of Object.entries(said.totals)) {
    const total = form.querySelector(`[data-total="${CSS.escape(name)}"]`);
    if (total) total.textContent = text;
  }
  const similar = form.querySelector("[data-similar]");
  if (similar && similar.dataset.html !== said.similar) {
    similar.dataset.html = said.similar;
    similar.innerHTML = said.similar; // drawn by the server
  }
}
