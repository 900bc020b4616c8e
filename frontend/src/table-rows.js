// Rows of a table of details in a form: made of its template, found, filled. Used by the behaviours table-edit and table-paste.
import { attach } from "./behaviours.js";
import { focusClosed } from "./opening.js";

export const rowsOf = (sheet) => [...sheet.querySelectorAll("tbody > tr:not([hidden])")];

/** A new row at the end, or after `row`. */
export function addRow(sheet, row = null) {
  const taken = new Set([...sheet.querySelectorAll("tbody > tr")].map((r) => r.dataset.key));
  let n = 1;
  while (taken.has(`n${n}`)) n += 1;
  const made = document.createElement("template");
  made.innerHTML = sheet.querySelector(":scope > template").innerHTML.replaceAll("__row__", `n${n}`).trim();
  const fresh = made.content.firstElementChild;
  if (row) row.after(fresh);
  else sheet.querySelector("tbody").append(fresh);
  attach(fresh);
  return fresh;
}

/** What one writes into in a cell, or nothing where it is worked out. */
export function controlOf(cell) {
  return cell?.querySelector("select, textarea, input:not([type=hidden]):not([type=radio]):not(.ts-control input)") ?? null;
}

export function focusCell(cell, enter = (box) => box.focus()) {
  const control = controlOf(cell);
  if (!control) return false;
  if (control.tomselect) enter(control.tomselect);
  else {
    control.focus();
    if (control.matches("input")) control.select?.();
  }
  return true;
}

/** Into a row that was just added: a list that opened by itself would lie over the button that adds the next. */
export function focusFresh(row) {
  focusFirst(row, focusClosed);
  row.scrollIntoView({ block: "nearest" });
}

export function columnsOf(row) {
  return [...row.querySelectorAll(":scope > td[data-column]")];
}

export function focusFirst(row, enter) {
  columnsOf(row).some((cell) => focusCell(cell, enter));
}

/** Numbers the rows anew where a field keeps their order. */
export function renumber(sheet) {
  const order = sheet.dataset.order;
  if (!order) return;
  rowsOf(sheet).forEach((row, n) => {
    const input = row.querySelector(`[name="${CSS.escape(`${sheet.dataset.set}.${row.dataset.key}.${order}`)}"]`);
    if (input) input.value = String(n + 1);
  });
}

export function changed(sheet) {
  sheet.dispatchEvent(new CustomEvent("change", { bubbles: true, detail: { touched: true } }));
}
