// How charts look: the tokens of the sheet as colours a canvas knows.
const SERIES = 8;

/** Colours, font and sizes where an element stands, in the scheme of now. */
export function look(element) {
  const probe = document.createElement("span");
  probe.hidden = true;
  element.append(probe);
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const color = (name) => {
    probe.className = `paint paint-${name}`;
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = getComputedStyle(probe).color;
    paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = paint.getImageData(0, 0, 1, 1).data;
    return `#${[r, g, b].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  };
  const found = {
    ink: color("ink"), muted: color("muted"), edge: color("edge"), surface: color("surface"), raised: color("raised"),
    accent: color("accent"), soft: color("soft"), warn: color("warn"),
    series: Array.from({ length: SERIES }, (_, n) => color(`series-${n + 1}`)),
    font: getComputedStyle(element).fontFamily,
  };
  probe.remove();
  return found;
}
