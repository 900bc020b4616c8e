// <div data-behaviour="record-follow-up"> … <input data-next> <span data-soon hidden><button type="button" data-days="3">…</button></span>
// Offers a few next dates beside the field: the day so many days from now, at nine.
const two = (number) => String(number).padStart(2, "0");

export default function recordFollowUp(part) {
  const soon = part.querySelector("[data-soon]");
  const field = part.querySelector("[data-next]");
  if (!soon || !field) return;
  soon.hidden = false;
  const mark = () => {
    for (const button of soon.querySelectorAll("[data-days]")) {
      button.setAttribute("aria-pressed", String(field.value !== "" && field.value === button.dataset.value));
    }
  };
  for (const button of soon.querySelectorAll("[data-days]")) {
    const day = new Date();
    day.setDate(day.getDate() + Number(button.dataset.days));
    button.dataset.value = `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}T09:00`;
    button.addEventListener("click", () => {
      field.value = field.value === button.dataset.value ? "" : button.dataset.value;
      mark();
    });
  }
  field.addEventListener("input", mark);
  mark();
}
