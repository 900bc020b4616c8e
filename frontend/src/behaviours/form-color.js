// <input type="color" data-behaviour="form-color" data-for="f-color">: writes what is chosen into the input of that id.
export default function color(well) {
  const text = document.getElementById(well.dataset.for);
  if (!text) return;
  well.addEventListener("input", () => {
    text.value = well.value;
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });
  text.addEventListener("change", () => {
    if (/^#[0-9a-f]{6}$/i.test(text.value)) well.value = text.value;
  });
}
