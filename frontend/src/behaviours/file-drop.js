// <div data-behaviour="file-drop" data-name="plans" data-upload="/w/demo/files" data-many data-max="3000000" data-accept=".pdf,image/*">
//   <ul class="file-list">…</ul> <label class="file-drop" hidden><input type="file"></label> <template>…a row…</template> </div>
// Files are chosen, dropped or pasted, looked at before they are sent, sent one after the other, and named in the form by id. One
// that finds no network waits with the form. With data-capture nothing is dropped or pasted: pictures are taken on the spot.
import { dropped, order } from "../file-gestures.js";
import { preview } from "../preview.js";
import { gate, hold, keeps, release, send, sizeText } from "../uploading.js";

const PICTURES = /^image\/(png|jpeg|gif|webp)$/;
const put = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");

function fits(file, accept) {
  const name = file.name.toLowerCase();
  return accept.some((kind) => {
    if (kind.startsWith(".")) return name.endsWith(kind);
    return kind.endsWith("/*") ? file.type.startsWith(kind.slice(0, -1)) : file.type === kind || kind === "*";
  });
}

export default function fileDrop(element) {
  const { name, upload, max, most, accept: kinds } = element.dataset;
  const many = element.dataset.many !== undefined;
  const accept = kinds.toLowerCase().split(",").filter(Boolean);
  const list = element.querySelector(".file-list");
  const drop = element.querySelector(".file-drop");
  const input = drop.querySelector("input");
  const said = element.querySelector(".file-said");
  const spoken = element.querySelector("[role=status]");
  const tell = (text) => (said.textContent = text);
  const waiting = gate(element.closest("form"), element.dataset.wait, tell);
  const changed = () => {
    drop.hidden = !many && list.childElementCount > 0;
    element.dispatchEvent(new Event("change", { bubbles: true }));
  };
  let queue = Promise.resolve();

  const wrong = (file) => {
    if (!file.size) return element.dataset.empty;
    if (Number(max) && file.size > Number(max)) return element.dataset.tooLarge;
    if (accept.length && !fits(file, accept)) return element.dataset.wrongKind;
    return list.childElementCount >= (many ? Number(most) : 1) ? element.dataset.tooMany : "";
  };

  function take(files) {
    tell("");
    if (!many && files.length) [...list.children].forEach(away);
    for (const file of files) {
      const fault = wrong(file);
      if (fault) tell(put(fault, { name: file.name, size: element.dataset.size, kinds: element.dataset.kinds, most }));
      else begin(file);
    }
    changed();
  }

  function begin(file) {
    const row = element.querySelector("template").content.firstElementChild.cloneNode(true);
    const link = row.querySelector(".file-name");
    link.textContent = file.name;
    row.querySelector(".file-size").textContent = sizeText(file.size);
    if (PICTURES.test(file.type)) {
      const picture = document.createElement("img");
      picture.alt = "";
      picture.src = URL.createObjectURL(file);
      row.querySelector(".file-thumb").replaceChildren(picture);
      link.dataset.preview = "";
    }
    list.append(row);
    queue = queue.then(() => waiting(transfer(file, row)));
  }

  const names = (row, value) => {
    row.querySelector("input[type=hidden]")?.remove();
    const hidden = document.createElement("input");
    Object.assign(hidden, { type: "hidden", name, value });
    row.prepend(hidden);
    row.classList.remove("file-sending");
  };

  async function transfer(file, row) {
    if (!row.isConnected) return;
    const bar = row.querySelector("progress");
    try {
      const made = await send(upload, file, file.name, (part) => (bar.value = part * 100));
      names(row, made.id);
      row.dataset.id = made.id;
      row.dataset.own = ""; // hangs nowhere yet: thrown away when it is removed
      row.querySelector(".file-name").href = `${upload}/${made.id}?inline=true`;
      bar.remove();
      if (!row.isConnected) return away(row);
      spoken.textContent = put(element.dataset.sent, { name: file.name });
      changed();
    } catch (error) {
      bar.remove();
      if (!error.message && keeps(element)) {
        row.classList.add("file-held");
        names(row, hold(file, file.name, upload));
        tell(put(element.dataset.held, { name: file.name }));
        window.addEventListener("online", () => row.isConnected && anew(file, row), { once: true });
        return changed();
      }
      row.classList.add("file-failed");
      tell(error.message || put(element.dataset.failed, { name: file.name }));
      const again = document.createElement("button");
      Object.assign(again, { type: "button", className: "button button-small", textContent: element.dataset.retry });
      again.addEventListener("click", () => anew(file, row));
      row.querySelector(".file-size").after(again);
    }
  }

  function anew(file, row) {
    if (element.closest("[inert]")) return; // its form is kept, and takes it along
    away(row);
    tell("");
    begin(file);
  }

  function away(row) {
    row.remove();
    release(row.querySelector("input[type=hidden]")?.value);
    if (row.dataset.own === undefined) return;
    const headers = { "X-CSRF-Token": document.querySelector("meta[name=csrf]")?.content ?? "", Accept: "application/json" };
    fetch(`${upload}/${row.dataset.id}`, { method: "DELETE", headers }).catch(() => {});
  }

  input.addEventListener("change", (event) => {
    event.stopPropagation();
    take([...input.files]);
    input.value = "";
  });
  list.addEventListener("click", (event) => {
    const row = event.target.closest("li");
    if (event.target.closest("[data-remove]")) {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      away(row);
      changed();
      (next?.querySelector("[data-remove]") ?? input).focus();
    } else if (event.target.closest("[data-preview]") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      const picture = { address: row.querySelector("img").src, name: row.querySelector(".file-name").textContent, kind: "picture" };
      preview([picture], 0, { close: element.dataset.close });
    }
  });
  element.addEventListener("patron:files", (event) => take(event.detail));
  if (element.dataset.capture === undefined) dropped(element, take);
  if (many) order(list, changed);
  drop.hidden = !many && list.childElementCount > 0;
}
