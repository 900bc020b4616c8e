// <kbd data-behaviour="modkey">Ctrl K</kbd>: says the key as it is called on this machine.
export default function modkey(element) {
  if (/Mac|iPhone|iPad/.test(navigator.platform)) element.textContent = element.textContent.replace("Ctrl ", "⌘");
}
