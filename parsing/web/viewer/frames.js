// Frames of something that moves, a camera or a clip: one is taken, parsed and drawn, and only then the next one is taken, so that there
// is never a queue and what is shown is as new as the machine allows.
import { contextOf, find } from "./dom.js";

/**
 * A frame, as it is in the world; whether it is to be shown as a mirror shows it; `address` gives it as a JPEG's data address.
 * @typedef {{ pixels: Uint32Array<ArrayBuffer>, width: number, height: number, mirrored: boolean, address: () => string }} Frame
 */

const LONGEST_FRAME = 640;

export class Frames {
  /**
   * @param {HTMLElement} root
   * @param {(frame: Frame) => Promise<boolean>} parse parses and draws a frame; whether that went well
   */
  constructor(root, parse) {
    this.parse = parse;
    this.rate = find(root, ".rate");
    this.canvas = document.createElement("canvas");
    /** @type {number | null} */
    this.period = null; // milliseconds from frame to frame, on average
    this.last = 0;
    document.addEventListener("visibilitychange", () => this.rest()); // nobody waits for frames while the page is out of sight
  }

  /** A picture of this size is parsed and drawn; whether that went well. @param {CanvasImageSource} picture @param {number} width @param {number} height */
  async show(picture, width, height, mirrored = false) {
    try {
      return await this.parse(this.take(picture, width, height, mirrored));
    } catch {
      return false;
    }
  }

  /** @param {CanvasImageSource} picture @param {number} pictureWidth @param {number} pictureHeight @param {boolean} mirrored @returns {Frame} */
  take(picture, pictureWidth, pictureHeight, mirrored) {
    const zoom = Math.min(1, LONGEST_FRAME / Math.max(pictureWidth, pictureHeight));
    const [width, height] = [pictureWidth, pictureHeight].map((side) => Math.max(1, Math.round(side * zoom)));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    const context = contextOf(this.canvas);
    context.drawImage(picture, 0, 0, width, height);
    const pixels = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
    return { pixels, width, height, mirrored, address: () => this.canvas.toDataURL("image/jpeg", 0.9) };
  }

  /** A frame is on the screen: says how many there are in a second. */
  count() {
    const now = performance.now();
    const period = now - this.last;
    if (this.last) this.period = this.period === null ? period : 0.8 * this.period + 0.2 * period;
    this.last = now;
    this.rate.hidden = this.period === null;
    if (this.period !== null) this.rate.textContent = (1000 / this.period).toFixed(1) + " fps";
  }

  /** No more frames come for now. */
  rest() {
    this.period = null;
    this.last = 0;
    this.rate.hidden = true;
  }
}
