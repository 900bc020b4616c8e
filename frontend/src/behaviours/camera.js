// <div class="files" data-behaviour="file-drop camera" data-capture="environment" data-camera="…"> … <dialog> <video> … </dialog> </div>
// A picture taken on the spot. A phone opens its own camera; elsewhere, where a browser would offer an album of files instead, the
// picture is taken here. The camera is off again as soon as the window is closed.
const QUALITY = 0.9;

export default function camera(element) {
  const chooser = element.querySelector(".file-drop input[type=file]");
  const dialog = element.querySelector("dialog");
  const video = dialog.querySelector("video");
  const shoot = dialog.querySelector("[data-shoot]");
  const said = element.querySelector(".file-said");
  if (window.matchMedia("(pointer: coarse)").matches) return;
  let stream = null;

  async function begin() {
    said.textContent = "";
    try {
      const wanted = { facingMode: element.dataset.capture, width: { ideal: 1_920 } };
      stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    } catch {
      said.textContent = element.dataset.noCamera;
      return;
    }
    video.srcObject = stream;
    dialog.showModal();
    await video.play().catch(() => {});
    shoot.focus();
  }
  async function take() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    if (!canvas.width) return;
    canvas.getContext("2d").drawImage(video, 0, 0);
    const picture = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    const stamp = new Date().toLocaleString("sv").replace(/[ :]/g, "-");
    const file = new File([picture], `${element.dataset.camera}-${stamp}.jpg`, { type: "image/jpeg" });
    dialog.close();
    element.dispatchEvent(new CustomEvent("patron:files", { detail: [file] }));
  }

  chooser.addEventListener("click", (event) => {
    event.preventDefault();
    begin();
  });
  shoot.addEventListener("click", take);
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = video.srcObject = null;
    chooser.focus();
  });
}
