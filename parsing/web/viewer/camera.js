// The camera, live: a frame is taken, parsed, drawn, and only then the next one is taken, so that there is never a queue and what is
// shown is as new as the machine allows. The last frame is drawn too, after the camera has been stopped: it is what files are made of.
import { contextOf, find } from "./dom.js";

/** @import { Words } from "./dom.js" */
/**
 * What the camera shows at one moment, as it is in the world; whether it is to be shown as a mirror shows it; `address` gives it as a
 * JPEG's data address.
 * @typedef {{ pixels: Uint32Array<ArrayBuffer>, width: number, height: number, mirrored: boolean, address: () => string }} Frame
 */

const LONGEST_FRAME = 640;

export class Camera {
  /**
   * @param {HTMLElement} root
   * @param {() => Words} words
   * @param {(frame: Frame) => Promise<boolean>} parse parses and draws a frame; whether that went well
   * @param {(reason: string) => void} fail told the key of a text
   */
  constructor(root, words, parse, fail) {
    this.words = words;
    this.parse = parse;
    this.fail = fail;
    this.rate = find(root, ".rate");
    this.button = find(root, ".camera");
    this.choice = /** @type {HTMLSelectElement} */ (find(root, ".cameras"));
    this.choice.addEventListener("change", () => this.change());
    this.canvas = document.createElement("canvas");
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.on = false;
    this.mirrored = true; // whoever looks at a screen with a camera above it expects a mirror
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {Promise<void>} */
    this.ended = Promise.resolve();
  }

  /** @param {string} device the camera's, where one is chosen */
  async start(device = "") {
    this.switch(true);
    try {
      const video = { width: 640, height: 480, ...(device && { deviceId: { exact: device } }) };
      this.stream = await navigator.mediaDevices.getUserMedia({ video });
      if (!this.on) return this.stop(); // while the visitor was being asked
      this.mirrored = this.stream.getVideoTracks()[0].getSettings().facingMode !== "environment";
      this.video.srcObject = this.stream;
      await this.video.play();
      await this.listCameras(this.stream);
      this.ended = this.run(this.stream);
    } catch {
      this.stop();
      this.fail("live.refused");
    }
  }

  /** Another camera is chosen: it begins once the frame at work has ended. */
  async change() {
    const device = this.choice.value;
    this.stop();
    await this.ended;
    this.start(device);
  }

  /** Offers all cameras where there are several; their names are known only while one is on. @param {MediaStream} stream */
  async listCameras(stream) {
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
    this.choice.hidden = !this.on || cameras.length < 2;
    const options = cameras.map(({ label, deviceId }, i) => new Option(label || `${this.words()["live.camera"]} ${i + 1}`, deviceId));
    this.choice.replaceChildren(...options);
    this.choice.value = stream.getVideoTracks()[0].getSettings().deviceId ?? "";
  }

  /** Ends after the frame that is at work, which `ended` waits for. */
  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = this.video.srcObject = null;
    this.rate.hidden = true;
    this.choice.hidden = true;
    this.switch(false);
  }

  /** @param {boolean} on */
  switch(on) {
    this.on = on;
    this.button.classList.toggle("on", on);
    const text = find(this.button, "span");
    text.dataset.text = on ? "live.stop" : "live.start";
    text.textContent = this.words()[text.dataset.text];
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

  /** The frame that the camera shows now. @returns {Frame} */
  take() {
    const { videoWidth, videoHeight } = this.video;
    const zoom = Math.min(1, LONGEST_FRAME / Math.max(videoWidth, videoHeight));
    const [width, height] = [Math.round(videoWidth * zoom), Math.round(videoHeight * zoom)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = contextOf(this.canvas);
    context.drawImage(this.video, 0, 0, width, height);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    return { pixels, width, height, mirrored: this.mirrored, address: () => this.canvas.toDataURL("image/jpeg", 0.9) };
  }
}

/** Turns a map of pixels as a mirror does, in place. @param {Uint8Array | Uint32Array} values one a pixel, row by row @param {number} width of a row */
export function mirror(values, width) {
  for (let start = 0; start < values.length; start += width) values.subarray(start, start + width).reverse();
}
