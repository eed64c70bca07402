// The model on the visitor's device, as a page has it: photos go to a worker.
import { makeFile } from "./files.js";

/** @import { LocalPhotos } from "../viewer/local.js" */
/** @import { Stage } from "../viewer/progress.js" */
/** @import { WantedFile } from "./files.js" */
/** @import { Parsed } from "./lite.js" */
/** @import { OpenPixels } from "./open.js" */
/** @import { Photo } from "./photo.js" */
/** How far the model is; bytes that are here and in total. @typedef {{ phase: string, here?: number, total?: number }} DeviceState */
/** What can be parsed. @typedef {Blob | OpenPixels} Source */
/** A parsed photo, and what makes its files. @typedef {Parsed & Photo & { save: (wanted: WantedFile) => Promise<{ name: string, blob: Blob }> }} Found */
/** Why a photo was not parsed, the key of a text. @typedef {{ failed: string }} Failed */

const MOST_PIXELS = 25e6; // of the photos that are kept for whoever comes back to one, 10 bytes each

/**
 * Begins, and gives the function that ends it.
 * @param {LocalPhotos} photos
 * @param {(state: DeviceState) => void} tell told how far the model is: "starting", "loading", with the bytes that are here and in
 *   total, "ready", "chip" (on the graphics chip from now on), "tampered" or "failed"
 */
export function start(photos, tell) {
  const device = new Device(tell);
  photos.useDevice(device);
  return () => {
    photos.useDevice(null);
    device.stop();
  };
}

export class Device {
  /** @param {(state: DeviceState) => void} tell */
  constructor(tell) {
    this.serial = 0;
    this.failed = ""; // the key of a text that says why it could not be made ready
    /** @type {(stage: Stage) => void} */
    this.tell = () => {};
    /** @type {((result: Found | Failed | null) => void) | null} */
    this.finish = null;
    /** @type {Record<string, number> | null} */
    this.expected = null; // milliseconds of each stage of the photo before
    /** @type {Map<Source, Found>} */
    this.kept = new Map(); // files that have been parsed, the newest last
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onerror = () => {
      this.failed = "device.failed"; // its scripts could not be fetched: it hears nothing
      this.finish?.({ failed: this.failed });
      tell({ phase: "failed" });
    };
    this.worker.onmessage = ({ data }) => {
      if (!data.state) return this.hear(data);
      const { phase } = data.state;
      if (phase === "failed" || phase === "tampered") this.failed = `device.${phase}`;
      tell(data.state);
    };
  }

  /**
   * Parses a photo, telling each stage; null where a newer photo came in between. A file that was parsed before is not parsed again, as
   * long as it is kept.
   * @param {Source} source
   * @param {(stage: Stage) => void} tell
   * @param {boolean} canWait until the model is warm, because no visitor has asked for it
   * @returns {Promise<Found | Failed | null>}
   */
  parse(source, tell = () => {}, canWait = false) {
    this.finish?.(null);
    if (this.failed) return Promise.resolve({ failed: this.failed });
    const serial = ++this.serial; // what is at work is of no more use
    this.finish = null;
    const kept = this.kept.get(source);
    if (kept) return Promise.resolve(this.keep(source, kept));
    return new Promise((done) => {
      this.tell = tell;
      this.finish = (result) => done(source instanceof Blob && result && !("failed" in result) ? this.keep(source, result) : result);
      this.worker.postMessage({ serial, source, canWait });
    });
  }

  /** Keeps a parsed file, and forgets the oldest where they are too many. @param {Source} source @param {Found} found */
  keep(source, found) {
    this.kept.delete(source);
    this.kept.set(source, found);
    let pixels = 0;
    for (const [file, { width, height }] of [...this.kept].reverse()) {
      pixels += width * height;
      if (pixels > MOST_PIXELS && file !== source) this.kept.delete(file);
    }
    return found;
  }

  /** What the worker says. @param {{ serial: number, stage?: string, found: Parsed & Photo, failed?: string }} said */
  hear({ serial, stage, found, failed }) {
    if (serial !== this.serial) return;
    if (stage) return this.tell({ name: stage, expected: this.expected });
    const finish = this.finish;
    this.finish = null;
    if (!finish) return;
    if (failed) return finish({ failed });
    const { timings } = found;
    this.expected = { parse: timings.find + timings.parse + timings.decode };
    finish({ ...found, save: (wanted) => makeFile(found, wanted) });
  }

  stop() {
    this.worker.terminate();
    this.finish?.(null);
  }
}
