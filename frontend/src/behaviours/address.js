// <div data-behaviour="address" data-regions="/static/dist/regions.json" data-apart="/w/demo/regions/apart">
//   <input data-part="province" role="combobox"> … <ul role="listbox" hidden></ul> <p class="address-said" hidden>…</p> </div>
// Province, city and district are found by typing, each below what stands before it, or anywhere; choosing one fills what is above
// it. A whole address that is pasted is taken apart. In another country than China the parts are free text.
const LEVELS = ["province", "city", "district"];
const HOME = new Set(["", "中国", "中國", "china", "cn", "中华人民共和国"]);
const MOST = 60;
let table = null; // [[province, city, district], …], one for the page

async function regions(address) {
  table ??= fetch(address)
    .then((answer) => answer.json())
    .then((tree) =>
      tree.flatMap(([province, cities]) => [
        [province],
        ...cities.flatMap(([city, districts]) => [[province, city], ...districts.map((name) => [province, city, name])]),
      ]),
    )
    .catch(() => ((table = null), []));
  return table;
}

export default function address(element) {
  const parts = Object.fromEntries([...element.querySelectorAll("[data-part]")].map((e) => [e.dataset.part, e]));
  const list = element.querySelector("[role=listbox]");
  const said = element.querySelector(".address-said");
  let open = null; // the input whose list is shown
  let all = [];
  let rows = [];
  let at = -1;

  const values = () => Object.fromEntries(Object.entries(parts).map(([name, e]) => [name, e.value]));
  const fill = (given) => {
    for (const [name, value] of Object.entries(given)) {
      if (!parts[name] || parts[name].value === value) continue;
      parts[name].value = value;
      for (const kind of ["input", "change"]) parts[name].dispatchEvent(new Event(kind, { bubbles: true }));
    }
  };
  const close = () => {
    list.hidden = true;
    open?.setAttribute("aria-expanded", "false");
    open?.removeAttribute("aria-activedescendant");
    open = null;
  };
  const light = (n) => {
    at = n;
    [...list.children].forEach((row, k) => row.setAttribute("aria-selected", String(k === n)));
    const row = list.children[n];
    if (row) open.setAttribute("aria-activedescendant", row.id);
    row?.scrollIntoView({ block: "nearest" });
  };
  const choose = (n) => {
    const chosen = rows[n];
    const under = all.filter((r) => chosen.every((value, k) => r[k] === value));
    const kept = (name, k) => (under.some((r) => r[k] === parts[name].value) ? parts[name].value : "");
    fill(Object.fromEntries(LEVELS.map((name, k) => [name, chosen[k] ?? kept(name, k)])));
    close();
    parts[under.some((r) => r.length > chosen.length) ? LEVELS[chosen.length] : "street"].focus();
  };

  /** What fits below what is chosen already; where nothing does, what fits anywhere. */
  async function suggest(input, typed) {
    all = await regions(element.dataset.regions);
    if (document.activeElement !== input || !HOME.has(parts.country.value.trim().toLowerCase())) return close();
    const level = LEVELS.indexOf(input.dataset.part);
    const text = typed ? input.value.trim() : "";
    const above = LEVELS.slice(0, level).map((name) => parts[name].value);
    const inside = (r) => above.every((value, k) => !value || r[k] === value);
    let found = all.filter((r) => r.length === level + 1 && inside(r) && r[level].includes(text));
    if (text && !found.length) found = all.filter((r) => r.at(-1).includes(text) && (r.length > level + 1 ? inside(r) : true));
    if (!text && level && !above.some(Boolean)) found = [];
    rows = found.slice(0, MOST);
    list.replaceChildren(
      ...rows.map((r, n) => {
        const row = document.createElement("li");
        row.id = `${list.id}-${n}`;
        row.className = "suggestion";
        row.setAttribute("role", "option");
        const name = document.createElement("span");
        name.textContent = r.at(-1);
        const hint = document.createElement("span");
        hint.className = "option-hint";
        hint.textContent = above.at(-1) === r.at(-2) ? "" : r.slice(0, -1).join(" ");
        row.append(name, hint);
        return row;
      }),
    );
    if (!rows.length) return close();
    open = input;
    input.setAttribute("aria-expanded", "true");
    list.style.top = `${input.offsetTop + input.offsetHeight + 4}px`;
    list.hidden = false;
    light(text ? 0 : -1);
  }

  for (const name of LEVELS) {
    const input = parts[name];
    input.addEventListener("focus", () => suggest(input, false));
    input.addEventListener("click", () => list.hidden && suggest(input, false));
    input.addEventListener("input", (event) => event.isTrusted && suggest(input, true));
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "ArrowDown" && list.hidden) suggest(input, false);
      if (list.hidden) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) light((at + step + rows.length) % rows.length);
      else if (event.key === "Enter" && at >= 0) choose(at);
      else if (event.key === "Escape") close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the input keeps the focus
  list.addEventListener("click", (event) => {
    const row = event.target.closest("[role=option]");
    if (row) choose([...list.children].indexOf(row));
  });

  element.addEventListener("paste", async (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (text.trim().length < 6) return;
    const before = values();
    const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf]")?.content ?? "" };
    const answer = await fetch(element.dataset.apart, { method: "POST", headers, body: new URLSearchParams({ text }) }).catch(() => null);
    const found = answer?.ok ? await answer.json() : {};
    if (!found.parts) return;
    close();
    fill({ ...before, ...found.parts, postcode: found.parts.postcode || before.postcode });
    const rest = [found.person, found.phone].filter(Boolean).join(" ");
    said.querySelector("span").textContent = element.dataset.taken + (rest ? ` ${element.dataset.rest.replace("{rest}", rest)}` : "");
    said.hidden = false;
    said.querySelector("button").onclick = () => {
      fill({ ...before, [event.target.dataset.part]: text.trim() });
      said.hidden = true;
    };
  });
}
