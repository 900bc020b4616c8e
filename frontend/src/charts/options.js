// What the server made of figures, as options of ECharts. Nothing is worked out here but where things are drawn: every text comes written.
import { PROVINCES } from "./provinces.js";

const NARROW = 560;
const LINE = 20; // pixels that a name beside a chart takes

const LEGEND_LINES = 3;

/** The options of a chart of a width and height, in the colours of `look`. */
export function options(data, look, wide, high) {
  const narrow = wide < NARROW;
  const made = (FORMS[data.type] ?? along)(data, look, narrow, wide, high);
  return {
    animationDuration: 300, color: look.series, textStyle: { fontFamily: look.font, color: look.ink },
    ...made,
    tooltip: {
      renderMode: "richText", confine: true, backgroundColor: look.raised, borderColor: look.edge, borderWidth: 1, padding: [8, 10],
      textStyle: { color: look.ink, fontSize: 12, fontFamily: look.font }, transitionDuration: 0,
      ...made.tooltip,
    },
  };
}

const short = (value, scale) => {
  if (scale.kind === "percent") return `${plain(value)}%`;
  if (scale.kind === "duration") {
    const n = value >= 86400 ? 0 : value >= 3600 ? 1 : 2;
    return scale.spans[n].replace("{}", plain(value / [86400, 3600, 60][n]));
  }
  if (scale.unit) return `${plain(value)}`;
  const step = scale.steps.find(([size]) => Math.abs(value) >= size);
  return step ? `${plain(value / step[0])}${step[1]}` : plain(value);
};
const plain = (value) => new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(value);

/** How wide texts are in the small letters of axes and legends. */
function widths(look, texts) {
  const paint = document.createElement("canvas").getContext("2d");
  paint.font = `12px ${look.font}`;
  return texts.map((text) => paint.measureText(text).width);
}
/** Names above a chart: in lines where few of them hold all, else turned over. `below` is how many pixels they take. */
function legend(look, shown, names = [], wide = 0) {
  const limit = wide < NARROW ? 140 : 240;
  let [lines, at] = [1, 0];
  for (const text of widths(look, names)) {
    const width = 10 + 5 + Math.min(limit, text) + 14;
    if (at && at + width > wide) [lines, at] = [lines + 1, 0];
    at += width;
  }
  const whole = names.length && lines <= LEGEND_LINES;
  return { ...named(look, shown, limit), type: whole ? "plain" : "scroll", below: shown ? (whole ? lines - 1 : 0) * 24 + 40 : 28 };
}
const named = (look, shown, width = 140) => ({
  show: shown, top: 0, left: 0, icon: "roundRect", itemWidth: 10, itemHeight: 10, itemGap: 14,
  textStyle: { color: look.muted, fontSize: 12, width, overflow: "truncate" }, pageIconColor: look.muted, pageIconInactiveColor: look.edge,
  pageTextStyle: { color: look.muted },
});
const valueAxis = (look, scale, more = {}) => ({
  type: "value", axisLabel: { color: look.muted, fontSize: 11, formatter: (value) => short(value, scale), hideOverlap: true }, axisLine: { show: false },
  splitLine: { lineStyle: { color: look.edge } }, axisTick: { show: false }, ...more,
});
const namesAxis = (look, names, more = {}) => ({
  type: "category", data: names, axisTick: { show: false }, axisLine: { lineStyle: { color: look.edge } },
  axisLabel: { color: look.muted, fontSize: 11, hideOverlap: true, width: 110, overflow: "truncate" }, ...more,
});
const marks = (data, look, flat) =>
  data.references.length
    ? {
        silent: true, symbol: "none",
        label: { color: look.warn, fontSize: 11, position: flat ? "end" : "insideEndTop", formatter: (mark) => mark.data.said },
        lineStyle: { color: look.warn, type: "dashed" },
        data: data.references.map((one) => ({ [flat ? "xAxis" : "yAxis"]: one.v, said: `${one.label} ${one.t}`.trim() })),
      }
    : undefined;
/** Everything of one member, one line a series. */
const byMember = (data) => ({
  trigger: "axis", axisPointer: { type: "shadow" },
  formatter: (found) => [data.x[found[0].dataIndex], ...found.filter((one) => one.data?.t).map((one) => `${one.seriesName}  ${one.data.t}`)].join("\n"),
});
const point = (one, more = {}) => (one ? { value: one.v, t: one.t, at: one.at, ...more } : null);

function along(data, look, narrow, wide) {
  const line = data.type === "line" || data.type === "area";
  const several = data.series.length > 1;
  const stack = data.type === "stacked" ? "all" : undefined;
  const one = data.series.length === 1;
  const tilted = !line && data.x.length > 1 && Math.max(...widths(look, data.x)) > (wide - 120) / data.x.length; // they would hide one another
  const series = data.series.map((each, n) => {
    const drawn = line || each.line;
    return {
      name: each.name, type: drawn ? "line" : "bar", stack, yAxisIndex: each.line && data.second ? 1 : 0, connectNulls: false,
      itemStyle: { color: each.color || undefined, borderRadius: stack || drawn ? 0 : [3, 3, 0, 0] }, barMaxWidth: 36, symbolSize: 6,
      showSymbol: data.x.length < 40, areaStyle: data.type === "area" ? { opacity: 0.18 } : undefined, emphasis: { focus: several ? "series" : "none" },
      label: { show: data.labels && !narrow, position: stack ? "inside" : "top", color: stack ? "#fff" : look.muted, fontSize: 11, formatter: (at) => short(at.value, each.line && data.second ? data.second : data.scale) },
      data: each.points.map((each_, m) => point(each_, !drawn && one && data.colors[m] ? { itemStyle: { color: data.colors[m] } } : {})),
      markLine: n ? undefined : marks(data, look, false),
    };
  });
  const { below, ...names } = legend(look, several || data.grouped, data.series.map((each) => each.name), wide);
  return {
    grid: { left: tilted ? 28 : 4, right: 12, top: below, bottom: data.x.length > 40 ? 44 : 4, containLabel: true },
    legend: names, series,
    tooltip: byMember(data),
    xAxis: namesAxis(look, data.x, tilted ? { axisLabel: { color: look.muted, fontSize: 11, rotate: 35, width: 84, overflow: "truncate", hideOverlap: true } } : {}),
    yAxis: [valueAxis(look, data.scale, { min: data.min, max: data.max }), ...(data.second ? [valueAxis(look, data.second, { splitLine: { show: false } })] : [])],
    dataZoom: data.x.length > 40 ? [{ type: "slider", height: 18, bottom: 6, start: data.x.length > 80 ? 100 - 8000 / data.x.length : 0, end: 100, brushSelect: false }, { type: "inside" }] : [],
  };
}

function ranking(data, look, narrow, wide, high) {
  const fits = Math.max(5, Math.floor((high ?? Infinity) / LINE)); // a small tile shows the first ones: the others stand in its table
  const rows = data.series[0].points.slice(0, fits).map((each, n) => ({ name: data.x[n], each, n }));
  return {
    grid: { left: 4, right: 76, top: 8, bottom: 4, containLabel: true }, xAxis: valueAxis(look, data.scale, { axisLabel: { show: false }, splitLine: { show: false } }),
    yAxis: namesAxis(look, rows.map((row) => (row.n < data.x.length - (data.rest ?? 0) ? `${row.n + 1}  ${row.name}` : row.name)), { inverse: true, axisLine: { show: false }, axisLabel: { color: look.ink, fontSize: 12, width: narrow ? 120 : 200, overflow: "truncate", interval: 0 } }),
    tooltip: { formatter: (at) => `${rows[at.dataIndex].name}\n${at.data.t}` },
    series: [{
      type: "bar", barMaxWidth: 20, itemStyle: { borderRadius: [0, 3, 3, 0] }, markLine: marks(data, look, true),
      label: { show: true, position: "right", color: look.muted, fontSize: 12, formatter: (at) => short(at.value, data.scale) },
      data: rows.map((row) => point(row.each, { itemStyle: { color: row.n < 3 ? look.accent : look.series[4], opacity: row.n < 3 ? 1 : 0.7 } })),
    }],
  };
}

function pie(data, look, narrow) {
  const tint = (n) => data.colors[n] || (data.rest && n === data.x.length - 1 ? look.edge : ""); // the others are no member among them
  const points = data.series[0].points.map((each, n) => each && { value: each.v, t: each.t, at: each.at, name: data.x[n], itemStyle: tint(n) ? { color: tint(n) } : {} }).filter(Boolean);
  return {
    legend: narrow ? { ...named(look, true), type: "scroll" } : { ...named(look, true), type: "scroll", orient: "vertical", left: "62%", top: "middle" },
    tooltip: { formatter: (at) => `${at.name}\n${at.data.t}  ${plain(at.percent)}%` },
    series: [{
      type: "pie", radius: narrow ? ["34%", "58%"] : ["42%", "72%"], center: narrow ? ["50%", "56%"] : ["31%", "50%"], data: points, minAngle: 2,
      itemStyle: { borderColor: look.surface, borderWidth: 2 }, label: { show: !narrow, color: look.ink, fontSize: 11, formatter: (at) => (at.percent >= 4 ? `${plain(at.percent)}%` : "") }, labelLine: { show: false },
    }],
  };
}

/** Stages one under the other, each as wide as it is large, in the middle; how many went on stands below its name. */
function funnel(data, look, narrow) {
  const points = data.series[0].points;
  const most = Math.max(1, ...points.map((each) => each?.v ?? 0));
  const room = narrow ? 96 : 260;
  const below = (n) => (narrow ? data.beside?.[n]?.split(" · ")[0] : data.beside?.[n]) ?? "";
  return {
    grid: { left: 4, right: 8, top: 4, bottom: 4, containLabel: true }, xAxis: { type: "value", show: false, max: most },
    yAxis: namesAxis(look, data.x, {
      inverse: true, axisLine: { show: false },
      axisLabel: {
        interval: 0, width: room, overflow: "truncate", formatter: (name, n) => `{name|${name}}${below(n) ? `\n{below|${below(n)}}` : ""}`,
        rich: { name: { color: look.ink, fontSize: 12, align: "right", width: room }, below: { color: look.muted, fontSize: 11, lineHeight: 18, align: "right", width: room } },
      },
    }),
    tooltip: { formatter: (at) => (at.seriesIndex ? `${data.x[at.dataIndex]}\n${at.data.t}\n${data.beside?.[at.dataIndex] ?? ""}`.trim() : "") },
    series: [
      { type: "bar", stack: "all", silent: true, itemStyle: { color: "transparent" }, data: points.map((each) => (most - (each?.v ?? 0)) / 2) },
      {
        type: "bar", stack: "all", barCategoryGap: "18%", itemStyle: { borderRadius: 4 },
        label: { show: true, position: "inside", color: look.ink, fontSize: 12, fontWeight: 600, textBorderColor: look.surface, textBorderWidth: 3, formatter: (at) => at.data.t },
        data: points.map((each, n) => ({ value: each?.v ?? 0, t: each?.t ?? "–", at: each?.at ?? "", itemStyle: { color: data.colors[n] || look.series[n % look.series.length] } })),
      },
    ],
  };
}

function scatter(data, look) {
  const largest = Math.max(1, ...data.points.map((each) => each.size ?? 0));
  const reach = (n) => (data.points.every((each) => each.v[n] === 0) ? { min: 0, max: 1, minInterval: 1 } : {}); // nothing yet is no line of no length
  const apart = (scale) => ({ axisLabel: { color: look.muted, fontSize: 11, margin: 20, hideOverlap: true, formatter: (value) => short(value, scale) } }); // from points at nothing
  return {
    grid: { left: 8, right: 32, top: 48, bottom: 32, containLabel: true },
    xAxis: valueAxis(look, data.scale, { ...reach(0), ...apart(data.scale), name: data.scale.name, nameLocation: "middle", nameGap: 42, nameTextStyle: { color: look.muted } }),
    yAxis: valueAxis(look, data.second, { ...reach(1), ...apart(data.second), name: data.second.name, nameTextStyle: { color: look.muted, align: "left" } }),
    tooltip: { formatter: (at) => `${at.data.name}\n${at.data.t}` },
    series: [{ type: "scatter", clip: false, itemStyle: { opacity: 0.75 }, symbolSize: (_, at) => (at.data.size === null ? 12 : 8 + 28 * Math.sqrt(at.data.size / largest)), data: data.points.map((each) => ({ ...each, value: each.v })) }],
  };
}

function shades(look, cells) {
  const values = cells.map(([, , each]) => each.v);
  return { show: false, min: Math.min(0, ...values), max: Math.max(...values), inRange: { color: [look.soft, look.accent] } };
}
function heat(data, look, narrow, wide, high) {
  const readable = !narrow && data.x.length < 16 && (high ?? Infinity) / data.y.length >= LINE - 4;
  return {
    grid: { left: 4, right: 8, top: 8, bottom: 4, containLabel: true }, visualMap: shades(look, data.cells),
    xAxis: namesAxis(look, data.x), yAxis: namesAxis(look, data.y, { inverse: true }),
    tooltip: { formatter: (at) => `${data.y[at.value[1]]} · ${data.x[at.value[0]]}\n${at.data.t}` },
    series: [{
      type: "heatmap", itemStyle: { borderColor: look.surface, borderWidth: 2 },
      label: { show: readable, fontSize: 11, color: look.ink, textBorderColor: look.surface, textBorderWidth: 2, formatter: (at) => short(at.value[2], data.scale) },
      data: data.cells.map(([x, y, each]) => ({ value: [x, y, each.v], t: each.t, at: each.at })),
    }],
  };
}

function treemap(data, look) {
  const leaf = (each, color) => ({ name: each.name, value: each.v, t: each.t, at: each.at, itemStyle: color ? { color } : {} });
  const nodes = data.nodes
    ? data.nodes.map((node) => ({ name: node.name, children: node.below.map((each) => leaf(each)) }))
    : data.series[0].points.map((each, n) => each && leaf({ ...each, name: data.x[n] }, data.colors[n])).filter(Boolean);
  return {
    tooltip: { formatter: (at) => `${at.name}\n${at.data.t ?? ""}` },
    series: [{
      type: "treemap", left: 0, right: 0, top: 0, bottom: 0, roam: false, nodeClick: false, breadcrumb: { show: false }, data: nodes,
      label: { color: "#fff", fontSize: 12, lineHeight: 17, textBorderColor: "rgba(0,0,0,0.45)", textBorderWidth: 2, formatter: (at) => `${at.name}\n${at.data.t ?? ""}` },
      upperLabel: { show: Boolean(data.nodes), height: 22, color: look.ink, fontSize: 12 }, itemStyle: { borderColor: look.surface, borderWidth: 1, gapWidth: 2 },
    }],
  };
}

function radar(data, look, narrow, wide) {
  const { below: _, ...names } = legend(look, data.series.length > 1, data.series.map((each) => each.name), wide);
  const most = (n) => Math.max(1, ...data.series.map((each) => each.points[n]?.v ?? 0));
  const even = Math.max(...data.x.map((_, n) => most(n)));
  return {
    legend: names,
    radar: { indicator: data.x.map((name) => ({ name, max: even })), center: ["50%", "55%"], radius: "64%", axisName: { color: look.muted, fontSize: 11 }, splitLine: { lineStyle: { color: look.edge } }, axisLine: { lineStyle: { color: look.edge } }, splitArea: { show: false } },
    tooltip: { formatter: (at) => [at.name, ...at.data.said].join("\n") },
    series: [{ type: "radar", areaStyle: { opacity: 0.15 }, data: data.series.map((each) => ({ name: each.name, value: each.points.map((one) => one?.v ?? 0), said: each.points.map((one, n) => `${data.x[n]}  ${one?.t ?? "–"}`) })) }],
  };
}

function gauge(data, look) {
  const size = data.text.length > 9 ? 18 : 26; // the figure stays within its ring
  return {
    tooltip: { show: false },
    series: [{
      type: "gauge", min: data.min, max: data.max, startAngle: 205, endAngle: -25, radius: "96%", center: ["50%", "60%"], progress: { show: true, width: 16, itemStyle: { color: look.accent } },
      axisLine: { lineStyle: { width: 16, color: [[1, look.soft]] } }, axisTick: { show: false }, splitLine: { show: false }, pointer: { show: false },
      axisLabel: { show: true, distance: -34, color: look.muted, fontSize: 11, formatter: (value) => (value === data.max ? data.most : value === data.min ? "0" : "") },
      title: { color: look.muted, fontSize: 12, offsetCenter: [0, "28%"] }, detail: { color: look.ink, fontSize: size, fontWeight: 600, offsetCenter: [0, 0], formatter: () => data.text },
      data: [{ value: data.value ?? 0, name: data.name, at: data.at }],
    }],
  };
}

/** Provinces as tiles, each where it lies; what is no province of ours stands in the table. */
function map(data, look) {
  const cells = data.places.map((name, n) => [PROVINCES.find(([key]) => name.startsWith(key)), n]).filter(([tile, n]) => tile && data.series[0].points[n]);
  if (!cells.length) return ranking(data, look);
  const known = new Map(cells.map(([tile, n]) => [tile[0], data.series[0].points[n]]));
  const values = [...known.values()].map((each) => each.v);
  return {
    grid: { left: 0, right: 0, top: 0, bottom: 0 }, xAxis: { type: "value", min: -0.5, max: 10.5, show: false }, yAxis: { type: "value", min: -0.5, max: 7.5, inverse: true, show: false },
    visualMap: { show: false, dimension: 2, min: 0, max: Math.max(...values), inRange: { color: [look.soft, look.accent] } },
    tooltip: { formatter: (at) => `${at.data.name}\n${at.data.t}` },
    series: [{
      type: "scatter", symbol: "roundRect", symbolSize: (_, at) => at.data.size, label: { show: true, formatter: (at) => at.data.name, color: look.ink, fontSize: 11, textBorderColor: look.surface, textBorderWidth: 2 },
      data: PROVINCES.map(([key, x, y]) => ({ value: [x, y, known.get(key)?.v ?? 0], name: key, t: known.get(key)?.t ?? "–", at: known.get(key)?.at ?? "", size: 34 })),
    }],
  };
}

const FORMS = { bar: along, stacked: along, line: along, area: along, combined: along, ranking, pie, funnel, scatter, heat_map: heat, treemap, radar, gauge, map };
