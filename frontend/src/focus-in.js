// The focus in a dialog that was just put into the page: its behaviours come with the next microtask, and a select may be a box by then.
export function focusIn(dialog, ...wanted) {
  Promise.resolve().then(() => {
    const control = wanted.map((selector) => dialog.querySelector(selector)).find(Boolean);
    if (control?.tomselect) control.tomselect.focus();
    else control?.focus();
  });
}
