// <div data-behaviour="record-files" data-address="/w/demo/o/account/ID/files" data-failed="…"> <form class="attachment-drop"> … </div>
// Files are sent as soon as they are dropped, pasted or chosen, one after the other; then the page is loaded again.
export default function recordFiles(element) {
  const form = element.querySelector("form.attachment-drop");
  const input = form?.querySelector("input[type=file]");
  const problem = element.querySelector("[data-problem]");
  if (!form || !input) return;
  form.querySelector("[data-plain]").hidden = true;
  input.multiple = true;
  const token = document.querySelector("meta[name=csrf]")?.content ?? "";

  const send = async (files) => {
    problem.hidden = true;
    form.setAttribute("aria-busy", "true");
    let failed = "";
    for (const file of files) {
      const body = new FormData();
      body.append("file", file, file.name || "image.png");
      const headers = { "X-CSRF-Token": token, Accept: "application/json" };
      const answer = await fetch(element.dataset.address, { method: "POST", headers, body }).catch(() => null);
      if (!answer?.ok) failed = file.name;
    }
    form.removeAttribute("aria-busy");
    if (failed) {
      problem.textContent = `${element.dataset.failed} ${failed}`;
      problem.hidden = false;
    } else {
      const address = new URL(window.location.href);
      address.searchParams.set("done", "file_added");
      window.location.assign(address);
    }
  };
  input.addEventListener("change", () => input.files.length && send([...input.files]));
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("attachment-over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("attachment-over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("attachment-over");
    if (event.dataTransfer.files.length) send([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!element.isConnected || !files.length || event.target.closest?.("textarea, input, [contenteditable]")) return;
    event.preventDefault();
    send(files);
  });
}
