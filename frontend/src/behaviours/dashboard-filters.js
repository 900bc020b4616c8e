// <form data-behaviour="dashboard-filters"> <select name="period">…<option value="custom"> <span data-days><input name="period.from">
// Choosing applies at once; days of one's own are asked for when one chooses them.
export default function boardFilters(form) {
  const days = (select) => select.parentElement.querySelector("[data-days]");
  const show = (select) => {
    const place = days(select);
    if (place) for (const input of [place, ...place.querySelectorAll("input")]) {
      input.hidden = select.value !== "custom";
      if (input.tagName === "INPUT") input.disabled = input.hidden;
    }
  };
  for (const select of form.querySelectorAll("select")) show(select);
  form.addEventListener("change", (event) => {
    const select = event.target.closest("select");
    if (!select || select.multiple) return;
    show(select);
    if (select.value === "custom") days(select)?.querySelector("input")?.focus();
    else form.requestSubmit();
  });
}
