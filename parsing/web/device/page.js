// "On this device" as the page has it; loaded only once somebody chooses it. Photos come in by an input of its own and go to a
// worker: Gradio's input, which would send them, is out of sight from the choice on, by input.css.
import { find, findInput, targetOf } from "../viewer/dom.js";
import { makeFile } from "./files.js";

/** @import { Connection } from "../page/connection.js" */
/** @import { DeviceState } from "../page/model_menu.js" */
/** @import { Stage } from "../viewer/progress.js" */
/** @import { WantedFile } from "./files.js" */
/** @import { Parsed } from "./lite.js" */
/** @import { OpenPixels } from "./open.js" */
/** @import { Photo } from "./photo.js" */
/** What can be parsed. @typedef {Blob | OpenPixels} Source */
/** A parsed photo, and what makes its files. @typedef {Parsed & Photo & { save: (wanted: WantedFile) => Promise<{ name: string, blob: Blob }> }} Found */
/** Why a photo was not parsed, the key of a text. @typedef {{ failed: string }} Failed */

/**
 * Begins, and gives the function that ends it.
 * @param {Connection} viewer
 * @param {(state: DeviceState) => void} tell told how far the model is: "starting", "loading", with the bytes that are here and in
 *   total, "ready" or "failed"
 */
export function start(viewer, tell) {
  const listening = new AbortController();
  /** @template {Event} E @param {EventTarget} target @param {string} type @param {(event: E) => void} act */
  const on = (target, type, act) =>
    target.addEventListener(type, /** @type {EventListener} */ (act), { signal: listening.signal, capture: true });
  const place = find(document, "#device-photo");
  const device = new Device(tell);
  /** @param {HTMLInputElement} input */
  const take = (input) => {
    if (input.files?.[0]) viewer.openHere(input.files[0]);
    input.value = ""; // so that the same photo can be chosen again
  };
  viewer.useDevice(device);
  take(findInput(place, "input")); // there may be a photo already

  on(place, "change", ({ target }) => take(/** @type {HTMLInputElement} */ (target)));
  /** @param {DragEvent} event */
  const carries = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  on(document, "dragover", (/** @type {DragEvent} */ event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  on(document, "drop", (/** @type {DragEvent} */ event) => {
    if (!carries(event) || !event.dataTransfer) return;
    event.preventDefault();
    event.stopPropagation();
    viewer.openHere(event.dataTransfer.files[0]);
  });
  on(document, "paste", (/** @type {ClipboardEvent} */ event) => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return;
    event.stopPropagation();
    viewer.openHere(file);
  });
  on(document, "click", async (event) => {
    const example = targetOf(event).closest("#examples button")?.querySelector("img");
    if (!example) return;
    event.stopPropagation();
    viewer.openHere(await (await fetch(example.src)).blob());
  });

  return () => {
    listening.abort();
    viewer.useDevice(null);
    device.stop();
  };
}

export class Device {
  /** @param {(state: DeviceState) => void} tell */
  constructor(tell) {
    this.serial = 0;
    this.broken = false;
    /** @type {(stage: Stage) => void} */
    this.tell = () => {};
    /** @type {((result: Found | Failed | null) => void) | null} */
    this.finish = null;
    /** @type {Record<string, number> | null} */
    this.expected = null; // milliseconds of each stage of the photo before
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onerror = () => {
      this.broken = true; // its scripts could not be fetched: it hears nothing
      this.finish?.({ failed: "device.broke" });
      tell({ phase: "failed" });
    };
    this.worker.onmessage = ({ data }) => (data.state ? tell(data.state) : this.hear(data));
  }

  /**
   * Parses a photo, telling each stage; null where a newer photo came in between.
   * @param {Source} source
   * @param {(stage: Stage) => void} tell
   * @returns {Promise<Found | Failed | null>}
   */
  parse(source, tell = () => {}) {
    this.finish?.(null);
    if (this.broken) return Promise.resolve({ failed: "device.broke" });
    return new Promise((done) => {
      this.tell = tell;
      this.finish = done;
      this.worker.postMessage({ serial: ++this.serial, source });
    });
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
