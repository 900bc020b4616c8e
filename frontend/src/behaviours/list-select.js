// <form data-behaviour="list-select"> <div data-acts hidden><span data-count data-text="{n} chosen"></span>…</div>
//   <input type="checkbox" data-all> … <input type="checkbox" name="id" value="…"> </form>
// Shows what can be done with the chosen records and how many they are; shift chooses a stretch, `x` the focused line.
export default function listSelect(form) {
  const acts = form.querySelector("[data-acts]");
  const count = form.querySelector("[data-count]");
  const all = form.querySelector("[data-all]");
  let last = null;
  const boxes = () => [...form.querySelectorAll('tbody tr:not([hidden]) input[name="id"]')]; // not those of folded groups
  const tell = () => {
    const every = boxes();
    const on = every.filter((box) => box.checked);
    for (const box of every) box.closest("tr").classList.toggle("list-on", box.checked);
    acts.hidden = on.length === 0;
    count.textContent = count.dataset.text.replace("{n}", String(on.length));
    all.checked = on.length > 0 && on.length === every.length;
    all.indeterminate = on.length > 0 && on.length < every.length;
  };
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
    tell();
  });
  form.addEventListener("click", (event) => {
    const box = event.target.closest('input[name="id"]');
    if (!box) return;
    const every = boxes();
    if (event.shiftKey && last && every.includes(last)) {
      const [from, to] = [every.indexOf(last), every.indexOf(box)].sort((a, b) => a - b);
      for (const one of every.slice(from, to + 1)) one.checked = box.checked;
    }
    last = box;
    tell();
  });
  form.addEventListener("change", tell);
  form.addEventListener("keydown", (event) => {
    const box = event.target.closest("tbody tr")?.querySelector('input[name="id"]');
    if (event.key !== "x" || !box || event.target.matches("input, select, textarea")) return;
    box.click();
  });
  form.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-more]");
    if (!link || !event.shiftKey) return;
    event.preventDefault();
    window.location.assign(link.dataset.more);
  });
  tell();
}
