// What every page loads: swaps of parts of a page (htmx) and the small behaviours that elements ask for.
import htmx from "htmx.org";
import { attach, watch } from "../behaviours.js";

window.htmx = htmx;
attach(document);
watch();
