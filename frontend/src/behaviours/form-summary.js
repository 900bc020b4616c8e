// <div data-behaviour="form-summary" tabindex="-1"> <a href="#f-amount">Amount</a> </div>: is read first; its links lead into the fields.
export default function summary(element) {
  element.focus();
  element.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const found = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!found) return;
    event.preventDefault();
    found.dispatchEvent(new CustomEvent("patron:show", { bubbles: true })); // a tab it stands on opens
    found.closest("details")?.setAttribute("open", "");
    found.scrollIntoView({ block: "center" });
    if (found.tomselect) found.tomselect.focus();
    else (found.matches("input, select, textarea") ? found : (found.querySelector("input, select, textarea") ?? found)).focus();
  });
}
