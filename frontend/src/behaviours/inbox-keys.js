// <form data-behaviour="inbox-keys" data-question="Reject?" data-none="Choose one"> … <li data-line><input type=checkbox name=task>
// j and k move along the lines, x chooses, Enter opens, a approves and r rejects what is chosen, or else the line one stands on.
const writes = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable=true]");

export default function inboxKeys(form) {
  const lines = [...form.querySelectorAll("[data-line]")];
  const boxes = [...form.querySelectorAll("input[name=task]")];
  const all = form.querySelector("[data-all]");
  let at = -1;

  const count = () => {
    const on = boxes.filter((box) => box.checked).length;
    if (all) {
      all.checked = on > 0 && on === boxes.length;
      all.indeterminate = on > 0 && on < boxes.length;
    }
    for (const box of boxes) box.closest("[data-line]").classList.toggle("inbox-on", box.checked);
  };
  const stand = (n) => {
    lines[at]?.classList.remove("inbox-here");
    at = Math.max(0, Math.min(lines.length - 1, n));
    lines[at].classList.add("inbox-here");
    lines[at].querySelector("a").focus();
    lines[at].scrollIntoView({ block: "nearest" });
  };
  const press = (act) => {
    const box = lines[at]?.querySelector("input[name=task]");
    if (box && !boxes.some((one) => one.checked)) box.checked = true;
    count();
    form.querySelector(`button[name=_act][value=${act}]`)?.click();
  };
  all?.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    count();
  });
  form.addEventListener("change", count);
  form.addEventListener("submit", (event) => {
    if (!boxes.some((box) => box.checked)) {
      window.alert(form.dataset.none);
      event.preventDefault();
    } else if (event.submitter?.value === "reject" && !window.confirm(form.dataset.question)) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || writes(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "j" || event.key === "k") stand(at + (event.key === "j" ? 1 : -1));
    else if (event.key === "x" && at >= 0) lines[at].querySelector("input[name=task]")?.click();
    else if ((event.key === "a" || event.key === "r") && boxes.length) press(event.key === "a" ? "approve" : "reject");
    else return;
    event.preventDefault();
  });
  count();
}
