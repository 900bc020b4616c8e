// A new record made in a dialog while another one is written: the form comes from the server, and is sent by itself.
import { attach } from "./behaviours.js";

/** Opens the form of `address`, with `name` in its first field; `done` gets {object, id, title}. */
export async function createIn(address, name, done) {
  const answer = await fetch(address, { headers: { "HX-Request": "true" } });
  if (!answer.ok) return;
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  document.body.append(dialog);
  const before = document.activeElement;
  const show = (html) => {
    const parts = new DOMParser().parseFromString(html, "text/html").body; // drawn by the server
    const way = parts.querySelector("form[data-behaviour=send-on]"); // a page is to be asked first: beside, what is being written stays
    way?.removeAttribute("data-behaviour");
    if (way) way.target = "_blank";
    dialog.replaceChildren(...parts.childNodes);
    attach(dialog);
  };
  show(await answer.text());
  const title = dialog.querySelector(".field input[type=text]");
  if (title && !title.value && name) title.value = name;
  dialog.addEventListener("click", (event) => {
    if (event.target.closest("[data-close], [data-cancel]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  dialog.addEventListener("submit", (event) => {
    if (event.target.target === "_blank") return void setTimeout(() => dialog.close());
    event.preventDefault();
    const body = new URLSearchParams([...new FormData(event.target)].filter(([, value]) => typeof value === "string"));
    if (event.submitter?.name) body.append(event.submitter.name, event.submitter.value);
    void send(event.target.getAttribute("action"), body);
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus?.();
  });
  async function send(to, body) {
    const said = await fetch(to, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (said.status === 201) {
      const record = await said.json();
      dialog.close();
      done(record);
    } else if (said.status === 422) show(await said.text());
  }
  dialog.showModal();
  title?.focus();
}
