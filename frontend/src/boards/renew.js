// Brings one part of the page up to date: the same address once more, the element of that id in place of the one that is there.
export async function renewed(id) {
  const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
  const old = document.getElementById(id);
  if (answer.ok && fresh && old) old.replaceWith(fresh);
  else window.location.reload();
}
