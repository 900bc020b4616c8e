// <input type="checkbox" data-behaviour="drawer"> <nav class="nav">…</nav> … the rest of the page: the menu of a narrow window.
// While it is open the rest cannot be reached; Escape closes it and gives the focus back. Without scripts the box opens it.
export default function drawer(box) {
  const nav = document.querySelector(".nav");
  const rest = [...document.body.children].filter((element) => ![box, nav].includes(element) && !element.matches(".nav-shade"));
  const set = () => {
    for (const element of rest) element.inert = box.checked;
    if (box.checked) nav.querySelector("a")?.focus();
  };
  const close = () => {
    if (!box.checked) return;
    box.checked = false;
    set();
    box.focus();
  };
  box.addEventListener("change", set);
  nav.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key === "Enter") box.click();
  });
  // A window that grows has its menu beside the page again.
  window.matchMedia("(min-width: 801px)").addEventListener("change", (wide) => {
    if (wide.matches && box.checked) {
      box.checked = false;
      set();
    }
  });
}
