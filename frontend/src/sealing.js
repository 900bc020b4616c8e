// What a person wrote in a form that waits is kept so that only he can read it: AES-GCM, under a key that the server makes for his
// account and that leaves the device's memory with his session. Which account and workspace a form is of stands beside it, plain.
const CIPHER = "AES-GCM";
const PLAIN = ["key", "account", "workspace", "at", "state"];

/** The key of an account, of the text the pages carry; it can be used and not be read. */
export async function keyOf(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return crypto.subtle.importKey("raw", bytes, CIPHER, false, ["encrypt", "decrypt"]);
}

async function shut(key, bytes) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  return { iv, data: await crypto.subtle.encrypt({ name: CIPHER, iv }, key, bytes) };
}
const open = (key, { iv, data }) => crypto.subtle.decrypt({ name: CIPHER, iv }, key, data);

/** A form as it is kept; `size` in bytes. */
export async function sealed(key, form) {
  const files = [];
  const pairs = [];
  for (const [name, value] of form.pairs) {
    if (typeof value === "string") pairs.push([name, value]);
    else {
      pairs.push([name, { at: files.length, name: value.name, type: value.file.type, address: value.address }]);
      files.push(await shut(key, await value.file.arrayBuffer()));
    }
  }
  const rest = Object.fromEntries(Object.entries(form).filter(([name]) => !PLAIN.includes(name)));
  const body = await shut(key, new TextEncoder().encode(JSON.stringify({ ...rest, pairs })));
  const size = files.reduce((sum, f) => sum + f.data.byteLength, body.data.byteLength);
  return { ...Object.fromEntries(PLAIN.map((name) => [name, form[name]])), body, files, size };
}

/** A kept form as it was. Throws where the key is another one. */
export async function opened(key, kept) {
  const rest = JSON.parse(new TextDecoder().decode(await open(key, kept.body)));
  const pairs = [];
  for (const [name, value] of rest.pairs) {
    if (typeof value === "string") pairs.push([name, value]);
    else {
      const file = new File([await open(key, kept.files[value.at])], value.name, { type: value.type });
      pairs.push([name, { file, name: value.name, address: value.address }]);
    }
  }
  return { ...Object.fromEntries(PLAIN.map((name) => [name, kept[name]])), ...rest, pairs };
}
