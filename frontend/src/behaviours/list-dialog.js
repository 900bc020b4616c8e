// <form data-behaviour="list-dialog"> … <button name="act" value="edit" data-dialog> </form>: the page that such a button leads to
// opens over the list, and so do those that follow it; what is done in the end is the page one is sent on to.
import { attach } from "../behaviours.js";

export default function listDialog(list) {
  let dialog = null;

  const send = async (form, submitter) => {
    const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
    if (submitter?.name) body.append(submitter.name, submitter.value);
    const address = submitter?.hasAttribute("formaction") ? submitter.formAction : form.getAttribute("action");
    const answer = await fetch(address, { method: "POST", body }).catch(() => null);
    if (!answer) return void form.submit(); // the browser says that nobody answers
    if (answer.redirected) return void window.location.assign(answer.url);
    show(new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main"));
  };
  const show = (main) => {
    dialog ??= made();
    const head = main.querySelector(".page-head");
    const title = document.createElement("h2");
    title.id = "list-dialog-title";
    title.className = "dialog-title";
    title.append(...(head?.querySelector("h1")?.childNodes ?? []));
    head?.remove();
    const inside = document.createElement("div");
    inside.className = "list-dialog";
    inside.append(...main.childNodes); // drawn by the server
    dialog.replaceChildren(title, inside);
    dialog.setAttribute("aria-labelledby", title.id);
    attach(dialog);
    if (!dialog.open) dialog.showModal();
    const first = ["[aria-invalid=true]", "[name=value]", "[name=field]", "[name=q]", "form button"].map((one) => dialog.querySelector(one)).find(Boolean);
    (first?.tomselect ?? first)?.focus();
  };
  const made = () => {
    const element = document.createElement("dialog");
    element.className = "dialog";
    element.addEventListener("submit", (event) => {
      event.preventDefault();
      void send(event.target, event.submitter);
    });
    element.addEventListener("click", (event) => {
      if (event.target !== element && !event.target.closest(".filter-end a.button, [data-cancel]")) return;
      event.preventDefault();
      element.close();
    });
    element.addEventListener("close", () => {
      const done = !element.querySelector("form"); // some were changed: the list is no more what it was
      element.remove();
      dialog = null;
      if (done) window.location.reload();
    });
    document.body.append(element);
    return element;
  };

  list.addEventListener("submit", (event) => {
    if (!event.submitter?.hasAttribute("data-dialog")) return;
    event.preventDefault();
    void send(list, event.submitter);
  });
}
