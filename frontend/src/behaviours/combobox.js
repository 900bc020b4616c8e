// <select data-behaviour="combobox" [data-source="/w/demo/o-lookup/opportunity/account" data-with="account" data-row="lines.n1"
//   data-nothing="Nothing found" data-new="New"] [data-free]>
// A select one can type into (Tom Select); an option is found by its text and its data-spoken (pinyin, initials). With data-source
// the options come from there: {"options": [{"value", "text", "hint"}], "create": [{"label", "address"}]}; what `data-with` names of
// the form travels along. Without scripts the select stays a select.
import TomSelect from "tom-select/base";
import removeButton from "tom-select/dist/esm/plugins/remove_button/plugin.js";
import { createIn } from "../quick-create.js";
import { focusClosed, upwards } from "../opening.js";

TomSelect.define("remove_button", removeButton);

const part = (text, name) => {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  return made;
};

function addressOf(select, query) {
  const address = new URL(select.dataset.source, window.location.href);
  address.searchParams.set("q", query);
  const given = new FormData(select.form);
  const record = select.name.slice(0, select.name.indexOf("~") + 1); // of a form with several records
  const row = select.dataset.row ? `${select.dataset.row}.` : record;
  for (const name of (select.dataset.with ?? "").split(" ").filter(Boolean)) {
    const [, above] = name.split("."); // of the form around the row
    const found = given.getAll(above ? `${record}${above}` : `${row}${name}`).filter(Boolean).at(-1);
    if (found || (above && given.has(`${record}${above}`))) address.searchParams.set(`with.${name}`, found ?? "");
  }
  return address;
}

export default function combobox(select) {
  const source = select.dataset.source;
  const draw = (data) => {
    const row = document.createElement("div");
    row.append(part(data.text, "option-text"));
    if (data.hint) row.append(part(data.hint, "option-hint"));
    return row;
  };
  let create = [];
  let asleep = false;
  let fits = new Set(); // what was found last: what is chosen already stays an option, but is not what Enter takes for other words
  const ask = async (query) => {
    const answer = await fetch(addressOf(select, query), { headers: { Accept: "application/json" } });
    const said = answer.ok ? await answer.json() : { options: [] };
    create = said.create ?? [];
    fits = new Set(said.options.map((option) => String(option.value)));
    return said.options;
  };
  const made = new TomSelect(select, {
    plugins: select.multiple ? ["remove_button"] : [],
    maxOptions: source ? 50 : 500,
    allowEmptyOption: false,
    create: select.dataset.free !== undefined,
    placeholder: select.dataset.placeholder ?? "",
    searchField: source ? [] : ["text", "spoken"],
    score: source ? () => (option) => (fits.has(String(option.value)) || !made.items.includes(String(option.value)) ? 1 : 0) : undefined,
    loadThrottle: 100,
    refreshThrottle: 120,
    openOnFocus: true,
    lockOptgroupOrder: true, // what is one's own comes before what hangs on something
    dropdownParent: select.closest(".sheet-wrap, .list-wrap") ? "body" : null, // a table that scrolls would cut it off
    render: {
      option: draw,
      item: (data) => part(data.text, "item"),
      optgroup_header: (data) => part(data.label, "option-group"),
      no_results: () => part(select.dataset.nothing ?? "–", "no-results"),
      option_create: (data) => {
        const row = part(`${select.dataset.adds ?? "+"} “${data.input}”`, "create");
        return row;
      },
      loading: () => part("…", "no-results"),
    },
    shouldLoad: () => true,
    load: source
      ? (query, found) => {
          ask(query)
            .then((options) => {
              if (query !== made.control_input.value) return found(); // more was typed meanwhile
              forget();
              found(options);
              offer();
            })
            .catch(() => found());
        }
      : null,
    onDropdownOpen(list) {
      upwards(this.control, list, source);
    },
    onFocus() {
      if (source) {
        this.loadedSearches = {}; // what fits may have changed with the rest of the form
        asleep = !this.settings.openOnFocus; // a fresh row: what is found opens the list
        if (!asleep) this.load("");
      }
    },
  });
  const forget = () => {
    for (const [key, option] of Object.entries(made.options)) if (!made.items.includes(key) && option.kept === undefined) made.removeOption(key, true);
  };
  // What was found for other words is not to be chosen by Enter while the list is fetched.
  if (source) made.control_input.addEventListener("input", () => (fits.clear(), forget()));
  const offer = () => {
    made.dropdown.querySelector(".option-new")?.remove();
    if (!create.length) return;
    const foot = document.createElement("div");
    foot.className = "option-new";
    for (const way of create) {
      const button = part(`+ ${way.label}`, "button button-quiet button-small");
      button.addEventListener("mousedown", (event) => {
        event.preventDefault();
        const typed = made.control_input.value;
        made.close();
        made.blur();
        createIn(way.address, typed, (record) => {
          const value = way.several ? `${record.object}:${record.id}` : record.id;
          made.addOption({ value, text: record.title });
          made.addItem(value);
          focusClosed(made);
        });
      });
      foot.append(button);
    }
    made.dropdown.append(foot);
  };
  const wake = (event) => {
    if (!asleep || (event.type === "keydown" && !["ArrowDown", "ArrowUp"].includes(event.key))) return;
    asleep = false;
    made.load("");
  };
  made.control.addEventListener("click", wake);
  made.control_input.addEventListener("keydown", wake);
  select.patronFind = ask;
  select.setAttribute("aria-hidden", "true"); // the box beside it has its label
  // Keys one writes while the list is fetched belong to the search, and none of them to the form around.
  made.control_input.addEventListener("keydown", (event) => {
    if (event.key === "Backspace" && !select.multiple && made.items.length && !made.control_input.value) made.clear();
  });
  select.addEventListener("patron:set", (event) => {
    for (const option of event.detail.options ?? []) made.addOption(option);
    made.setValue(event.detail.value, true);
  });
}
