// <form data-behaviour="report-parameters"> inputs … <button data-go>Show</button> </form>
// Asks the report anew as soon as one chooses something else; the button is for browsers without scripts. Empty values are left out of
// the address.
export default function reportParameters(form) {
  const button = form.querySelector("[data-go]");
  button.hidden = true;
  const send = () => {
    const address = new URL(form.getAttribute("action"), window.location.href);
    for (const [name, value] of new FormData(form)) if (value) address.searchParams.append(name, value);
    window.location.assign(address);
  };
  form.addEventListener("change", (event) => {
    if (event.target.checkValidity()) send();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
}
