// <div data-behaviour="dashboard" data-source="/w/demo/tiles/manager_home?period=this_year" data-failed="…"> … <div id="tile-won">
// Fills the places of tiles as the stream brings them, one JSON line each; refreshes; shows the tiles on the whole screen, where they
// refresh by themselves.
const AGAIN = 5 * 60_000;

export default function dashboard(board) {
  const button = (name) => document.querySelector(`[data-board-${name}]`);
  let running = null;

  function put(tile, html) {
    const place = document.getElementById(`tile-${tile}`);
    if (!place) return;
    const made = document.createElement("template");
    made.innerHTML = html; // drawn by the server
    place.replaceChildren(made.content);
  }

  function failed() {
    for (const waiting of board.querySelectorAll(".tile-waiting")) {
      const said = document.createElement("p");
      said.className = "tile-failed";
      said.setAttribute("role", "alert");
      said.textContent = board.dataset.failed;
      waiting.replaceWith(said);
    }
  }

  async function load() {
    if (!board.dataset.source) return;
    running?.abort();
    const mine = (running = new AbortController());
    board.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(board.dataset.source, { signal: mine.signal, headers: { Accept: "application/x-ndjson" } });
      if (answer.redirected || answer.status === 401) return location.reload(); // nobody is signed in any more
      if (!answer.ok) throw new Error(String(answer.status));
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ; ) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const line of lines) {
          const { tile, html } = JSON.parse(line);
          put(tile, html);
        }
      }
    } catch (error) {
      if (error.name === "AbortError") return;
    }
    failed(); // what the stream did not bring
    board.removeAttribute("aria-busy");
  }

  const refresh = button("refresh");
  if (refresh && board.dataset.source) {
    refresh.hidden = false;
    refresh.addEventListener("click", load);
  }
  const full = button("full");
  if (full && document.fullscreenEnabled) {
    full.hidden = false;
    full.addEventListener("click", () => board.requestFullscreen().catch(() => {}));
  }
  setInterval(() => document.fullscreenElement === board && load(), AGAIN);
  addEventListener("pagehide", () => running?.abort());
  load();
}
