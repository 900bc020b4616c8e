// <div data-behaviour="target-grid"> <table> <tbody data-level="user"> <tr> <td><input name="user.ID.1"> … <td data-total> … </table> </div>
// Enter and the arrows go through the cells; cells copied from a spreadsheet are spread over those from here on; sums follow what is typed.
export default function targetGrid(element) {
  const lines = [...element.querySelectorAll("tbody tr")].map((line) => [...line.querySelectorAll("input")]).filter((cells) => cells.length);
  const spot = (input) => {
    const y = lines.findIndex((cells) => cells.includes(input));
    return [y, y < 0 ? -1 : lines[y].indexOf(input)];
  };
  const value = (input) => {
    const text = input.value.replaceAll(/[,，\s]/g, "");
    return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
  };
  const said = (found) => (found.length ? new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 }).format(found.reduce((a, b) => a + b, 0)) : "");
  const add = () => {
    for (const body of element.querySelectorAll("tbody")) {
      const below = [...body.querySelectorAll("tr")].map((line) => [...line.querySelectorAll("input")].map(value)).filter((cells) => cells.length);
      [...body.querySelectorAll("[data-total]")].forEach((total, n) => {
        total.textContent = said(below[n].filter((one) => one !== null));
      });
      [...body.querySelectorAll("[data-sum]")].forEach((sum, n) => {
        const found = n < 12 ? below.map((cells) => cells[n]) : below.flat();
        sum.textContent = said(found.filter((one) => one !== null));
      });
    }
  };
  element.addEventListener("input", add);
  element.addEventListener("focusin", (event) => event.target.select?.());
  element.addEventListener("keydown", (event) => {
    const [y, x] = spot(event.target);
    if (y < 0) return;
    const whole = event.target.selectionStart === 0 && event.target.selectionEnd === event.target.value.length;
    const steps = { Enter: [event.shiftKey ? -1 : 1, 0], ArrowDown: [1, 0], ArrowUp: [-1, 0], ...(whole ? { ArrowLeft: [0, -1], ArrowRight: [0, 1] } : {}) };
    const step = steps[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    lines[y + step[0]]?.[x + step[1]]?.focus();
  });
  element.addEventListener("paste", (event) => {
    const [y, x] = spot(event.target);
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (y < 0 || !/[\t\n]/.test(text.trimEnd())) return;
    event.preventDefault();
    text.replaceAll("\r\n", "\n").replace(/\n$/, "").split("\n").forEach((line, m) => {
      line.split("\t").forEach((one, n) => {
        const cell = lines[y + m]?.[x + n];
        if (cell) cell.value = one.trim();
      });
    });
    add();
  });
}
