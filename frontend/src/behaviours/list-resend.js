// <select data-behaviour="list-resend">: sends its form when another option is chosen, so that the rest of the form fits it.
export default function listResend(select) {
  select.addEventListener("change", () => select.form.requestSubmit());
}
