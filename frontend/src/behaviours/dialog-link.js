// <a href="/w/demo/o/account/ID/follow-up?back=…" data-behaviour="dialog-link">: the form behind it opens over the page; what the
// form's `back` says is the page as it stands now. Without scripts the form is a page of its own.
import { focusIn } from "../focus-in.js";

export default function dialogLink(link) {
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation();
    const address = new URL(link.href);
    const here = new URL(window.location.href);
    here.searchParams.delete("done");
    address.searchParams.set("back", here.pathname + here.search);
    const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
    if (!answer?.ok) {
      window.location.assign(address);
      return;
    }
    const dialog = document.createElement("dialog");
    dialog.className = "dialog";
    dialog.innerHTML = await answer.text(); // drawn by the server
    dialog.setAttribute("aria-labelledby", dialog.querySelector("h2").id);
    dialog.addEventListener("click", (press) => {
      if (press.target !== dialog && !press.target.closest("[data-cancel]")) return;
      press.preventDefault();
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      link.focus();
    });
    document.body.append(dialog);
    dialog.showModal();
    focusIn(dialog, "[autofocus]", "textarea, input:not([type=hidden]):not(.sr)");
  });
}
