// The network on the graphics chip, by WebGPU. Its runtime is fetched only where there is a chip, and what it answers to a small
// picture is compared with what WebAssembly answers.
import { fetchEach, gather } from "./fetching.js";
import { openNetwork, startRuntime } from "./network.js";
import { argmax } from "./scores.js";

/** @import { Answer, Run } from "./lite.js" */
/** @import { Contents } from "./network.js" */
/** @import { Settings } from "./settings.js" */
/** What TypeScript does not know of yet. @typedef {{ info: { isFallbackAdapter?: boolean } }} Adapter */
/** @typedef {{ gpu?: { requestAdapter: () => Promise<Adapter | null> }, connection?: { saveData?: boolean } }} Browser */

const PACKED = "ort.gpu.packed";
const SIDE = 4; // of the small picture, in strides
const LEAST_EQUAL = 0.995; // share of the small picture's cells that must have the same class
const MOST_APART = 0.05; // of a centre's score, and of a step to the centre in strides

/** Whether there is a chip, and not a program in its place, which is slower than WebAssembly; a visitor who saves data is not asked for more. */
export async function hasChip() {
  const { gpu, connection } = /** @type {Browser} */ (navigator);
  if (!gpu || connection?.saveData) return false;
  const adapter = await gpu.requestAdapter();
  return Boolean(adapter && !adapter.info.isFallbackAdapter);
}

/**
 * The network on the chip; raises Error where that does not start, or answers otherwise.
 * @param {Contents} files the network's @param {Settings} settings @param {Run} run the network in WebAssembly @returns {Promise<Run>}
 */
export async function openOnChip(files, settings, run) {
  const [ort, contents] = await Promise.all([import("./ort.gpu.js"), gather(fetchEach(settings.chip_files))]);
  await startRuntime(ort, contents[PACKED], 1);
  const chip = await openNetwork(ort, files, "webgpu");
  const side = SIDE * settings.stride;
  const picture = Uint8Array.from({ length: 3 * side ** 2 }, (_, place) => (place * place) % 251);
  if (!isEqual(await chip(picture, side, side), await run(picture, side, side), settings)) {
    throw new Error("The graphics chip answers otherwise than WebAssembly.");
  }
  return chip;
}

/** @param {Answer} one @param {Answer} other @param {Settings} settings */
export function isEqual(one, other, { stride, mirror }) {
  const cells = other.parts.length / mirror.length;
  const [mine, wanted] = [one, other].map(({ parts }) => argmax(parts, cells).best);
  const equal = mine.reduce((sum, part, cell) => sum + Number(part === wanted[cell]), 0);
  /** @param {Float32Array} values @param {Float32Array} expected @param {number} most */
  const isNear = (values, expected, most) => values.every((value, place) => Math.abs(value - expected[place]) <= most);
  return (
    one.parts.every(Number.isFinite) &&
    equal >= LEAST_EQUAL * cells &&
    isNear(one.heat, other.heat, MOST_APART) &&
    isNear(one.offsets, other.offsets, MOST_APART * stride)
  );
}
