// Moves on a page that brings itself up to date afterwards: one part of it, asked for once more at the same address.
import { ask, flash, send, undoing } from "./send.js";

async function renewed(id) {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
  const old = document.getElementById(id);
  if (!answer.ok || !fresh || !old) return window.location.reload();
  const scrolled = old.querySelector(".week-tall")?.scrollTop ?? 0;
  old.replaceWith(fresh);
  const tall = fresh.querySelector(".week-tall");
  if (tall) requestAnimationFrame(() => (tall.scrollTop = scrolled));
}

/** How records of a part of the page (with an id and data-moves, data-here) are moved: move(id, values, back). `focus` is what
 * has the focus in the fresh part: a selector made of the record's id. `renew` and `note` are for a part that is drawn otherwise. */
export function moving(part, focus, renew = () => renewed(part.id), note = (said) => part.querySelector(".calendar-bar")?.after(said)) {
  const { moves, here } = part.dataset;
  const tell = (parts) => {
    const said = parts.querySelector(".board-problem");
    if (!said) return window.location.reload(); // an answer nobody foresaw: the page as it is now says most
    said.className = "alert alert-error board-note";
    part.querySelector(":scope > .alert-error")?.remove();
    note(said);
  };
  const act = async (address, values, back, id) => {
    const { ok, parts } = await send(address, values);
    if (ok) {
      flash(parts);
      await renew(values);
      if (id) document.querySelector(focus(id))?.focus({ preventScroll: true });
    } else if (!ask(parts, (where, more) => act(where, more, back, id), back)) {
      back();
      tell(parts);
    }
  };
  undoing(
    () => part.isConnected,
    (address, values) => act(address, values, () => {}),
  );
  return (record, values, back = () => {}) =>
    act(`${moves}/${record.id}`, { version: record.version, back: here, ...values }, back, record.id);
}

/** A day some days later, as people read it. */
export function dayAfter(day, days) {
  const moment = new Date(Date.parse(`${day}T00:00:00Z`) + days * 86400000);
  const how = { weekday: "long", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" };
  return { iso: moment.toISOString().slice(0, 10), said: moment.toLocaleDateString(document.documentElement.lang || undefined, how) };
}
