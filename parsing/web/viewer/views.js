// From a label map to pixels, by the rule of parsing/render.py, to the last bit: one function a view.
import { fade, grow } from "./edges.js";
import { blur, pixelate, recolor } from "./effects.js";
import { PERSON, borders, chooseKeys, range } from "./label_map.js";

/** @import { Box, KeyTable, LabelMap } from "./label_map.js" */
/** Red, green, blue, each 0 to 255. @typedef {[number, number, number]} Color */
/**
 * What is drawn: the classes and the person (0: everybody) chosen, how, and in which colours by class; by how many pixels the edges grow,
 * and over how many they fade.
 * @typedef {{ parts: number[], person: number, view: string, opacity: number, colors: Color[], grow: number, feather: number }} Drawing
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
  if (before?.view !== now.view || now.grow || now.feather || before.grow || before.feather) return map.whole;
  if (now.view === "recolor") return map.whole; // the mean of a region may change everywhere in it
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
export function compose(map, drawing, out, box) {
  const chosen = chooseKeys(drawing.parts, drawing.person);
  if (!drawing.grow && !drawing.feather) return draw(map, chosen, drawing, out, box);
  const { width, height } = map;
  const feather = drawing.view === "outlines" ? 0 : drawing.feather;
  const regions = map.keys.map((key) => (chosen[key] ? key : 0));
  const grown = grow(regions, width, height, drawing.grow);
  draw(map.withKeys(grow(grown, width, height, feather)), chosen, drawing, out, map.whole);
  if (feather) mix(map.pixels, fade(grown, width, height, feather), drawing.view, out);
}

/**
 * Lays what was drawn over the photo, over black in "map", as far as `share` says, 0 to 255; "cutout" becomes as transparent.
 * @param {Uint32Array} pixels @param {Uint8Array} share @param {string} view @param {Uint32Array} out
 */
function mix(pixels, share, view, out) {
  for (let i = 0; i < out.length; i++) {
    const weight = share[i];
    if (view === "cutout") out[i] = weight ? (out[i] & 0xffffff) | (weight << 24) : 0;
    else if (weight < 255) {
      const below = view === "map" ? 0 : pixels[i];
      let mixed = OPAQUE;
      for (let shift = 0; shift < 24; shift += 8) {
        const sum = ((below >>> shift) & 255) * (255 - weight) + ((out[i] >>> shift) & 255) * weight + 127;
        mixed |= Math.floor(sum / 255) << shift;
      }
      out[i] = mixed;
    }
  }
}

/**
 * One view, with hard edges.
 * @param {LabelMap} map @param {KeyTable} chosen @param {Drawing} drawing @param {Uint32Array} out @param {Box} box
 */
function draw(map, chosen, { view, opacity, colors }, out, box) {
  const flat = Int32Array.from(colors, ([red, green, blue]) => OPAQUE | (blue << 16) | (green << 8) | red);
  /** @type {Record<string, () => DrawRun>} */
  const views = {
    overlay: () => blend(map, chosen, colors, Math.floor(opacity * 256 + 0.5), out),
    map: () => colorMap(map, chosen, flat, out),
    cutout: () => copyChosen(map, chosen, out),
    outlines: () => drawOutlines(map, chosen, flat, out, box),
    blur: () => replaceChosen(map, chosen, map.effect("blur", blur), out),
    pixelate: () => replaceChosen(map, chosen, map.effect("pixelate", pixelate), out),
    recolor: () => {
      const regions = map.keys.map((key) => (chosen[key] ? key : 0));
      return replaceChosen(map, chosen, recolor(map.pixels, regions, colors), out);
    },
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

/** @param {LabelMap} map @param {KeyTable} chosen @param {Uint32Array} other @param {Uint32Array} out @returns {DrawRun} */
function replaceChosen({ keys, pixels }, chosen, other, out) {
  return (start, end) => {
    for (let i = start; i < end; i++) out[i] = chosen[keys[i]] ? other[i] : pixels[i];
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
