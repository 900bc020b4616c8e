// <div data-behaviour="tabs"> <div role="tablist"> <button role="tab" id="tab-more" aria-controls="panel-more">More<span class="tab-wrong" hidden></span></button> </div>
//   <div role="tabpanel" id="panel-more"> … <section data-section="x"> … </div> </div>
// One panel at a time; arrows, Home and End go from tab to tab. A tab on which something is wrong says how much and is opened
// first; what asks to be seen (event `patron:show`) opens its tab; a tab whose sections are all hidden is hidden too.
const OPEN = "patron.tab"; // the one that was open, for a form that is drawn again with what was typed

export default function tabs(element) {
  document.documentElement.classList.add("scripts");
  const own = (selector) => [...element.querySelectorAll(selector)].filter((found) => found.closest("[data-behaviour~=tabs]") === element);
  const every = own("[role=tab]");
  const panelOf = (tab) => element.querySelector(`#${CSS.escape(tab.getAttribute("aria-controls"))}`);
  const place = `${window.location.pathname} `;
  let open = null;

  const show = (tab, focus = false) => {
    open = tab;
    for (const other of every) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      panelOf(other).hidden = !chosen;
    }
    if (!tab) return;
    if (focus) tab.focus();
    window.sessionStorage.setItem(OPEN, place + tab.id);
  };
  const shown = () => every.filter((tab) => !tab.hidden);
  const look = () => {
    for (const tab of every) {
      const panel = panelOf(tab);
      const sections = [...panel.querySelectorAll("[data-section]")];
      tab.hidden = sections.length > 0 && sections.every((section) => section.hidden);
      const wrong = [...panel.querySelectorAll(".field-error")].filter((error) => error.textContent.trim() && !error.closest("[data-section][hidden]")).length;
      const mark = tab.querySelector(".tab-wrong");
      mark.hidden = wrong === 0;
      mark.textContent = wrong ? String(wrong) : "";
    }
    if (!open || open.hidden) show(shown()[0] ?? null);
  };

  element.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (every.includes(tab)) show(tab);
  });
  element.addEventListener("keydown", (event) => {
    if (!every.includes(event.target)) return;
    const there = shown();
    const at = there.indexOf(event.target);
    const to = { ArrowRight: (at + 1) % there.length, ArrowLeft: (at - 1 + there.length) % there.length, Home: 0, End: there.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(there[to], true);
  });
  element.addEventListener("patron:show", (event) => {
    const tab = every.find((one) => panelOf(one).contains(event.target));
    if (tab) show(tab);
  });

  const again = element.closest("form[data-dirty]") && window.sessionStorage.getItem(OPEN);
  look();
  const was = shown().find((tab) => again === place + tab.id);
  show(shown().find((tab) => !tab.querySelector(".tab-wrong").hidden) ?? was ?? shown()[0] ?? null);
  let due = 0;
  new MutationObserver((changes) => {
    if (changes.every((change) => change.target.closest?.("[role=tablist]"))) return;
    window.cancelAnimationFrame(due);
    due = window.requestAnimationFrame(look);
  }).observe(element, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden"] });
}
