// Edges that grow, shrink and fade: parsing/effects.py in JavaScript, to the last bit. A region is a pixel's key, 0 where nothing is
// chosen.

/**
 * Regions that are wider, or narrower where `pixels` is negative, by so many pixels on every side; what is added takes the largest key
 * in the square around it.
 * @param {Uint16Array} regions
 * @param {number} width
 * @param {number} height
 * @param {number} pixels
 */
export function grow(regions, width, height, pixels) {
  if (pixels === 0) return regions;
  if (pixels > 0) {
    const largest = slide(regions, width, height, pixels, Math.max);
    return regions.map((key, i) => key || largest[i]);
  }
  const inside = slide(regions.map((key) => Number(key > 0)), width, height, -pixels, Math.min);
  return regions.map((key, i) => (inside[i] ? key : 0));
}

/**
 * How much of each pixel is chosen, 0 to 255: the mean over the square of 2 `pixels` + 1 around it, the edge of the picture repeated.
 * @param {Uint8Array | Uint16Array} regions
 * @param {number} width
 * @param {number} height
 * @param {number} pixels
 */
export function fade(regions, width, height, pixels) {
  return boxBlur(Uint8Array.from(regions, (key) => (key ? 255 : 0)), width, height, pixels);
}

/**
 * The mean over the square of 2 `reach` + 1 around each value, the edge of the picture repeated.
 * @template {Uint8Array | Uint8ClampedArray} T
 * @param {T} values one a pixel, row by row
 * @param {number} width
 * @param {number} height
 * @param {number} reach
 * @returns {T}
 */
export function boxBlur(values, width, height, reach) {
  if (reach === 0) return values;
  const area = (2 * reach + 1) ** 2;
  const sums = new Uint32Array(values.length);
  addAlong(values, sums, width, height, 1, width, reach);
  const out = /** @type {T} */ (values.slice());
  const columns = new Uint32Array(values.length);
  addAlong(sums, columns, height, width, width, 1, reach);
  for (let i = 0; i < out.length; i++) out[i] = Math.floor(columns[i] / area + 0.5);
  return out;
}

/**
 * Sums over 2 `reach` + 1 values along lines.
 * @param {ArrayLike<number>} from
 * @param {Uint32Array} to
 * @param {number} length of a line
 * @param {number} lines
 * @param {number} step from value to value
 * @param {number} next from line to line
 * @param {number} reach
 */
function addAlong(from, to, length, lines, step, next, reach) {
  for (let line = 0; line < lines; line++) {
    const start = line * next;
    const last = start + (length - 1) * step;
    let sum = from[start] * (reach + 1);
    for (let ahead = 1; ahead <= reach; ahead++) sum += from[Math.min(start + ahead * step, last)];
    for (let place = 0, i = start; place < length; place++, i += step) {
      to[i] = sum;
      sum += from[Math.min(i + (reach + 1) * step, last)] - from[Math.max(i - reach * step, start)];
    }
  }
}

/**
 * The largest or least value in the square of 2 `reach` + 1 around each, cut off at the edges of the picture (van Herk, "A fast
 * algorithm for local minimum and maximum filters on rectangular and octagonal kernels", 1992).
 * @param {Uint16Array} values
 * @param {number} width
 * @param {number} height
 * @param {number} reach
 * @param {(one: number, other: number) => number} better Math.max or Math.min
 */
function slide(values, width, height, reach, better) {
  const rows = slideAlong(values, width, height, 1, width, reach, better);
  return slideAlong(rows, height, width, width, 1, reach, better);
}

/**
 * @param {Uint16Array} values @param {number} length @param {number} lines @param {number} step @param {number} next
 * @param {number} reach @param {(one: number, other: number) => number} better
 */
function slideAlong(values, length, lines, step, next, reach, better) {
  const block = 2 * reach + 1;
  const none = better(0, 0xffff) === 0 ? 0xffff : 0; // what never wins
  const padded = new Uint16Array(Math.ceil((length + 2 * reach) / block) * block).fill(none);
  const [fromLeft, fromRight] = [padded.slice(), padded.slice()];
  const out = new Uint16Array(values.length);
  for (let line = 0; line < lines; line++) {
    const start = line * next;
    for (let place = 0; place < length; place++) padded[place + reach] = values[start + place * step];
    for (let first = 0; first < padded.length; first += block) {
      const last = first + block - 1;
      fromLeft[first] = padded[first];
      fromRight[last] = padded[last];
      for (let ahead = 1; ahead < block; ahead++) {
        fromLeft[first + ahead] = better(fromLeft[first + ahead - 1], padded[first + ahead]);
        fromRight[last - ahead] = better(fromRight[last - ahead + 1], padded[last - ahead]);
      }
    }
    for (let place = 0; place < length; place++) {
      out[start + place * step] = better(fromRight[place], fromLeft[place + block - 1]);
    }
  }
  return out;
}
