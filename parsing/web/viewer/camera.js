// The camera, live. The last frame is drawn too, after the camera has been stopped: it is what files are made of. While nobody sees the
// page, the camera is off, and comes back with the page.
import { find } from "./dom.js";

/** @import { Words } from "./dom.js" */
/** @import { Frames } from "./frames.js" */

export class Camera {
  /**
   * @param {HTMLElement} root
   * @param {() => Words} words
   * @param {Frames} frames
   * @param {(reason: string) => void} fail told the key of a text
   */
  constructor(root, words, frames, fail) {
    this.words = words;
    this.frames = frames;
    this.fail = fail;
    this.button = find(root, ".camera");
    this.choice = /** @type {HTMLSelectElement} */ (find(root, ".cameras"));
    this.choice.addEventListener("change", () => this.change());
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    this.on = false;
    this.mirrored = true; // whoever looks at a screen with a camera above it expects a mirror
    /** @type {MediaStream | null} */
    this.stream = null;
    this.wake = () => {}; // ends waiting for a frame
    this.turn = 0; // goes up with whatever makes an earlier beginning void
    /** @type {Promise<void>} */
    this.ended = Promise.resolve();
    document.addEventListener("visibilitychange", () => this.follow());
  }

  /** @param {string} device the camera's, where one is chosen */
  async start(device = "") {
    this.switch(true);
    const turn = ++this.turn;
    try {
      const video = { width: 640, height: 480, ...(device && { deviceId: { exact: device } }) };
      const stream = await navigator.mediaDevices.getUserMedia({ video });
      if (turn !== this.turn || document.hidden) return stopTracks(stream); // stopped while the visitor was being asked
      this.mirrored = stream.getVideoTracks()[0].getSettings().facingMode !== "environment";
      this.video.srcObject = this.stream = stream;
      stream.getVideoTracks()[0].addEventListener("ended", () => this.lose(stream));
      await this.video.play();
      await this.listCameras(stream);
      this.ended = this.run(stream);
    } catch {
      if (turn !== this.turn) return;
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
    this.release();
    this.frames.rest();
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

  /** The camera has ended by itself: it was unplugged, or is not allowed any more. @param {MediaStream} stream */
  lose(stream) {
    if (this.stream !== stream) return;
    this.stop();
    this.fail("live.lost");
  }

  /** Lets go of the device; the button stays as it is. */
  release() {
    this.turn++;
    if (this.stream) stopTracks(this.stream);
    this.stream = this.video.srcObject = null;
    this.wake();
  }

  /** The page has gone out of sight, or come back. */
  follow() {
    if (!this.on) return;
    if (document.hidden) this.release();
    else if (!this.stream) this.start(this.choice.value);
  }

  /** @param {MediaStream} stream */
  async run(stream) {
    while (this.stream === stream) {
      const parsed = await this.frames.show(this.video, this.video.videoWidth, this.video.videoHeight, this.mirrored);
      if (this.stream !== stream) return;
      if (!parsed) {
        this.stop();
        return this.fail("live.failed");
      }
      await this.nextFrame();
      if (this.stream === stream) this.frames.count();
    }
  }

  /** Until the camera has another frame than the last one, or is let go. @returns {Promise<unknown>} */
  nextFrame() {
    const { video } = this;
    const wait = "requestVideoFrameCallback" in video ? video.requestVideoFrameCallback.bind(video) : requestAnimationFrame;
    return new Promise((done) => {
      this.wake = () => done(null);
      wait(this.wake);
    });
  }
}

/** Turns a map of pixels as a mirror does, in place. @param {Uint8Array | Uint32Array} values one a pixel, row by row @param {number} width of a row */
export function mirror(values, width) {
  for (let start = 0; start < values.length; start += width) values.subarray(start, start + width).reverse();
}

/** @param {MediaStream} stream */
function stopTracks(stream) {
  for (const track of stream.getTracks()) track.stop();
}
