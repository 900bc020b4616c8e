// The icons of the installed app, drawn at build time from static/icon.svg: PNG for those who read nothing else. A maskable one
// fills its square, for the system cuts it.
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import { readFile } from "node:fs/promises";
import path from "node:path";

export async function pictures(here) {
  await initWasm(await readFile(path.join(here, "node_modules", "@resvg", "resvg-wasm", "index_bg.wasm")));
  const round = await readFile(path.join(here, "static", "icon.svg"), "utf8");
  // square to the edge, and what it shows inside the circle that is always seen
  const square = round.replace(/ rx="\d+"/, "").replace("<path ", '<path transform="translate(9.6 9.6) scale(0.7)" ');
  const drawn = (svg, width) => new Resvg(svg, { fitTo: { mode: "width", value: width } }).render().asPng();
  return {
    "icon-192.png": drawn(round, 192),
    "icon-512.png": drawn(round, 512),
    "maskable-512.png": drawn(square, 512),
    "apple-touch-180.png": drawn(square, 180),
  };
}
