// <tbody data-behaviour="list-fold" data-part="/w/demo/o/deal?group=stage"> <tr class="list-band" data-key="won"> <button class="list-fold" aria-expanded="true">
//   … <tr data-id="0198…"> … <tr class="list-next"> <a hx-get="…">
// Folds the groups of a list; with Alt all of them. What follows a folded group that is not all there is asked for by the groups that
// are there (`past`), so that thousands of folded lines are not fetched; unfolded, such a group is fetched anew (`only`). The address
// keeps what is folded, so that it is the same after a reload and for whom it is sent to.
const MOST = 40; // groups an address steps over

export default function listFold(body) {
  const part = (name, value) => `${body.dataset.part}&${name}=${encodeURIComponent(value)}`;
  const bands = () => [...body.querySelectorAll("tr.list-band")];
  const button = (band) => band.querySelector(".list-fold");
  const folded = (band) => button(band).getAttribute("aria-expanded") === "false";
  const lines = (band) => {
    const found = [];
    for (let row = band.nextElementSibling; row && !row.matches(".list-band"); row = row.nextElementSibling) found.push(row);
    return found;
  };
  const following = (row) => row.matches(".list-next:not([data-only])");

  const stepOver = (band, next) => {
    const keys = bands().map((one) => one.dataset.key);
    if (keys.length > MOST) return;
    band.dataset.cut = "";
    const other = next.cloneNode(true);
    const link = other.querySelector("a");
    link.href = part("past", keys.join(","));
    link.setAttribute("hx-get", link.href);
    next.replaceWith(other);
    window.htmx.process(other);
  };
  const hide = (band) => {
    for (const row of lines(band)) {
      const box = row.querySelector('input[name="id"]:checked');
      if (box) box.click();
      if (!following(row)) row.hidden = true;
      else if (band.dataset.cut === undefined) stepOver(band, row);
    }
  };
  const show = (band) => {
    if (band.dataset.cut === undefined) return lines(band).forEach((row) => { row.hidden = false; });
    delete band.dataset.cut;
    for (const row of lines(band)) if (!following(row)) row.remove();
    window.htmx.ajax("GET", part("only", band.dataset.key), { target: band, swap: "afterend" });
  };
  const set = (band, fold) => {
    if (folded(band) === fold) return;
    button(band).setAttribute("aria-expanded", String(!fold));
    if (fold) hide(band);
    else show(band);
  };
  const keep = () => {
    const address = new URL(window.location.href);
    const keys = bands().filter(folded).map((band) => band.dataset.key);
    if (keys.length) address.searchParams.set("folded", keys.join(","));
    else address.searchParams.delete("folded");
    window.history.replaceState(window.history.state, "", address);
  };

  body.addEventListener("click", (event) => {
    const band = event.target.closest("tr.list-band");
    if (!band || event.target.closest("a")) return;
    const fold = !folded(band);
    for (const one of event.altKey ? bands() : [band]) set(one, fold);
    keep();
    band.scrollIntoView({ block: "nearest" });
  });
  const wanted = new Set((new URL(window.location.href).searchParams.get("folded") ?? "").split(",").filter(Boolean));
  const arrived = () => {
    for (const band of bands()) {
      if (wanted.delete(band.dataset.key)) set(band, true);
      else if (folded(band)) hide(band);
    }
  };
  body.dataset.folds = "";
  new MutationObserver(arrived).observe(body, { childList: true });
  arrived();
}
