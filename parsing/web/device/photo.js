// Photos made smaller or larger to the byte as OpenCV does it on the server: as floats where they shrink, and in whole numbers
// where they grow. Photos are RGBA bytes, row by row.
import { areaTapsOf, linearTapsOf, resample, shiftTaps } from "./resample.js";

/** @import { Box } from "../viewer/label_map.js" */
/** @import { Taps } from "./resample.js" */
/** @typedef {{ width: number, height: number }} Size */
/** RGBA bytes, row by row. @typedef {{ pixels: Uint8ClampedArray<ArrayBuffer> } & Size} Photo */

/** A box of a photo, resized: RGB bytes, ready for the network. @param {Photo} photo @param {Box} box @param {Size} to */
export function resizePhoto({ pixels, width }, box, to) {
  const from = { width: box.x1 - box.x0, height: box.y1 - box.y0 };
  const taps = to.height < from.height ? areaTapsOf(from, to) : linearTapsOf(from, to);
  const [columns, rows] = [shiftTaps(taps[0], box.x0), shiftTaps(taps[1], box.y0)];
  if (to.height >= from.height || to.width > from.width) return blend(pixels, width, columns, rows);
  const halved = from.width === 2 * to.width && from.height === 2 * to.height; // OpenCV has a way of its own for that
  const floats = resample(pixels, width, columns, rows, 3, 4);
  const bytes = new Uint8ClampedArray(halved ? floats.map(Math.round) : floats); // rounds half to even
  return new Uint8Array(bytes.buffer);
}

/**
 * Two taps each way, their weights in 2048ths; the last bits of sums are dropped where OpenCV drops them.
 * @param {Uint8ClampedArray} pixels @param {number} width @param {Taps} columns @param {Taps} rows
 */
function blend(pixels, width, columns, rows) {
  const [across, down] = [columns, rows].map(({ weights }) => Int32Array.from(weights, (weight) => roundHalfEven(weight * 2048)));
  const out = new Uint8Array(columns.size * rows.size * 3);
  for (let y = 0, to = 0; y < rows.size; y++) {
    const [upper, lower] = [rows.indices[2 * y] * width, rows.indices[2 * y + 1] * width];
    for (let x = 0; x < columns.size; x++) {
      const [left, right] = [columns.indices[2 * x], columns.indices[2 * x + 1]];
      for (let channel = 0; channel < 3; channel++, to++) {
        /** @param {number} row */
        const between = (row) =>
          pixels[(row + left) * 4 + channel] * across[2 * x] + pixels[(row + right) * 4 + channel] * across[2 * x + 1];
        const top = (down[2 * y] * (between(upper) >> 4)) >> 16;
        const bottom = (down[2 * y + 1] * (between(lower) >> 4)) >> 16;
        out[to] = (top + bottom + 2) >> 2;
      }
    }
  }
  return out;
}

/** As Python and OpenCV round. @param {number} value */
export function roundHalfEven(value) {
  const down = Math.floor(value);
  const rest = value - down;
  return rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
}
