// Resizing by the rules of OpenCV's `resize`, which the server uses: every new row or column is a weighted sum of old ones.

/** @import { Box } from "../viewer/label_map.js" */
/** @import { Size } from "./photo.js" */
/**
 * Which old indices count for each of `size` new ones, and how much: `count` entries for each.
 * @typedef {{ size: number, count: number, indices: Int32Array, weights: Float32Array }} Taps
 */
/** Numbers, row by row. @typedef {Float32Array | Uint8Array | Uint8ClampedArray | Int32Array} Numbers */

/**
 * @param {number} size @param {number} count
 * @param {(index: number, put: (place: number, index: number, weight: number) => void) => void} fill puts the entries of one new index
 * @returns {Taps}
 */
function makeTaps(size, count, fill) {
  const taps = { size, count, indices: new Int32Array(size * count), weights: new Float32Array(size * count) };
  for (let to = 0; to < size; to++) {
    fill(to, (place, index, weight) => {
      taps.indices[to * count + place] = index;
      taps.weights[to * count + place] = weight;
    });
  }
  return taps;
}

/** @param {number} value @param {number} most */
const clamp = (value, most) => Math.min(Math.max(value, 0), most);

/**
 * INTER_LINEAR: between the two nearest pixel centres, of all old pixels or of those that a part covers.
 * @param {number} from @param {number} to @param {number} start of the part @param {number} length of the part
 */
function linearTaps(from, to, start = 0, length = from) {
  return makeTaps(to, 2, (index, put) => {
    const place = start + ((index + 0.5) * length) / to - 0.5;
    const first = Math.floor(place);
    put(0, clamp(first, from - 1), 1 - (place - first));
    put(1, clamp(first + 1, from - 1), place - first);
  });
}

/** INTER_AREA: each new pixel is the mean of what it covers, if both sides shrink. @param {number} from @param {number} to */
function areaTaps(from, to) {
  const scale = from / to;
  return makeTaps(to, Math.ceil(scale) + 1, (index, put) => {
    const [start, end] = [index * scale, Math.min((index + 1) * scale, from)];
    const first = Math.floor(start + 1e-6);
    for (let place = first; place < Math.min(Math.ceil(end - 1e-6), from); place++) {
      const covered = Math.min(place + 1, end) - Math.max(place, start);
      put(place - first, place, covered / (end - start));
    }
  });
}

/**
 * INTER_AREA where one side does not shrink: a blend only where the new pixel straddles two old ones.
 * @param {number} from @param {number} to
 */
function straddlingTaps(from, to) {
  const scale = from / to;
  return makeTaps(to, 2, (index, put) => {
    const first = Math.floor(index * scale);
    const over = index + 1 - (first + 1) / scale;
    const share = over <= 0 ? 0 : over - Math.floor(over);
    put(0, clamp(first, from - 1), 1 - share);
    put(1, clamp(first + 1, from - 1), share);
  });
}

/** Columns and rows. @param {Size} from @param {Size} to @returns {[Taps, Taps]} */
export function areaTapsOf(from, to) {
  const make = from.width >= to.width && from.height >= to.height ? areaTaps : straddlingTaps;
  return [make(from.width, to.width), make(from.height, to.height)];
}

/** Columns and rows. @param {Size} from @param {Size} to @returns {[Taps, Taps]} */
export function linearTapsOf(from, to) {
  return [linearTaps(from.width, to.width), linearTaps(from.height, to.height)];
}

/**
 * Columns and rows for a box, whose sides may lie inside old pixels, in the place of the whole.
 * @param {Size} from @param {Size} to @param {Box} box @returns {[Taps, Taps]}
 */
export function linearTapsWithin(from, to, { x0, y0, x1, y1 }) {
  return [linearTaps(from.width, to.width, x0, x1 - x0), linearTaps(from.height, to.height, y0, y1 - y0)];
}

/** The taps for old indices that begin at `start`. @param {Taps} taps @param {number} start @returns {Taps} */
export function shiftTaps({ size, count, indices, weights }, start) {
  return { size, count, weights, indices: indices.map((index) => index + start) };
}

/**
 * Gives rows of `columns.size` pixels of `channels` floats.
 * @param {Numbers} source rows of `width` pixels of one value or, for three channels, of `stride`, of which the first three count
 * @param {number} width
 * @param {Taps} columns
 * @param {Taps} rows
 * @param {1 | 3} channels
 * @param {number} stride
 */
export function resample(source, width, columns, rows, channels = 1, stride = channels) {
  const [top, bottom] = reachOf(rows);
  const across = columns.size * channels;
  const place = { source, width, top, bottom };
  const narrow = channels === 1 ? narrowPlane(place, columns) : narrowColors(place, columns, stride);
  const out = new Float32Array(rows.size * across);
  for (let y = 0; y < rows.size; y++) {
    for (let tap = y * rows.count; tap < (y + 1) * rows.count; tap++) {
      const weight = rows.weights[tap];
      if (weight === 0) continue;
      const start = (rows.indices[tap] - top) * across;
      for (let x = 0, to = y * across; x < across; x++, to++) out[to] += weight * narrow[start + x];
    }
  }
  return out;
}

/** Old rows from one to another, the last one left out. @typedef {{ source: Numbers, width: number, top: number, bottom: number }} Rows */

/** The old rows with the new columns. @param {Rows} rows @param {Taps} columns */
function narrowPlane({ source, width, top, bottom }, { size, count, indices, weights }) {
  const narrow = new Float32Array((bottom - top) * size);
  for (let y = top, to = 0; y < bottom; y++) {
    const row = y * width;
    for (let x = 0, tap = 0; x < size; x++, to++) {
      let sum = 0;
      for (const end = tap + count; tap < end; tap++) sum += weights[tap] * source[row + indices[tap]];
      narrow[to] = sum;
    }
  }
  return narrow;
}

/** The same of three channels; one loop for all sums is what engines make fast. @param {Rows} rows @param {Taps} columns @param {number} stride */
function narrowColors({ source, width, top, bottom }, { size, count, indices, weights }, stride) {
  const narrow = new Float32Array((bottom - top) * size * 3);
  for (let y = top, to = 0; y < bottom; y++) {
    const row = y * width;
    for (let x = 0, tap = 0; x < size; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (const end = tap + count; tap < end; tap++) {
        const weight = weights[tap];
        const from = (row + indices[tap]) * stride;
        red += weight * source[from];
        green += weight * source[from + 1];
        blue += weight * source[from + 2];
      }
      narrow[to++] = red;
      narrow[to++] = green;
      narrow[to++] = blue;
    }
  }
  return narrow;
}

/** First old index that counts, and one past the last. @param {Pick<Taps, "indices" | "weights">} taps @returns {[number, number]} */
export function reachOf({ indices, weights }) {
  let [first, last] = [Infinity, -1];
  indices.forEach((index, tap) => {
    if (weights[tap] === 0) return;
    first = Math.min(first, index);
    last = Math.max(last, index);
  });
  return [first, last + 1];
}
