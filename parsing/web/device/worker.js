// The worker that parses photos on the device, away from the page's own thread. It fetches ONNX Runtime and the model once, then
// answers each {serial, source} with what was found, or with nothing where a newer photo has come since.
import * as ort from "./ort.js";
import { hasChip, openOnChip } from "./chip.js";
import { TamperedError, fetchEach, fetchFile, gather } from "./fetching.js";
import { Lite } from "./lite.js";
import { GRAPH, NETWORK_FILES, RUNTIME, WEIGHTS, openGarments, openNetwork, rehearse, startRuntime } from "./network.js";
import { openPhoto } from "./open.js";
import { checkSettings } from "./settings.js";

/** @import { Run } from "./lite.js" */
/** @import { Source } from "./page.js" */

class Superseded extends Error {}

/** Why the model could not be made ready. @param {unknown} error */
const reasonOf = (error) => (error instanceof TamperedError ? "tampered" : "failed");

const WARM_UPS = 30; // after that many runs, browsers have compiled a network's loops once more, into three times as fast ones
const WARM_UP_SIDE = 2; // of a warm-up's picture, in strides: how often a loop runs counts, not for how long, and nobody waits long for it
const MOST_THREADS = 4; // more gain little on a network this small
const warmUps = { parts: 0, garments: 0 }; // so far, of each network
const ready = load();
ready.then(
  () => postMessage({ state: { phase: "ready" } }),
  (error) => postMessage({ state: { phase: reasonOf(error) } }),
);
let newest = 0;
let isAwaited = false; // whether a visitor has chosen a photo
let queue = ready.then(
  async ({ run, runGarments, settings }) => {
    await warmUp("parts", run, settings.stride, () => isAwaited);
    await warmUp("garments", (...picture) => runGarments(...picture, true), settings.stride, () => isAwaited);
  },
  () => {},
);
useChip().catch((error) => console.warn(error)); // WebAssembly goes on

async function load() {
  const asked = Object.fromEntries(NETWORK_FILES.map((name) => [name, fetchFile(name)])); // while what they must be is fetched
  const settings = checkSettings(await (await fetchFile("settings.json")).json());
  const coming = fetchEach(settings.files, (here, total) => postMessage({ state: { phase: "loading", here, total } }), asked);
  const threads = crossOriginIsolated ? Math.min(MOST_THREADS, navigator.hardwareConcurrency) : 1;
  const started = coming[RUNTIME].then((packed) => startRuntime(ort, packed, threads));
  const all = gather(coming);
  let isOver = false; // on most networks, the weights take longer than the runtime takes to start
  const end = () => void (isOver = true);
  all.then(end, end);
  const [graph] = await Promise.all([coming[GRAPH], started]);
  const { stride } = settings;
  const weights = settings.files[WEIGHTS].bytes / 2;
  if (!isOver) await rehearse(ort, graph, weights, (run) => warmUp("parts", run, stride, () => isOver));
  const files = await all;
  postMessage({ state: { phase: "starting" } });
  const run = await openNetwork(ort, files, "wasm");
  const runGarments = await openGarments(ort, files);
  const grey = /** @type {const} */ ([new Uint8Array(3 * stride ** 2), stride, stride]);
  const answers = [await run(...grey), await runGarments(...grey, true)];
  const planes = answers.flatMap(Object.values); // a weight that is no number spoils every answer
  if (!planes.every((plane) => plane.every(Number.isFinite))) throw new Error("The network is damaged.");
  return { lite: new Lite(run, runGarments, settings), run, runGarments, settings, files };
}

/** Where there is a graphics chip, it computes from now on, unless it answers otherwise; should it fail later, nobody waits for it again. */
async function useChip() {
  const { lite, run, settings, files } = await ready;
  await queue; // what is to be seen first comes first
  if (!(await hasChip())) return;
  const chip = await openOnChip(files, settings, run);
  lite.run = async (...input) => {
    try {
      return await chip(...input);
    } catch (error) {
      console.warn(error);
      lite.run = run;
      postMessage({ state: { phase: "ready" } });
      return run(...input);
    }
  };
  postMessage({ state: { phase: "chip" } });
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

/**
 * Runs a network on a small grey picture, as often as it takes in all, or until there is something else to do.
 * @param {keyof typeof warmUps} network @param {(pixels: Uint8Array, width: number, height: number) => Promise<unknown>} run @param {number} stride @param {() => boolean} isOver
 */
async function warmUp(network, run, stride, isOver) {
  const side = WARM_UP_SIDE * stride;
  for (; warmUps[network] < WARM_UPS; warmUps[network]++) {
    await new Promise((done) => setTimeout(done)); // whatever has been sent meanwhile is heard first
    if (isOver()) return;
    await run(new Uint8Array(3 * side ** 2).fill(127), side, side);
  }
}

onmessage = ({ data: { serial, source, canWait } }) => {
  newest = serial;
  isAwaited ||= !canWait;
  queue = queue.then(() => answer(serial, source));
};
