// Builds the scripts and styles of the pages into the platform's static folder, with names that carry their content's hash.
//   node build.mjs OUT      OUT/manifest.json names what was made; OUT/icons.json holds the inside of every icon
import { build } from "esbuild";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import path from "node:path";
import { pictures } from "./pictures.mjs";
import { regions } from "./regions.mjs";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const out = path.resolve(process.argv[2] ?? path.join(here, "dist"));

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

// Every file of behaviours/ is a behaviour of its name, every file of styles/ a part of the sheet (tokens first, touch last): nobody keeps
// a list of them.
const ORDER = ["tokens", "base", "shell", "controls"];
const place = (name) => (name === "touch" ? Infinity : ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
const listed = {
  name: "listed",
  setup(building) {
    const resolveDir = path.join(here, "src");
    building.onResolve({ filter: /^listed:/ }, (asked) => ({ path: asked.path, namespace: "listed" }));
    building.onLoad({ filter: /^listed:behaviours$/, namespace: "listed" }, async () => {
      const names = (await readdir(path.join(resolveDir, "behaviours"))).sort().map((file) => path.basename(file, ".js"));
      const imports = names.map((name, n) => `import b${n} from "./behaviours/${name}.js";`).join("\n");
      const table = names.map((name, n) => `${JSON.stringify(name)}: b${n}`).join(", ");
      return { contents: `${imports}\nexport default { ${table} };`, resolveDir };
    });
    building.onLoad({ filter: /^listed:styles$/, namespace: "listed" }, async () => {
      const names = (await readdir(path.join(resolveDir, "styles"))).map((file) => path.basename(file, ".css"));
      names.sort((a, b) => (place(a) === place(b) ? a.localeCompare(b) : place(a) < place(b) ? -1 : 1));
      return { contents: names.map((name) => `@import "./styles/${name}.css";`).join("\n"), loader: "css", resolveDir };
    });
  },
};

const SHARED = { bundle: true, format: "esm", target: ["es2022"], minify: true, metafile: true, legalComments: "none", logLevel: "warning" };

// What draws charts is large and belongs to few pages: built by itself, or every page would fetch the small pieces they have in common.
const CHARTS = path.join("charts", "all.js");
const charts = await build({ ...SHARED, entryPoints: [path.join(here, "src", CHARTS)], outdir: out, entryNames: "charts-[hash]" });
const [drawing] = Object.keys(charts.metafile.outputs).map((file) => path.basename(file));
const apart = {
  name: "apart",
  setup(building) {
    building.onResolve({ filter: /charts\/all\.js$/ }, () => ({ path: `./${drawing}`, external: true }));
  },
};

// The worker is one file of its own: it is asked for by its name, and it knows what the build made.
const WORKER = "worker.js";
const entries = (await readdir(path.join(here, "src", "entries")))
  .filter((name) => name !== WORKER)
  .map((name) => path.join(here, "src", "entries", name));
const made = await build({
  ...SHARED,
  entryPoints: entries,
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  splitting: true,
  plugins: [listed, apart],
});

const manifest = {};
for (const [file, about] of Object.entries(made.metafile.outputs)) {
  if (about.entryPoint) manifest[path.basename(about.entryPoint)] = path.basename(file);
}

for (const name of await readdir(path.join(here, "static"))) {
  await copyFile(path.join(here, "static", name), path.join(out, name));
  manifest[name] = name;
}

async function add(name, data) {
  const { name: stem, ext } = path.parse(name);
  manifest[name] = `${stem}-${createHash("sha256").update(data).digest("hex").slice(0, 8).toUpperCase()}${ext}`;
  await writeFile(path.join(out, manifest[name]), data);
}
await add("regions.json", JSON.stringify(regions()));
for (const [name, data] of Object.entries(await pictures(here))) await add(name, data);

const kept = (await readdir(out)).filter((name) => (name !== drawing && /\.(js|css|svg)$/.test(name)) || name === manifest["regions.json"]).sort();
await build({
  entryPoints: [path.join(here, "src", "entries", WORKER)],
  outfile: path.join(out, WORKER),
  bundle: true,
  format: "iife",
  target: ["es2022"],
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  define: {
    ASSETS: JSON.stringify(kept.map((name) => `/static/dist/${name}`)),
    FIRST: JSON.stringify([manifest["main.js"], manifest["main.css"], manifest["icon.svg"]].map((name) => `/static/dist/${name}`)),
    VERSION: JSON.stringify(createHash("sha256").update(kept.join()).digest("hex").slice(0, 12)),
  },
});
manifest[WORKER] = WORKER;

const icons = {};
const folder = path.join(here, "node_modules", "lucide-static", "icons");
for (const name of await readdir(folder)) {
  const text = await readFile(path.join(folder, name), "utf8");
  const inside = text.slice(text.indexOf(">", text.indexOf("<svg")) + 1, text.lastIndexOf("</svg>"));
  icons[path.basename(name, ".svg")] = inside.replace(/\s+/g, " ").replace(/> </g, "><").trim();
}
await writeFile(path.join(out, "icons.json"), JSON.stringify(icons));
await writeFile(path.join(out, "manifest.json"), JSON.stringify(manifest, null, 1));
