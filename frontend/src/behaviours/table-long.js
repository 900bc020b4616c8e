// <div data-behaviour="table-long" data-set="lines"> <tr data-key="…"> … <input type="hidden" name="_was.lines.KEY.price"> … <input name="lines.KEY._row"> </tr> </div>
// Of a long table only the rows in which something differs are sent; of the others that they are there (`_row`).
const said = (values) => {
  const given = values.filter(Boolean);
  return given.length === 2 && given[0] === "false" ? given.slice(1) : given; // a ticked box
};

export default function long(sheet) {
  const set = sheet.dataset.set;
  sheet.closest("form")?.addEventListener("formdata", (event) => {
    const rows = new Map(); // key -> name -> [as it is, as it was]
    for (const [name, value] of event.formData) {
      const was = name.startsWith("_was.");
      const plain = name.replace(/^_(was|state)\./, "");
      const [own, key, field] = plain.split(".");
      if (own !== set || !key || key.startsWith("n")) continue;
      const row = rows.get(key) ?? { names: new Set(), is: new Map(), was: new Map(), gone: false };
      rows.set(key, row);
      if (field === "_delete") row.gone = true;
      else if (field !== "_row") row.names.add(name);
      if (field.startsWith("_") || name.startsWith("_state.")) continue;
      const into = was ? row.was : row.is;
      into.set(plain, [...(into.get(plain) ?? []), value]);
    }
    for (const row of rows.values()) {
      const names = new Set([...row.is.keys(), ...row.was.keys()]);
      const same = [...names].every((name) => said(row.is.get(name) ?? []).join("\n") === said(row.was.get(name) ?? []).join("\n"));
      if (same || row.gone) for (const name of row.names) event.formData.delete(name);
    }
  });
}
