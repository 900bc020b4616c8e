// <div data-behaviour="location" data-target="30.28,120.16" data-radius="500" data-manual="manual"> two inputs, a hidden one, a button, a line </div>
// The place where one stands, asked of the browser when the button is pressed and at no other time; how exact it is, how far from
// the target. `NAME.taken` says to the server that the device told it, and how exactly; what is written by hand is called so, and
// ticks the field that says it. Whether it is near enough the server judges by itself.
const EARTH = 6_371_008.8;
const NUMBER = /^-?\d{1,3}(\.\d+)?$/;
const VAGUE = 200; // metres: more than that is no place, where nothing says how near is near enough

/** Metres between two points in degrees. */
export function metres([lat1, lng1], [lat2, lng2]) {
  const [a, b, c, d] = [lat1, lng1, lat2, lng2].map((degrees) => (degrees * Math.PI) / 180);
  const h = Math.sin((c - a) / 2) ** 2 + Math.cos(a) * Math.cos(c) * Math.sin((d - b) / 2) ** 2;
  return 2 * EARTH * Math.asin(Math.sqrt(h));
}

export default function location(element) {
  const [lat, lng] = element.querySelectorAll("input:not([type=hidden])");
  const taken = element.querySelector("[data-taken]");
  const button = element.querySelector("button");
  const said = element.querySelector(".location-said > span");
  const map = element.querySelector(".location-said > a");
  const { target, targetName = "", radius, manual } = element.dataset;
  let byHand = false;

  const length = (m) => {
    const [value, unit] = m < 1_000 ? [Math.round(m), "meter"] : [m / 1_000, "kilometer"];
    return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
  };
  const show = () => {
    const whole = NUMBER.test(lat.value) && NUMBER.test(lng.value);
    const accuracy = Number(taken.value);
    map.hidden = !whole;
    const words = [];
    let far = false;
    if (whole) {
      const [a, b] = [lat.value, lng.value].map(encodeURIComponent);
      map.href = `https://www.openstreetmap.org/?mlat=${a}&mlon=${b}#map=17/${a}/${b}`;
      if (taken.value) words.push(element.dataset.accuracy.replace("{m}", accuracy));
      if (byHand) words.push(element.dataset.byHand);
      if (target) {
        const away = metres([Number(lat.value), Number(lng.value)], target.split(",").map(Number));
        words.push(element.dataset.distance.replace("{d}", length(away)).replace("{name}", targetName));
        far = Boolean(radius) && away > Number(radius);
        if (far) words.push(element.dataset.outside.replace("{d}", length(Number(radius))));
      }
      if (accuracy > (Number(radius) || VAGUE)) words.push(element.dataset.vague);
    }
    element.toggleAttribute("data-far", far);
    said.textContent = words.join(" · ");
  };
  const flag = (on) => {
    byHand = on;
    const field = manual && element.closest("form")?.querySelector(`input[type=checkbox][name="${CSS.escape(manual)}"]`);
    if (!field || field.checked === on) return;
    field.checked = on;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const set = (input, value) => {
    input.value = value;
    for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
  };

  button.addEventListener("click", () => {
    said.textContent = element.dataset.seeking;
    button.disabled = true;
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        button.disabled = false;
        flag(false);
        taken.value = String(Math.max(1, Math.round(coords.accuracy)));
        set(lat, coords.latitude.toFixed(6));
        set(lng, coords.longitude.toFixed(6));
        show();
      },
      (error) => {
        button.disabled = false;
        said.textContent = error.code === error.PERMISSION_DENIED ? element.dataset.denied : element.dataset.failed;
      },
      { enableHighAccuracy: true, timeout: 20_000, maximumAge: 0 },
    );
  });
  for (const input of [lat, lng])
    input.addEventListener("input", (event) => {
      if (!event.isTrusted) return;
      const pasted = lat.value.match(/^\s*(-?\d{1,3}\.\d+)\s*[,;\s]\s*(-?\d{1,3}\.\d+)\s*$/);
      if (pasted) [lat.value, lng.value] = pasted.slice(1);
      taken.value = "";
      flag(Boolean(lat.value || lng.value));
      show();
    });
  button.hidden = !("geolocation" in navigator);
  show();
}
