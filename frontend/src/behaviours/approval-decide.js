// <form data-behaviour="approval-decide" data-question="Reject this?"> … <button data-asks>: a button that asks before it sends.
// A form that was sent is not sent once more.
export default function approvalDecide(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    const asks = event.submitter?.hasAttribute("data-asks");
    if (sent || (asks && !window.confirm(form.dataset.question))) {
      event.preventDefault();
      return;
    }
    window.setTimeout(() => {
      if (!event.defaultPrevented) sent = true;
    });
  });
  window.addEventListener("pageshow", () => (sent = false));
}
