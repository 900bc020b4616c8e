// <div data-behaviour="list-widths" data-widths="/w/demo/list/account/widths?view=…"> <table> <col data-path="name"> … <th data-path="name">
// A grip at the right of each heading: drag it, or focus it and press the arrows; the width is kept for this person and view.
const LEAST = 40;
const MOST = 1000;
const STEP = 16;

export default function listWidths(frame) {
  const token = document.querySelector("meta[name=csrf]")?.content ?? "";
  const keep = (path, width) =>
    fetch(frame.dataset.widths, {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded", "X-CSRF-Token": token },
      body: new URLSearchParams({ path, width: String(width) }),
    });
  const fit = (path, width) => {
    const kept = Math.round(Math.min(MOST, Math.max(LEAST, width)));
    const index = [...frame.querySelectorAll("thead th")].findIndex((th) => th.dataset.path === path);
    for (const row of frame.querySelectorAll("thead tr, tbody tr[data-id]")) {
      const cell = row.children[index];
      cell.style.width = cell.style.minWidth = cell.style.maxWidth = `${kept}px`;
    }
    return kept;
  };
  for (const head of frame.querySelectorAll("thead th[data-path]")) {
    const path = head.dataset.path;
    const column = [...frame.querySelectorAll("col")].find((col) => col.dataset.path === path);
    if (column?.getAttribute("width")) fit(path, Number(column.getAttribute("width")));
    const grip = document.createElement("button");
    grip.type = "button";
    grip.className = "list-grip";
    grip.setAttribute("aria-label", `${head.textContent.trim()} ↔`);
    head.append(grip);
    grip.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      grip.setPointerCapture(event.pointerId);
      const [from, width] = [event.clientX, head.offsetWidth];
      let now = width;
      const move = (moved) => {
        now = fit(path, width + moved.clientX - from);
      };
      grip.addEventListener("pointermove", move);
      grip.addEventListener("pointerup", () => {
        grip.removeEventListener("pointermove", move);
        if (now !== width) keep(path, now);
      }, { once: true });
    });
    grip.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
      if (!by) return;
      event.preventDefault();
      keep(path, fit(path, head.offsetWidth + by));
    });
  }
  const widths = () => {
    for (const column of frame.querySelectorAll("col[width][data-path]")) fit(column.dataset.path, Number(column.getAttribute("width")));
  };
  document.addEventListener("htmx:after:swap", widths);
}
