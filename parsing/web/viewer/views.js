// From a label map to pixels, by the rule of parsing/render.py, to the last bit: one function a view.
import { PERSON, borders, chooseKeys, range } from "./label_map.js";

/** @import { Box, KeyTable, LabelMap } from "./label_map.js" */
/** Red, green, blue, each 0 to 255. @typedef {[number, number, number]} Color */
/**
 * What is drawn: the classes and the person (0: everybody) chosen, how, and in which colours by class.
 * @typedef {{ parts: number[], person: number, view: string, opacity: number, colors: Color[] }} Drawing
 */
/** Draws the pixels from `start` to before `end`. @typedef {(start: number, end: number) => void} DrawRun */

const OPAQUE = 0xff000000;

/**
 * Where a picture changes when what is set does; everywhere where the view changes or nothing was set before.
 * @param {LabelMap} map
 * @param {Drawing | null} before
 * @param {Drawing} now
 */
export function changedBox(map, before, now) {
  if (before?.view !== now.view) return map.whole;
  const same = before.person === now.person && before.opacity === now.opacity && before.colors === now.colors;
  /** @param {number} part */
  const differs = (part) => before.parts.includes(part) !== now.parts.includes(part);
  const parts = range(1, PERSON - 1).filter((part) => !same || differs(part));
  return map.boxOf(parts, now.view === "outlines" ? map.reach : 0);
}

/**
 * Draws a box of a photo into `out`, which has the photo's size.
 * @param {LabelMap} map
 * @param {Drawing} drawing
 * @param {Uint32Array} out
 * @param {Box} box
 */
export function compose(map, { parts, person, view, opacity, colors }, out, box) {
  const chosen = chooseKeys(parts, person);
  const flat = Int32Array.from(colors, ([red, green, blue]) => OPAQUE | (blue << 16) | (green << 8) | red);
  /** @type {Record<string, () => DrawRun>} */
  const views = {
    overlay: () => blend(map, chosen, colors, Math.floor(opacity * 256 + 0.5), out),
    map: () => colorMap(map, chosen, flat, out),
    cutout: () => copyChosen(map, chosen, out),
    outlines: () => drawOutlines(map, chosen, flat, out, box),
  };
  const drawRun = views[view]();
  for (let y = box.y0; y < box.y1; y++) drawRun(y * map.width + box.x0, y * map.width + box.x1);
}

/**
 * @param {LabelMap} map @param {KeyTable} chosen @param {Color[]} colors @param {number} share of the colour, 0 to 256
 * @param {Uint32Array} out @returns {DrawRun}
 */
function blend({ keys, pixels }, chosen, colors, share, out) {
  const rest = 256 - share;
  // Red and blue are mixed in one go: neither sum leaves its 16 bits.
  const redBlue = Int32Array.from(colors, ([red, , blue]) => (red * share + 128) | ((blue * share + 128) << 16));
  const middle = Int32Array.from(colors, ([, green]) => green * share + 128);
  return (start, end) => {
    for (let i = start; i < end; i++) {
      const pixel = pixels[i];
      const key = keys[i];
      if (chosen[key]) {
        const part = key & 31;
        const mixed = (Math.imul(pixel & 0xff00ff, rest) + redBlue[part]) | 0;
        const green = ((pixel >>> 8) & 255) * rest + middle[part];
        out[i] = OPAQUE | ((mixed >>> 8) & 0xff00ff) | (green & 0xff00);
      } else out[i] = pixel;
    }
  };
}

/** @param {LabelMap} map @param {KeyTable} chosen @param {Int32Array} flat @param {Uint32Array} out @returns {DrawRun} */
function colorMap({ keys }, chosen, flat, out) {
  return (start, end) => {
    for (let i = start; i < end; i++) out[i] = chosen[keys[i]] ? flat[keys[i] & 31] : OPAQUE;
  };
}

/** @param {LabelMap} map @param {KeyTable} chosen @param {Uint32Array} out @returns {DrawRun} */
function copyChosen({ keys, pixels }, chosen, out) {
  return (start, end) => {
    for (let i = start; i < end; i++) out[i] = chosen[keys[i]] ? pixels[i] : 0;
  };
}

/**
 * @param {LabelMap} map @param {KeyTable} chosen @param {Int32Array} flat @param {Uint32Array} out @param {Box} box
 * @returns {DrawRun}
 */
function drawOutlines(map, chosen, flat, out, box) {
  const { keys, pixels } = map;
  const edge = borders(map, chosen, (key) => key, box);
  return (start, end) => {
    for (let i = start; i < end; i++) out[i] = edge[i] && chosen[keys[i]] ? flat[keys[i] & 31] : pixels[i];
  };
}
