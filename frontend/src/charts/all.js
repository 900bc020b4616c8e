// Everything a chart needs in one file that no other page fetches: built by itself, so that it shares no piece with them.
export { look } from "./look.js";
export { default as make } from "./make.js";
export { options } from "./options.js";
