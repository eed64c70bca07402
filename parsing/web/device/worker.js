// The worker that parses photos on the device, away from the page's own thread. It fetches ONNX Runtime and the model once, then
// answers each {serial, source} with what was found, or with nothing where a newer photo has come since.
import * as ort from "./ort.js";
import { expandHalves } from "./halves.js";
import { Lite } from "./lite.js";
import { openPhoto } from "./open.js";
import { checkSettings } from "./settings.js";

/** @import { Run } from "./lite.js" */
/** @import { Source } from "./page.js" */
/** @import { Known } from "./settings.js" */

class Superseded extends Error {}

class TamperedError extends Error {}

/** Why the model could not be made ready. @param {unknown} error */
const reasonOf = (error) => (error instanceof TamperedError ? "tampered" : "failed");

const WEIGHTS = "lite.weights"; // as the graph calls them
const WARM_UPS = 3; // after that many runs, browsers have compiled the network's loops once more, into twice as fast ones
const MOST_THREADS = 4; // more gain little on a network this small
const ready = load();
ready.then(
  () => postMessage({ state: { phase: "ready" } }),
  (error) => postMessage({ state: { phase: reasonOf(error) } }),
);
let newest = 0;
let queue = warmUp();

async function load() {
  const settings = checkSettings(await (await fetchFile("settings.json")).json());
  const files = await fetchAll(settings.files);
  postMessage({ state: { phase: "starting" } });
  const unpacked = new Blob([files["ort.wasm.packed"]]).stream().pipeThrough(new DecompressionStream("gzip"));
  Object.assign(ort.env.wasm, {
    wasmBinary: await new Response(unpacked).arrayBuffer(),
    numThreads: crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1,
  });
  ort.env.logLevel = "error";
  const weights = new Uint8Array(expandHalves(files[WEIGHTS]).buffer);
  const session = await ort.InferenceSession.create(files["lite.onnx"], {
    executionProviders: ["wasm"],
    graphOptimizationLevel: "disabled", // it was optimized when it was written
    externalData: [{ path: WEIGHTS, data: weights }],
  });
  /** @type {Run} */
  const run = async (pixels, width, height) => {
    const { parts, heat, offsets } = await session.run({ image: new ort.Tensor("uint8", pixels, [1, height, width, 3]) });
    return { parts: parts.data, heat: heat.data, offsets: offsets.data };
  };
  const { stride } = settings;
  const planes = await run(new Uint8Array(3 * stride ** 2), stride, stride); // a weight that is no number spoils every answer
  if (!Object.values(planes).every((plane) => plane.every(Number.isFinite))) throw new Error("The network is damaged.");
  return { lite: new Lite(run, settings), run, settings };
}

/** @param {string} name */
async function fetchFile(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

/** The bytes of files by name, telling the page how much of them is here. @param {Record<string, Known>} files by name */
async function fetchAll(files) {
  const names = Object.keys(files);
  const responses = await Promise.all(names.map(fetchFile));
  const total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  let here = 0;
  const contents = await Promise.all(
    responses.map(async ({ body }) => {
      if (!body) throw new Error("Nothing came.");
      const counted = new TransformStream({
        transform(chunk, stream) {
          here += chunk.length;
          postMessage({ state: { phase: "loading", here: Math.min(here, total), total } });
          stream.enqueue(chunk);
        },
      });
      return new Response(body.pipeThrough(counted)).arrayBuffer();
    }),
  );
  for (const [place, content] of contents.entries()) {
    if (!(await isIntact(content, files[names[place]].sha256))) throw new TamperedError(names[place]);
  }
  return Object.fromEntries(names.map((name, place) => [name, new Uint8Array(contents[place])]));
}

/** Whether a file has this checksum; a page that came over plain HTTP cannot tell. @param {ArrayBuffer} content @param {string} sha256 */
async function isIntact(content, sha256) {
  if (!isSecureContext) return true;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}

/** @param {number} serial @param {Source} source */
async function answer(serial, source) {
  const pause = async () => {
    await new Promise((done) => setTimeout(done)); // whatever has been sent meanwhile is heard first
    if (serial !== newest) throw new Superseded();
  };
  /** @param {string} stage */
  const tell = (stage) => postMessage({ serial, stage });
  try {
    tell("fetch");
    const loaded = await ready.catch((error) => reasonOf(error));
    if (typeof loaded === "string") return postMessage({ serial, failed: "device." + loaded });
    const { lite, settings } = loaded;
    await pause();
    tell("open");
    const start = performance.now();
    const photo = await openPhoto(source, settings.longest_photo);
    const open = performance.now() - start;
    await pause();
    tell("parse");
    const { maps, people, timings } = await lite.parse(photo, pause);
    const { pixels, width, height } = photo;
    const found = { pixels, width, height, maps, people, timings: { open, ...timings } };
    postMessage({ serial, found }, { transfer: [pixels.buffer, maps.buffer] });
  } catch (error) {
    if (error instanceof Superseded) return;
    console.error(error);
    postMessage({ serial, failed: error instanceof Error && error.name === "UnreadableError" ? "device.unreadable" : "device.broke" });
  }
}

/** Runs the network on a grey picture, a few times, until the first photo comes. */
async function warmUp() {
  const loaded = await ready.catch(() => null);
  for (let run = 0; loaded && run < WARM_UPS; run++) {
    await new Promise((done) => setTimeout(done)); // whatever has been sent meanwhile is heard first
    if (newest) return;
    const { stride, look_area } = loaded.settings;
    const side = Math.floor(Math.sqrt(look_area) / stride) * stride;
    await loaded.run(new Uint8Array(3 * side ** 2).fill(127), side, side);
  }
}

onmessage = ({ data: { serial, source } }) => {
  newest = serial;
  queue = queue.then(() => answer(serial, source));
};
