// <div data-behaviour="table-edit" data-set="lines" [data-order="position"]> <table>…</table> <button data-act="add"> <template><tr>…</tr></template> </div>
// Rows of a form's table: added, copied, removed, moved; Enter and the arrows go through the cells, Ctrl+Enter adds a row.
import Sortable from "sortablejs";
import { addRow, changed, columnsOf, controlOf, focusCell, focusFirst, focusFresh, renumber, rowsOf } from "../table-rows.js";

export default function edit(sheet) {
  sheet.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest("tr");
    if (button.dataset.act === "add") focusFresh(addRow(sheet));
    if (button.dataset.act === "copy") copy(sheet, row);
    if (button.dataset.act === "remove") remove(sheet, row);
    renumber(sheet);
    if (button.dataset.act !== "add") changed(sheet);
  });
  sheet.addEventListener("keydown", (event) => keys(sheet, event), true);
  Sortable.create(sheet.querySelector("tbody"), {
    handle: "[data-handle]",
    animation: 120,
    ghostClass: "row-moving",
    onEnd: () => {
      renumber(sheet);
      changed(sheet);
    },
  });
}

function remove(sheet, row) {
  const next = row.nextElementSibling ?? row.previousElementSibling;
  if (row.dataset.key.startsWith("n")) row.remove();
  else {
    const gone = document.createElement("input");
    gone.type = "hidden";
    gone.name = `${sheet.dataset.set}.${row.dataset.key}._delete`;
    gone.value = "true";
    row.lastElementChild.append(gone);
    row.hidden = true;
  }
  if (next && !next.hidden) focusFirst(next);
  else sheet.querySelector('[data-act="add"]')?.focus();
}

function copy(sheet, row) {
  const fresh = addRow(sheet, row);
  const into = columnsOf(fresh);
  columnsOf(row).forEach((cell, n) => {
    const from = controlOf(cell);
    const to = controlOf(into[n]);
    if (!from || !to) return;
    if (from.type === "checkbox") to.checked = from.checked;
    else if (to.tomselect) {
      for (const option of from.selectedOptions) to.tomselect.addOption({ value: option.value, text: option.textContent });
      to.tomselect.setValue([...from.selectedOptions].map((o) => o.value), true);
    } else to.value = from.value;
  });
  focusFirst(fresh);
}

function keys(sheet, event) {
  const row = event.target.closest("tbody > tr");
  const cell = event.target.closest("td[data-column]");
  if (!row || event.isComposing) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.stopPropagation();
    focusFirst(addRow(sheet, row));
    renumber(sheet);
    return;
  }
  if (!cell || event.shiftKey || event.ctrlKey || event.metaKey) return;
  const wrapper = event.target.closest(".ts-wrapper");
  if (wrapper?.classList.contains("dropdown-active")) return; // the list takes the keys
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    const other = event.key === "ArrowUp" ? row.previousElementSibling : row.nextElementSibling;
    if (!other) return;
    if (event.key === "ArrowUp") other.before(row);
    else other.after(row);
    event.target.focus();
    renumber(sheet);
    changed(sheet);
    return;
  }
  const plain = event.target.matches("input:not([type=date]):not([type=datetime-local]):not([type=time]):not([type=radio])") && !wrapper;
  const down = event.key === "Enter" ? !event.target.matches("textarea") : event.key === "ArrowDown" && plain;
  if (!down && !(event.key === "ArrowUp" && plain)) return;
  event.preventDefault();
  event.stopPropagation();
  const rows = rowsOf(sheet);
  let to = rows[rows.indexOf(row) + (event.key === "ArrowUp" ? -1 : 1)];
  if (!to && event.key === "Enter") to = addRow(sheet);
  if (to) focusCell(to.querySelector(`td[data-column="${CSS.escape(cell.dataset.column)}"]`)) || focusFirst(to);
}
