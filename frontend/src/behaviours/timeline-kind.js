// <a class="pill" data-behaviour="timeline-kind" hx-get="…">: marks the kind of the timeline that was chosen.
export default function timelineKind(link) {
  link.addEventListener("click", () => {
    for (const other of link.parentElement.children) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
  });
}
