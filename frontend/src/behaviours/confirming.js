// <form data-behaviour="confirming" data-question="Delete 3 records?">: asks before it is sent.
export default function confirming(form) {
  form.addEventListener("submit", (event) => {
    if (!window.confirm(form.dataset.question)) event.preventDefault();
  });
}
