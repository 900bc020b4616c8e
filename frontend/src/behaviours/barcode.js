// <div data-behaviour="barcode"> <input> <button hidden>Scan</button> <dialog><video></video> … <button data-close></button></dialog> </div>
// Reads a bar code or QR code with the camera, where the browser can; the camera is off again as soon as the window is closed.
export default function barcode(element) {
  const input = element.querySelector("input");
  const button = element.querySelector(".barcode-row > button");
  const dialog = element.querySelector("dialog");
  const video = dialog.querySelector("video");
  const said = element.querySelector("[role=alert]");
  let stream = null;

  async function scan() {
    said.textContent = "";
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      said.textContent = element.dataset.denied;
      return;
    }
    video.srcObject = stream;
    dialog.showModal();
    await video.play().catch(() => {});
    const detector = new window.BarcodeDetector();
    const look = async () => {
      if (!stream) return;
      const found = video.readyState >= 2 ? await detector.detect(video).catch(() => []) : [];
      const code = found.find((c) => c.rawValue);
      if (!code) return window.setTimeout(look, 150);
      input.value = code.rawValue;
      for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
      dialog.close();
    };
    look();
  }

  dialog.addEventListener("close", () => {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = video.srcObject = null;
    input.focus();
  });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  button.addEventListener("click", scan);
  button.hidden = !("BarcodeDetector" in window && navigator.mediaDevices);
}
