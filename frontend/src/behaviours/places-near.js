// <section data-behaviour="places-near" data-unknown="Your position is not known.">
//   <p data-near hidden><button>Distance from here</button> <span data-said></span></p>
//   <ol> <li data-lat="31.23" data-lng="121.47"> … <span data-distance></span>
// Asks the browser where one is when the button is pressed, writes the distances, puts the nearest first.
const EARTH = 6371000; // metres
const radians = (degrees) => (degrees * Math.PI) / 180;

export function metres(a, b) {
  const [dLat, dLng] = [radians(b.lat - a.lat), radians(b.lng - a.lng)];
  const half = Math.sin(dLat / 2) ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * Math.sin(dLng / 2) ** 2;
  return 2 * EARTH * Math.asin(Math.min(1, Math.sqrt(half)));
}

export default function placesNear(section) {
  const bar = section.querySelector("[data-near]");
  const said = section.querySelector("[data-said]");
  if (!bar || !navigator.geolocation) return;
  bar.hidden = false;
  const language = document.documentElement.lang || "en";
  const written = (distance) => {
    const far = distance >= 1000;
    const style = { style: "unit", unit: far ? "kilometer" : "meter", maximumFractionDigits: far && distance < 100000 ? 1 : 0 };
    return new Intl.NumberFormat(language, style).format(far ? distance / 1000 : distance);
  };
  bar.querySelector("button").addEventListener("click", () => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const here = { lat: coords.latitude, lng: coords.longitude };
        const rows = [...section.querySelectorAll("[data-lat]")].map((row) => {
          const distance = metres(here, { lat: Number(row.dataset.lat), lng: Number(row.dataset.lng) });
          row.querySelector("[data-distance]").textContent = written(distance);
          return { row, distance };
        });
        rows.sort((a, b) => a.distance - b.distance);
        rows[0]?.row.parentElement.append(...rows.map(({ row }) => row));
        said.textContent = "";
      },
      () => {
        said.textContent = section.dataset.unknown;
      },
      { timeout: 10000, maximumAge: 60000 },
    );
  });
}
