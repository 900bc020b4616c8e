// <tr data-depth="0"> <a data-behaviour="list-branch" aria-expanded="false" hx-get="…" hx-trigger="click once">
// Opens and closes what hangs below a line of a tree; it is fetched once, by htmx, the first time.
export default function listBranch(button) {
  const row = button.closest("tr");
  const below = () => {
    const found = [];
    for (let next = row.nextElementSibling; next && Number(next.dataset.depth) > Number(row.dataset.depth); next = next.nextElementSibling) found.push(next);
    return found;
  };
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const open = button.getAttribute("aria-expanded") !== "true";
    button.setAttribute("aria-expanded", String(open));
    for (const line of below()) {
      line.hidden = !open || (Number(line.dataset.depth) > Number(row.dataset.depth) + 1);
      if (!open) line.querySelector("[aria-expanded]")?.setAttribute("aria-expanded", "false");
    }
  });
}
