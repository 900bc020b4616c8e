// <section data-behaviour="convert-part"> <input type="radio" name="_use.customer" value="new"> … <div data-new> the form </div> </section>
// The form of a new record is there while a new one is chosen. Choosing another record chooses that way, too.
export default function convertPart(section) {
  const form = section.querySelector("[data-new]");
  const radios = [...section.querySelectorAll("input[type=radio]")];
  const show = () => form?.toggleAttribute("data-off", !radios.find((r) => r.checked && r.value === "new"));
  section.addEventListener("change", (event) => {
    if (event.target.matches("select[name$='.other']") && event.target.value) {
      const other = radios.find((r) => r.value === "other");
      if (other) other.checked = true;
    }
    if (radios.length) show();
  });
}
