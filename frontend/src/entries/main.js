// What every page loads: swaps of parts of a page (htmx) and the small behaviours that elements ask for.
import htmx from "htmx.org";
import { attach, watch } from "../behaviours.js";

window.htmx = htmx;

// What a swap sends carries the session's token, so that no form has to.
document.addEventListener("htmx:config:request", (event) => {
  const token = document.querySelector("meta[name=csrf]")?.content;
  const request = event.detail?.ctx?.request;
  if (token && request) request.headers["X-CSRF-Token"] = token;
});

// A refusal is drawn by the server as a message (see web/errors.py). Here is only what no server can say: that none answered.
document.addEventListener("htmx:error", (event) => {
  const place = document.getElementById("flashes");
  if (event.target.closest?.(".bell")) return; // it asks again by itself
  if (!(event.detail?.error instanceof TypeError) || !place || place.querySelector("[data-offline]")) return;
  const flash = document.createElement("div");
  flash.className = "flash";
  flash.dataset.offline = "";
  flash.dataset.behaviour = "flash";
  flash.setAttribute("role", "alert");
  flash.textContent = document.body.dataset.offline ?? "";
  place.append(flash);
});

attach(document);
watch();
