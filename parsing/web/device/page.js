// "On this device" as the page has it; loaded only once somebody chooses it. Photos come in by an input of its own and go to a
// worker: Gradio's input, which would send them, is out of sight from the choice on, by input.css.
import { makeFile } from "./files.js";

// Begins: `viewer` is what the viewer offers, `tell` is told how far the model is, {phase: "starting", "loading", "ready" or
// "failed"}, with the bytes that are here and in total while it is loading. Gives the function that ends it.
export function start(viewer, tell) {
  const listening = new AbortController();
  const on = (target, type, act) => target.addEventListener(type, act, { signal: listening.signal, capture: true });
  const place = document.querySelector("#device-photo");
  const device = new Device(tell);
  const take = (input) => {
    if (input.files[0]) viewer.openHere(input.files[0]);
    input.value = ""; // so that the same photo can be chosen again
  };
  viewer.useDevice(device);
  take(place.querySelector("input")); // there may be a photo already

  on(place, "change", ({ target }) => take(target));
  const carries = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  on(document, "dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  on(document, "drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
    viewer.openHere(event.dataTransfer.files[0]);
  });
  on(document, "paste", (event) => {
    const file = [...event.clipboardData.files].find(({ type }) => type.startsWith("image/"));
    if (!file) return;
    event.stopPropagation();
    viewer.openHere(file);
  });
  on(document, "click", async (event) => {
    const example = event.target.closest("#examples button")?.querySelector("img");
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

class Device {
  constructor(tell) {
    this.serial = 0;
    this.expected = null; // milliseconds of each stage of the photo before
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onerror = () => {
      this.broken = true; // its scripts could not be fetched: it hears nothing
      this.finish?.({ failed: "device.broke" });
      tell({ phase: "failed" });
    };
    this.worker.onmessage = ({ data }) => (data.state ? tell(data.state) : this.hear(data));
  }

  // Parses a file, or {pixels, width, height}, telling each stage. Gives what `Lite.parse` in lite.js does, the photo's pixels, and
  // `save`, which makes files; {failed: key of a text} where that was not possible; null where a newer photo came in between.
  parse(source, tell = () => {}) {
    this.finish?.(null);
    if (this.broken) return Promise.resolve({ failed: "device.broke" });
    return new Promise((done) => {
      Object.assign(this, { tell, finish: done });
      this.worker.postMessage({ serial: ++this.serial, source });
    });
  }

  hear({ serial, stage, found, failed }) {
    if (serial !== this.serial) return;
    if (stage) return this.tell({ name: stage, expected: this.expected });
    const finish = this.finish;
    this.finish = null;
    if (failed) return finish({ failed });
    const { find, parse, decode } = found.timings;
    this.expected = { parse: find + parse + decode };
    finish({ ...found, save: (wanted) => makeFile(found, wanted) });
  }

  stop() {
    this.worker.terminate();
    this.finish?.(null);
  }
}
