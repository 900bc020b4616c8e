// <div data-behaviour="table-paste" data-set="lines"> … </div>: cells copied from a spreadsheet go into cells and rows.
// A choice is found by its text, a record by looking it up.
import { addRow, changed, columnsOf, controlOf, renumber, rowsOf } from "../table-rows.js";

const YES = new Set(["true", "yes", "y", "1", "x", "✓", "是"]);
const MOST = 500; // rows of one paste

export default function paste(sheet) {
  sheet.addEventListener("paste", (event) => {
    const cell = event.target.closest("td[data-column]");
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!cell || !/[\t\n]/.test(text.trimEnd()) || event.target.matches("textarea")) return;
    event.preventDefault();
    void fill(sheet, cell, cellsOf(text));
  });
}

function cellsOf(text) {
  const lines = text.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n");
  return lines.slice(0, MOST).map((line) => line.split("\t"));
}

async function fill(sheet, cell, lines) {
  const rows = rowsOf(sheet);
  const open = columnsOf(cell.closest("tr")).map((c, n) => [n, controlOf(c)]).filter(([, control]) => control && !control.readOnly);
  const from = open.findIndex(([, control]) => cell.contains(control));
  const first = rows.indexOf(cell.closest("tr"));
  const waiting = [];
  lines.forEach((texts, n) => {
    const row = rowsOf(sheet)[first + n] ?? addRow(sheet);
    const cells = columnsOf(row);
    texts.forEach((text, m) => {
      const at = open[from + m];
      const control = at && controlOf(cells[at[0]]);
      if (control) waiting.push(put(control, text.trim()));
    });
  });
  await Promise.all(waiting);
  renumber(sheet);
  changed(sheet);
}

async function put(control, text) {
  if (control.type === "checkbox") control.checked = YES.has(text.toLowerCase());
  else if (control.dataset.source && control.tomselect) {
    const found = text ? await control.patronFind(text) : [];
    const chosen = found.find((option) => option.text.toLowerCase() === text.toLowerCase()) ?? found[0];
    if (!chosen) return;
    control.tomselect.addOption(chosen);
    control.tomselect.setValue(chosen.value, true);
  } else if (control.matches("select")) {
    const same = [...control.options].find((o) => o.textContent.trim().toLowerCase() === text.toLowerCase() || o.value === text);
    if (!same) return;
    control.value = same.value;
    control.tomselect?.setValue(same.value, true);
  } else control.value = text.replace(/^[¥￥$€£]\s*/, "");
}
