// <div data-behaviour="audio"> <div class="audio-actions" hidden>…buttons, a meter, a clock…</div> <div class="files">…</div> </div>
// Records with the microphone when asked to; what was recorded is handed to the file widget below, as if it had been chosen there.
const KINDS = [["audio/mp4", "m4a"], ["audio/ogg;codecs=opus", "ogg"], ["audio/webm;codecs=opus", "webm"]];
const LONGEST = 3_600; // seconds

export default function audio(element) {
  const actions = element.querySelector(".audio-actions");
  const find = (name) => actions.querySelector(name);
  const [record, stop, discard, level, time] = ["[data-record]", "[data-stop]", "[data-discard]", "meter", "[role=timer]"].map(find);
  const said = element.querySelector("[role=alert]");
  const chooser = element.querySelector(".files input[type=file]");
  const show = (running) => {
    for (const part of [stop, discard, level, time]) part.hidden = !running;
    record.hidden = running;
    (running ? stop : record).focus();
  };

  async function begin() {
    said.textContent = "";
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      said.textContent = element.dataset.denied;
      return;
    }
    const [kind, ending] = KINDS.find(([type]) => MediaRecorder.isTypeSupported(type)) ?? ["", "webm"];
    const recorder = new MediaRecorder(stream, kind ? { mimeType: kind } : {});
    const pieces = [];
    let wanted = true;
    const since = performance.now();
    const sound = new AudioContext();
    const hearing = sound.createAnalyser();
    sound.createMediaStreamSource(stream).connect(hearing);
    const wave = new Float32Array(hearing.fftSize);
    const clock = window.setInterval(() => {
      hearing.getFloatTimeDomainData(wave);
      level.value = Math.min(1, Math.sqrt(wave.reduce((sum, v) => sum + v * v, 0) / wave.length) * 4);
      const seconds = Math.floor((performance.now() - since) / 1_000);
      time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
      if (seconds >= LONGEST || !element.isConnected) recorder.stop();
    }, 100);
    recorder.addEventListener("dataavailable", (event) => pieces.push(event.data));
    recorder.addEventListener("stop", () => {
      window.clearInterval(clock);
      for (const track of stream.getTracks()) track.stop();
      sound.close();
      show(false);
      time.textContent = "0:00";
      if (!wanted) return;
      const stamp = new Date().toLocaleString("sv").replace(/[ :]/g, "-");
      const made = new File(pieces, `${element.dataset.name}-${stamp}.${ending}`, { type: kind.split(";")[0] });
      const carrier = new DataTransfer();
      carrier.items.add(made);
      chooser.files = carrier.files;
      chooser.dispatchEvent(new Event("change"));
    });
    stop.onclick = () => recorder.stop();
    discard.onclick = () => {
      wanted = false;
      recorder.stop();
    };
    recorder.start(1_000);
    show(true);
  }

  record.addEventListener("click", begin);
  actions.hidden = !(navigator.mediaDevices && window.MediaRecorder);
}
