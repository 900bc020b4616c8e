// <form data-behaviour="record-mention" data-source="/w/demo/o/account/ID/people"> <textarea name="body"> … </form>
// Typing @ and a name offers people; the chosen one's name is put into the text, his id into a hidden `mention`.
const AT = /(^|\s)@([^\s@]{0,40})$/u;

export default function recordMention(form) {
  const area = form.querySelector("textarea");
  const list = document.createElement("ul");
  list.className = "mention-list";
  list.id = `mention-${Math.random().toString(36).slice(2)}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "@");
  list.hidden = true;
  area.parentElement.append(list);
  area.setAttribute("role", "combobox");
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-expanded", "false");
  area.setAttribute("aria-controls", list.id);
  let people = [];
  let at = 0;
  let asked = 0;

  const close = () => {
    asked += 1; // what is answered later is about what was typed before
    people = [];
    list.hidden = true;
    area.setAttribute("aria-expanded", "false");
    area.removeAttribute("aria-activedescendant");
  };
  const draw = () => {
    list.replaceChildren(
      ...people.map((person, n) => {
        const row = document.createElement("li");
        row.id = `${list.id}-${n}`;
        row.className = "mention-option";
        row.setAttribute("role", "option");
        row.setAttribute("aria-selected", String(n === at));
        row.textContent = person.text;
        row.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(n);
        });
        return row;
      }),
    );
    list.hidden = people.length === 0;
    area.setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) area.removeAttribute("aria-activedescendant");
    else area.setAttribute("aria-activedescendant", `${list.id}-${at}`);
  };
  const choose = (n) => {
    const person = people[n];
    const before = area.value.slice(0, area.selectionStart).replace(AT, `$1@${person.text.replaceAll("$", "$$$$")} `);
    const after = area.value.slice(area.selectionStart);
    area.value = before + after;
    area.setSelectionRange(before.length, before.length);
    const hidden = document.createElement("input");
    hidden.type = "hidden";
    hidden.name = "mention";
    hidden.value = person.value;
    hidden.dataset.name = person.text;
    form.append(hidden);
    close();
    area.focus();
  };
  area.addEventListener("input", async () => {
    const found = AT.exec(area.value.slice(0, area.selectionStart));
    if (!found) return close();
    const mine = ++asked;
    const address = new URL(form.dataset.source, window.location.href);
    address.searchParams.set("q", found[2]);
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    const options = answer.ok ? (await answer.json()).options : [];
    if (mine !== asked) return;
    people = options.slice(0, 8);
    at = 0;
    draw();
  });
  area.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      at = (at + (event.key === "ArrowDown" ? 1 : people.length - 1)) % people.length;
      draw();
    } else if (event.key === "Enter" || event.key === "Tab") choose(at);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  area.addEventListener("blur", () => window.setTimeout(close, 150));
  form.addEventListener("submit", () => {
    for (const hidden of form.querySelectorAll("[name=mention]")) {
      if (!area.value.includes(`@${hidden.dataset.name}`)) hidden.remove();
    }
  });
}
