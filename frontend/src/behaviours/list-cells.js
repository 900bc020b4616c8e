// <div data-behaviour="list-cells" data-cells="/w/demo/list/account/cell?view=…"> … <tr data-id="0198…"> <td data-edit="name" tabindex="-1">
// Arrows walk through the cells, Enter, `e` or a double click opens one for writing, Escape leaves it as it was. The form that
// comes is the server's; it is put into the cell and sent by htmx.
const WRITES = "input, select, textarea, button, a";

export default function listCells(frame) {
  let before = null;
  const cells = () => [...frame.querySelectorAll("tbody tr[data-id]:not([hidden])")].map((row) => [...row.querySelectorAll("td:not(.list-check)")]);
  const first = () => frame.querySelector("td[data-edit]");
  const begin = first();
  if (begin) begin.tabIndex = 0;

  const close = () => {
    const cell = frame.querySelector("td.list-editing"); // a refused save has put a new line in the old one's place
    if (!cell || !before) return;
    cell.replaceChildren(...before);
    cell.classList.remove("list-editing");
    cell.focus();
    before = null;
  };
  const open = (cell) => {
    if (!cell?.dataset.edit || cell.classList.contains("list-editing")) return;
    close();
    before = [...cell.childNodes].map((node) => node.cloneNode(true));
    cell.classList.add("list-editing");
    const address = new URL(frame.dataset.cells, window.location.href);
    address.searchParams.set("id", cell.closest("tr").dataset.id);
    address.searchParams.set("path", cell.dataset.edit);
    window.htmx.ajax("GET", address.pathname + address.search, { target: cell, swap: "innerHTML" });
  };
  const walk = (cell, down, across) => {
    const table = cells();
    const at = table.findIndex((row) => row.includes(cell));
    const next = table[at + down]?.[table[at].indexOf(cell) + across];
    if (!next) return;
    next.tabIndex = 0;
    next.focus();
  };

  frame.addEventListener("dblclick", (event) => open(event.target.closest("td[data-edit]")));
  frame.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && before) {
      event.stopPropagation();
      close();
      return;
    }
    const cell = event.target.closest("td");
    if (!cell || event.target.closest(WRITES) || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
    if (steps[event.key]) walk(cell, ...steps[event.key]);
    else if (event.key === "Enter" || event.key === "e") open(cell);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  frame.addEventListener("click", (event) => {
    if (event.target.closest("[data-cancel]")) close();
    else if (event.target.matches("td[data-edit]")) event.target.focus();
  });
  document.addEventListener("htmx:after:swap", () => {
    const cell = frame.querySelector("td.list-editing");
    const field = cell?.querySelector("input:not([type=hidden]), select, textarea");
    if (!field) before = null;
    else requestAnimationFrame(() => (field.tomselect ?? field).focus()); // a select one types into is made after the swap
  });
}
