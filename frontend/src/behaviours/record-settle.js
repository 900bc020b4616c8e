// <article data-behaviour="record-edit"> <span data-behaviour="record-settle" data-from="/w/…" hidden></span> …
// Automations still work on what was saved: the page is asked for again until they are done, and `record-edit` puts it in place of
// the old one, unless somebody is writing in it. It rests after the last wait.
const WAITS = [400, 800, 1500, 2500, 4000, 6000]; // milliseconds

export default function recordSettle(mark) {
  const page = mark.closest("article");
  const tried = Number(page.dataset.settled ?? 0);
  if (tried >= WAITS.length) return;
  page.dataset.settled = tried + 1;
  window.setTimeout(async () => {
    const answer = mark.isConnected ? await fetch(mark.dataset.from).catch(() => null) : null;
    if (!answer?.ok) return;
    const renewed = page.dispatchEvent(new CustomEvent("patron:renew", { detail: await answer.text(), cancelable: true }));
    if (!renewed && mark.isConnected) recordSettle(mark);
  }, WAITS[tried]);
}
