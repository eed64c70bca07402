// The camera, live: a frame is taken, parsed by the server, drawn, and only then the next one is taken, so that there is never a
// queue and what is shown is as new as the machine allows. The last frame is drawn too, after the camera has been stopped: it is what
// the server has for files to take away.
const LONGEST_FRAME = 640;

class Live {
  // `parse(frame)` gives the answer to what `take` gave; `show(answer, pixels)` draws it.
  constructor(root, parse, show, fail) {
    Object.assign(this, { parse, show, fail });
    this.rate = root.querySelector(".rate");
    this.canvas = document.createElement("canvas");
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  }

  get on() {
    return Boolean(this.stream);
  }

  async start() {
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
      this.video.srcObject = this.stream;
      await this.video.play();
      this.ended = this.run(this.stream);
    } catch {
      this.stop();
      this.fail("live.refused");
    }
  }

  // Ends after the frame that is at work, which `ended` waits for.
  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
    this.rate.hidden = true;
  }

  async run(stream) {
    let period = null;
    let last = performance.now();
    while (this.stream === stream) {
      const frame = await this.take();
      const answer = await this.parse(frame).catch(() => null);
      if (answer) await this.show(answer, frame.pixels);
      if (this.stream !== stream) return;
      if (!answer) {
        this.stop();
        return this.fail("live.failed");
      }
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      period = period === null ? now - last : 0.8 * period + 0.2 * (now - last);
      last = now;
      this.rate.hidden = false;
      this.rate.textContent = (1000 / period).toFixed(1) + " fps";
    }
  }

  // The frame that the camera shows now: its pixels, and a function that gives it as a JPEG's data address.
  async take() {
    const { videoWidth, videoHeight } = this.video;
    const zoom = Math.min(1, LONGEST_FRAME / Math.max(videoWidth, videoHeight));
    const [width, height] = [Math.round(videoWidth * zoom), Math.round(videoHeight * zoom)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = this.canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.video, 0, 0, width, height);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    return { pixels, width, height, address: () => this.canvas.toDataURL("image/jpeg", 0.9) };
  }
}
