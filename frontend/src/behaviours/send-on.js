// <form data-behaviour="send-on">: what a script sent asks for a page of its own: the same is sent again as the page would send it.
export default function sendOn(form) {
  HTMLFormElement.prototype.submit.call(form); // a field may be called `submit`
}
