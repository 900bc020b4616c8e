// What a hand does with files: drops or pastes them, moves their rows by the handle: dragged, or with the arrow keys.

export function order(list, changed) {
  list.addEventListener("keydown", (event) => {
    if (!event.target.closest("[data-move]") || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    const row = event.target.closest("li");
    if (event.key === "ArrowUp") row.previousElementSibling?.before(row);
    else row.nextElementSibling?.after(row);
    event.target.closest("[data-move]").focus();
    changed();
  });
  const begin = () => import("sortablejs").then(({ default: Sortable }) => new Sortable(list, { handle: "[data-move]", animation: 120, onEnd: changed }));
  list.addEventListener("pointerover", begin, { once: true }); // nobody drags what is not there yet
}

/** Hands on what is dropped on an element or pasted into it. */
export function dropped(element, take) {
  for (const kind of ["dragenter", "dragover"])
    element.addEventListener(kind, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      element.classList.add("files-over");
    });
  for (const kind of ["dragleave", "drop"]) element.addEventListener(kind, () => element.classList.remove("files-over"));
  element.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
  element.addEventListener("paste", (event) => event.clipboardData?.files.length && take([...event.clipboardData.files]));
}
