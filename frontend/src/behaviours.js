// Behaviours: an element with data-behaviour="a b" gets what behaviours/a.js and b.js do, once, also after it was swapped in.
//
// A behaviour is a function (element) => undefined | stop. It reads what it needs from data- attributes, never makes HTML
// of values (textContent, or what the server sent), and leaves the page usable when it does not run.
//
// An input named `action` or `dataset` hides what its form calls so. Of a form of fields only names with a capital are used,
// which no field can have: form.getAttribute("action"), form.hasAttribute("data-dirty"), form.appendChild(…).
import BEHAVIOURS from "listed:behaviours";

const done = new WeakMap();

/** Attaches every behaviour named inside `root`. */
export function attach(root) {
  const found = root.querySelectorAll ? [...root.querySelectorAll("[data-behaviour]")] : [];
  if (root.hasAttribute?.("data-behaviour")) found.unshift(root);
  for (const element of found) {
    const had = done.get(element) ?? new Set();
    done.set(element, had);
    for (const name of element.getAttribute("data-behaviour").split(/\s+/)) {
      if (had.has(name) || !BEHAVIOURS[name]) continue;
      had.add(name);
      BEHAVIOURS[name](element);
    }
  }
}

/** Keeps attaching as parts of the page are swapped in. */
export function watch() {
  new MutationObserver((changes) => {
    for (const change of changes) for (const node of change.addedNodes) if (node.nodeType === 1) attach(node);
  }).observe(document.documentElement, { childList: true, subtree: true });
}
