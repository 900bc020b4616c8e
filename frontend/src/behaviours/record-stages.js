// <ol data-behaviour="record-stages"> … <span aria-current="step">: where the bar is wider than the window, the stage of today is seen.
export default function recordStages(bar) {
  const now = bar.querySelector("[aria-current=step]");
  if (now) bar.scrollLeft = now.offsetLeft - (bar.clientWidth - now.offsetWidth) / 2;
}
