// Sends one file of a form: how far it is, what became of it. Used by all widgets whose value is a file. A file that finds no
// network is held: the form names it by a token, and takes it along when it is kept itself (see waiting.js).
const HELD = new Map(); // token -> {file, name, address}
const TOKEN = "waiting:";

/** Holds a file for the form it stands in; what the form names it by. */
export function hold(file, name, address) {
  const token = TOKEN + crypto.randomUUID();
  HELD.set(token, { file, name, address });
  return token;
}
/** What a form's value stands for: a held file, or the text itself. */
export const held = (value) => HELD.get(value) ?? value;
export const release = (value) => HELD.delete(value);
/** Whether the form of a widget is one that is kept when it finds no network. */
export const keeps = (element) => Boolean(self.crypto?.subtle && element.closest("form[data-behaviour~=offline-form]"));

/** Resolves to {id, name, mime, size}; rejects with a message for people, or "" where the network failed. */
export function send(address, file, name, onProgress = () => {}) {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRF-Token", document.querySelector("meta[name=csrf]")?.content ?? "");
    request.upload.addEventListener("progress", (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      if (request.status === 201) done(request.response);
      else failed(new Error(request.response?.problems?.[0]?.message ?? request.response?.detail ?? ""));
    });
    for (const kind of ["error", "abort", "timeout"]) request.addEventListener(kind, () => failed(new Error("")));
    const body = new FormData();
    body.append("file", file, name);
    request.send(body);
  });
}

/** A form waits for what is still being sent: counts it, and keeps its form from leaving meanwhile. */
export function gate(form, message, tell) {
  let open = 0;
  form?.addEventListener(
    "submit",
    (event) => {
      if (!open) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      tell(message);
    },
    { capture: true },
  );
  return async (work) => {
    open += 1;
    try {
      return await work;
    } finally {
      open -= 1;
    }
  };
}

/** 3.4 MB, as the reader's language writes it. */
export function sizeText(bytes) {
  const step = bytes < 1_000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const number = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: step > 1 ? 1 : 0 });
  return `${number.format(bytes / 1_000 ** step)} ${["B", "kB", "MB", "GB"][step]}`;
}
