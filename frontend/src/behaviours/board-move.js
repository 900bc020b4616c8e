// <div data-behaviour="board-move" data-moves="/w/demo/moves/opportunity" data-field="stage" data-here="/w/demo/o/…" data-movable>
//   <ol id="cards-won" data-column="won" data-open> <li id="card-ID" data-id data-version data-column> …
// Cards are dragged between columns with the mouse or a finger, carried with the keyboard from their title, or moved by the menu on
// each; without scripts the menu sends a form.
import Sortable from "sortablejs";
import { byKeys } from "../boards/carry.js";
import { ask, flash, send, undoing } from "../boards/send.js";

export default function boardMove(board) {
  const cardOf = (id) => document.getElementById(`card-${id}`);

  const put = (fresh) => {
    const list = document.getElementById(`cards-${fresh.dataset.column}`);
    const old = document.getElementById(fresh.id);
    if (!list) old?.remove();
    else if (old && old.parentElement === list) old.replaceWith(fresh);
    else {
      old?.remove();
      list.prepend(fresh);
    }
    fresh.classList.add("board-arrived");
  };

  const apply = (parts, id) => {
    for (const head of parts.querySelectorAll(":scope > .board-head")) document.getElementById(head.id)?.replaceWith(head);
    const fresh = parts.querySelector(":scope > .board-card");
    if (fresh) put(fresh);
    else cardOf(id)?.remove(); // it is not of this view any more
    document.getElementById("board-figures")?.dispatchEvent(new Event("moved")); // very many records: figures come by themselves
    flash(parts);
  };

  const tell = (id, parts) => {
    const said = parts.querySelector(".board-problem");
    const place = document.getElementById(`problem-${id}`);
    if (!said) return window.location.reload(); // an answer nobody foresaw: the page as it is now says most
    said.id = `problem-${id}`;
    place?.replaceWith(said);
  };

  const move = async (address, values, id, back) => {
    const card = cardOf(id);
    card?.classList.add("board-waiting");
    const { ok, parts } = await send(address, values);
    card?.classList.remove("board-waiting");
    if (ok) {
      apply(parts, id);
      return cardOf(id)?.querySelector("a")?.focus({ preventScroll: true });
    }
    if (ask(parts, (where, more) => move(where, more, id, back), back)) return;
    back();
    tell(id, parts);
    cardOf(id)?.querySelector("a")?.focus();
  };

  board.addEventListener("submit", (event) => {
    const card = event.target.closest(".board-card");
    if (!card || !event.submitter) return;
    event.preventDefault();
    const values = new FormData(event.target, event.submitter);
    event.target.closest("details").open = false;
    move(event.target.getAttribute("action"), values, card.dataset.id, () => {});
  });

  undoing(
    () => board.isConnected,
    async (address, values) => {
      const { ok, parts } = await send(address, values);
      if (ok) apply(parts, "");
      else window.location.reload();
    },
  );

  if (board.dataset.movable === undefined) return;
  const brought = (card, column, back) => {
    const { id, version } = card.dataset;
    const values = { version, back: board.dataset.here, [`set.${board.dataset.field}`]: column === "-" ? "" : column };
    move(`${board.dataset.moves}/${id}`, values, id, back);
  };

  const aim = (list) => {
    for (const other of board.querySelectorAll(".board-aim")) other.classList.remove("board-aim");
    list?.parentElement.classList.add("board-aim");
    list?.parentElement.scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const lists = () => [...board.querySelectorAll(".board-cards")];
  byKeys(board, ".board-title", {
    begin(link) {
      const card = link.closest(".board-card");
      return { element: card, title: link.textContent, list: card.parentElement };
    },
    step(carried, key) {
      const way = key === "ArrowRight" || key === "ArrowDown" ? 1 : -1;
      const open = lists().filter((l) => l.dataset.open !== undefined || l === carried.element.parentElement);
      carried.list = open[Math.min(Math.max(open.indexOf(carried.list) + way, 0), open.length - 1)];
      aim(carried.list);
      return carried.list.dataset.label;
    },
    drop(carried) {
      aim(null);
      if (carried.list !== carried.element.parentElement) brought(carried.element, carried.list.dataset.column, () => {});
    },
    back: () => aim(null),
  });

  for (const list of board.querySelectorAll(".board-cards")) {
    new Sortable(list, {
      group: { name: "board", put: list.dataset.open !== undefined },
      sort: false,
      draggable: ".board-card",
      filter: ".board-menu, .board-problem",
      preventOnFilter: false,
      forceFallback: true,
      fallbackOnBody: true,
      fallbackTolerance: 5,
      delay: 200,
      delayOnTouchOnly: true,
      animation: 120,
      ghostClass: "board-ghost",
      dragClass: "board-dragged",
      scrollSensitivity: 80,
      onEnd({ item, from, to, oldDraggableIndex }) {
        if (from === to) return;
        const back = () => from.insertBefore(item, from.querySelectorAll(".board-card")[oldDraggableIndex] ?? from.querySelector(".board-more"));
        brought(item, to.dataset.column, back);
      },
    });
  }
}
