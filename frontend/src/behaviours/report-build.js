// <div data-behaviour="report-build"> <ul data-fields> <li data-path="amount"> … <form id="build"> <ul data-place="rows"> <li> <input name="item"> … </form> </div>
// Fields are dragged into rows, columns and values, and from one to the other: the form is its own state, so that what is dropped is
// sent as it lies. The fields of records below come when their group is opened. Every field has buttons for the same; a click beside
// them puts a number into the values, a date across what is there, all others into the rows. The box above them narrows the fields.
export default function reportBuild(element) {
  const form = () => element.querySelector("#build");
  const send = () => form().requestSubmit();

  // Who saves before the page has answered saves what he chose, and not what was there before.
  const save = document.querySelector("#build-save");
  save?.addEventListener("submit", (event) => {
    if (!form().classList.contains("htmx-request")) return;
    event.preventDefault();
    const { submitter } = event;
    document.body.addEventListener("htmx:afterSettle", () => save.requestSubmit(submitter), { once: true });
  });

  // What is added before the page has answered is added after it: the answer would not know of it.
  const late = (event) => {
    const button = event.target.closest('button[name="act"][value^="add:"]');
    if (!button || !form().classList.contains("htmx-request")) return;
    event.preventDefault();
    event.stopPropagation();
    document.body.addEventListener("htmx:afterSettle", () => button.isConnected && button.click(), { once: true });
  };
  element.addEventListener("click", late, true);

  const find = element.querySelector("[data-find]");
  if (find) {
    find.hidden = false;
    find.addEventListener("input", () => {
      const words = find.value.trim().toLowerCase();
      for (const group of element.querySelectorAll(".build-fields details")) {
        let any = false;
        for (const field of group.querySelectorAll("[data-path]")) {
          field.hidden = !field.dataset.name.includes(words);
          any ||= !field.hidden;
        }
        group.hidden = !any;
        if (words && any) group.open = true;
        if (group.dataset.set && !any) group.hidden = !group.dataset.set.includes(words) || group.querySelector("[data-path]") !== null;
      }
    });
    find.addEventListener("change", (event) => event.stopPropagation());
  }

  element.addEventListener("click", (event) => {
    const field = event.target.closest("[data-fields] [data-path]");
    if (!field || event.target.closest("button")) return;
    const lies = (place) => element.querySelector(`[data-place="${place}"] .build-chip`) !== null;
    const place = ["number", "set"].includes(field.dataset.family) ? "values" : lies("rows") && !lies("columns") ? "columns" : "rows";
    field.querySelector(`[value^="add:${place}:"]`).click();
  });

  const item = (path) => {
    const made = document.createElement("input");
    made.type = "hidden";
    made.name = "item";
    made.value = JSON.stringify(path);
    return made;
  };
  let Sortable = null;
  const places = () => {
    for (const list of element.querySelectorAll("[data-place]"))
      new Sortable(list, {
        group: "build", animation: 120, filter: "select, input, button", preventOnFilter: false, draggable: "li",
        onAdd: ({ item: dropped }) => {
          if (dropped.dataset.path) dropped.replaceChildren(item(dropped.dataset.path));
        },
        onEnd: send,
      });
  };
  const fields = () => {
    for (const list of element.querySelectorAll("[data-fields]:not([data-sorts])")) {
      list.dataset.sorts = "";
      new Sortable(list, { group: { name: "build", pull: "clone", put: false }, sort: false, animation: 120, filter: "button", preventOnFilter: false, onEnd: ({ to }) => to.matches("[data-place]") && send() });
    }
  };
  const begin = async () => {
    if (Sortable) return;
    ({ default: Sortable } = await import("sortablejs"));
    fields();
    places();
  };
  element.addEventListener("pointerover", begin, { once: true });
  element.addEventListener("htmx:afterSwap", () => Sortable && fields()); // a set of records below was opened
  new MutationObserver(() => {
    if (Sortable && !element.querySelector("#build").dataset.sorts) {
      element.querySelector("#build").dataset.sorts = "";
      places();
    }
  }).observe(element.querySelector(".build-main"), { childList: true });
}
