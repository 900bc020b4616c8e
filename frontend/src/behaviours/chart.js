// <figure class="chart" data-behaviour="chart" data-drill="/w/demo/reports/won/records?" data-chart='{"type": "bar", "x": […], "series": […]}'>
//   <div class="chart-place"></div> <button data-picture="won.png">PNG</button> … the table of the same figures stands in the page
// Draws what the server made of the figures. A click on a point leads to the records behind it. Without this script, and for a screen
// reader, the table is the report: the drawing is hidden from both. ECharts is fetched where a chart is, not before.
const LINES = 14; // names beside a chart that its usual height holds
const HIGHEST = 1200;

export default function chart(element) {
  const place = element.querySelector(".chart-place");
  let drawn = null;
  let gone = false;
  const go = (at) => {
    if (at) window.location.assign(`${element.dataset.drill}&at=${encodeURIComponent(at)}`);
  };
  const draw = async () => {
    const { look, make, options } = await import("../charts/all.js");
    if (gone || !element.isConnected) return;
    const data = JSON.parse(element.dataset.chart);
    const show = () => {
      const wide = place.clientWidth;
      if (!wide) return;
      const lines = { ranking: data.x, heat_map: data.y }[data.type]?.length ?? 0;
      if (lines > LINES && !element.closest(".tile-chart")) place.style.height = `${Math.min(HIGHEST, lines * 22 + 48)}px`;
      drawn ??= make(place);
      drawn.resize();
      drawn.setOption(options(data, look(place), wide, place.clientHeight), { notMerge: true });
    };
    show();
    if (!drawn) drawn = make(place);
    drawn.on("click", (event) => go(event.data?.at));
    let width = place.clientWidth;
    const sized = new ResizeObserver(() => {
      if (!element.isConnected) return stop();
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      show();
    });
    sized.observe(place);
    const scheme = window.matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", show);
    const turned = new MutationObserver(show);
    turned.observe(document.documentElement, { attributes: true, attributeFilter: ["data-scheme"] });
    function stop() {
      gone = true;
      sized.disconnect();
      turned.disconnect();
      scheme.removeEventListener("change", show);
      drawn.dispose();
    }
    element.dataset.drawn = "";
  };
  for (const button of element.querySelectorAll("[data-picture]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      if (!drawn) return;
      const { look } = await import("../charts/all.js");
      const link = document.createElement("a");
      link.href = titled(drawn.renderToCanvas({ pixelRatio: 2 }), element.getAttribute("aria-label"), look(place));
      link.download = button.dataset.picture;
      link.click();
    });
  }
  void draw();
}

/** The drawing below its title, on the ground of the page: in both schemes it can be read wherever it is put. */
function titled(drawing, title, look) {
  const [edge, head] = [32, 96];
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [drawing.width + 2 * edge, drawing.height + head + edge];
  const paint = canvas.getContext("2d");
  paint.fillStyle = look.surface;
  paint.fillRect(0, 0, canvas.width, canvas.height);
  paint.fillStyle = look.ink;
  paint.font = `600 32px ${look.font}`;
  paint.fillText(title ?? "", edge, 60, drawing.width);
  paint.drawImage(drawing, edge, head);
  return canvas.toDataURL("image/png");
}
