// A change sent by a script may ask for a page (who decides about it): the answer is a form that leads there by itself once it stands
// in the page, see behaviours/send-on.js.

/** Puts such a form of an answer into the page; false where it is none. */
export function sentOn(parts) {
  const form = parts.querySelector("form[data-behaviour=send-on]");
  if (form) document.getElementById("flashes").replaceChildren(form);
  return form !== null;
}
