// The camera, live: a frame is taken, parsed, drawn, and only then the next one is taken, so that there is never a queue and what is
// shown is as new as the machine allows. The last frame is drawn too, after the camera has been stopped: it is what files are made of.
import { contextOf, find } from "./dom.js";

/** What the camera shows at one moment. @typedef {{ pixels: Uint32Array<ArrayBuffer>, width: number, height: number, address: () => string }} Frame */

const LONGEST_FRAME = 640;

export class Camera {
  /**
   * @param {HTMLElement} root
   * @param {(frame: Frame) => Promise<boolean>} parse parses and draws a frame; whether that went well
   * @param {(reason: string) => void} fail told the key of a text
   */
  constructor(root, parse, fail) {
    this.parse = parse;
    this.fail = fail;
    this.rate = find(root, ".rate");
    this.button = find(root, ".camera");
    this.canvas = document.createElement("canvas");
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {Promise<void>} */
    this.ended = Promise.resolve();
  }

  get on() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  async start() {
    this.button.setAttribute("aria-pressed", "true");
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
      if (!this.on) return this.stop(); // while the visitor was being asked
      this.video.srcObject = this.stream;
      await this.video.play();
      this.ended = this.run(this.stream);
    } catch {
      this.stop();
      this.fail("live.refused");
    }
  }

  /** Ends after the frame that is at work, which `ended` waits for. */
  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
    this.rate.hidden = true;
    this.button.setAttribute("aria-pressed", "false");
  }

  /** @param {MediaStream} stream */
  async run(stream) {
    /** @type {number | null} */
    let period = null;
    let last = performance.now();
    while (this.stream === stream) {
      const parsed = await this.parse(this.take()).catch(() => false);
      if (this.stream !== stream) return;
      if (!parsed) {
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

  /** The frame that the camera shows now; `address` gives it as a JPEG's data address. @returns {Frame} */
  take() {
    const { videoWidth, videoHeight } = this.video;
    const zoom = Math.min(1, LONGEST_FRAME / Math.max(videoWidth, videoHeight));
    const [width, height] = [Math.round(videoWidth * zoom), Math.round(videoHeight * zoom)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = contextOf(this.canvas);
    context.drawImage(this.video, 0, 0, width, height);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    return { pixels, width, height, address: () => this.canvas.toDataURL("image/jpeg", 0.9) };
  }
}
