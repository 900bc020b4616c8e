// <select data-behaviour="combobox" data-source="/w/demo/lookup/opportunity/account" …>
// A select one can type into (Tom Select). With data-source the options come from there: {"options": [{"value", "text", "hint"}]}.
// Without scripts the select stays a select.
import TomSelect from "tom-select/base";
import removeButton from "tom-select/dist/esm/plugins/remove_button/plugin.js";

TomSelect.define("remove_button", removeButton);

const part = (text, name) => {
  const made = document.createElement("span");
  made.className = name;
  made.textContent = text;
  return made;
};

export default function combobox(select) {
  const source = select.dataset.source;
  const draw = (data) => {
    const row = document.createElement("div");
    row.append(part(data.text, "option-text"));
    if (data.hint) row.append(part(data.hint, "option-hint"));
    return row;
  };
  const made = new TomSelect(select, {
    plugins: select.multiple ? ["remove_button"] : [],
    maxOptions: source ? 50 : 500,
    allowEmptyOption: false,
    create: select.dataset.free !== undefined,
    placeholder: select.dataset.placeholder ?? "",
    preload: source ? "focus" : false,
    searchField: source ? [] : ["text"],
    render: {
      option: draw,
      item: (data) => part(data.text, "item"),
      no_results: () => part(select.dataset.nothing ?? "–", "no-results"),
    },
    load: source
      ? (query, found) => {
          const address = new URL(source, window.location.href);
          address.searchParams.set("q", query);
          for (const name of (select.dataset.with ?? "").split(" ").filter(Boolean)) {
            const other = select.form?.elements.namedItem(name);
            if (other?.value) address.searchParams.set(`with.${name}`, other.value);
          }
          fetch(address, { headers: { Accept: "application/json" } })
            .then((answer) => (answer.ok ? answer.json() : { options: [] }))
            .then((data) => found(data.options))
            .catch(() => found());
        }
      : null,
    onFocus() {
      if (source) {
        this.clearOptions();
        this.load("");
      }
    },
  });
  select.addEventListener("patron:set", (event) => {
    for (const option of event.detail.options ?? []) made.addOption(option);
    made.setValue(event.detail.value, true);
  });
}
