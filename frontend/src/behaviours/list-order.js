// <ol data-behaviour="list-order"> <li> <span data-grip hidden></span> … <input data-position> </li> </ol>
// Items that are dragged into an order; their positions stand in inputs, which are what is sent (and written by hand without scripts).
import Sortable from "sortablejs";

export default function listOrder(list) {
  const number = () => {
    let n = 0;
    for (const input of list.querySelectorAll("[data-position]")) {
      const box = input.closest("li").querySelector("input[type=checkbox]");
      input.value = box?.checked ? String((n += 1)) : "";
    }
  };
  for (const grip of list.querySelectorAll("[data-grip]")) grip.hidden = false;
  Sortable.create(list, { handle: "[data-grip]", animation: 120, onEnd: number });
  list.addEventListener("change", (event) => {
    if (event.target.type === "checkbox") number();
  });
}
