// A parsed photo: its pixels and its label map. A pixel is one number of 32 bits, its bytes red, green, blue and alpha from the lowest
// up. A pixel's key is its class, 0 to 19, plus 32 times the number of its person.

export const PERSON = 32;
const KEYS = 256 * PERSON;

/** A rectangle of pixels, x1 and y1 one past the last. @typedef {{ x0: number, y0: number, x1: number, y1: number }} Box */
/** A table over keys, not 0 where a key counts. @typedef {Uint8Array} KeyTable */

/** Whole numbers from `first` to `last`. @param {number} first @param {number} last */
export const range = (first, last) => Array.from({ length: Math.max(0, last - first + 1) }, (_, step) => first + step);

export class LabelMap {
  /**
   * @param {number} width
   * @param {number} height
   * @param {Uint32Array<ArrayBuffer>} pixels of the photo, row by row
   * @param {Uint8Array} maps the label map and then the map of people, row by row
   */
  constructor(width, height, pixels, maps) {
    const size = width * height;
    this.width = width;
    this.height = height;
    this.pixels = pixels;
    this.keys = new Uint16Array(size);
    this.counts = new Uint32Array(KEYS); // pixels of each key
    this.boxes = Array.from({ length: PERSON }, () => ({ x0: width, y0: height, x1: 0, y1: 0 })); // around each class
    for (let y = 0, i = 0; y < height; y++) {
      let last = -1;
      for (let x = 0; x < width; x++, i++) {
        const part = maps[i];
        const key = part + maps[size + i] * PERSON;
        this.keys[i] = key;
        this.counts[key]++;
        if (part === last) this.boxes[part].x1 = Math.max(this.boxes[part].x1, x + 1);
        else enclose(this.boxes[part], { x0: x, y0: y, x1: x + 1, y1: y + 1 });
        last = part;
      }
    }
    this.whole = { x0: 0, y0: 0, x1: width, y1: height };
    this.reach = 1 + Math.floor(Math.max(width, height) / 640); // of outlines
    /** @type {Record<string, Uint32Array>} */
    this.made = {}; // the photo blurred, pixelated, by name; see `effect`
    this.rows = new Uint16Array(size); // for `borders`
    this.edge = new Uint8Array(size);
  }

  /**
   * The box around all pixels of some classes, grown by so many pixels.
   * @param {number[]} parts
   * @param {number} margin
   * @returns {Box}
   */
  boxOf(parts, margin = 0) {
    const box = { x0: this.width, y0: this.height, x1: 0, y1: 0 };
    for (const part of parts) if (this.boxes[part].x1) enclose(box, this.boxes[part]);
    if (box.x1 === 0) return { x0: 0, y0: 0, x1: 0, y1: 0 };
    const { x0, y0, x1, y1 } = box;
    return {
      x0: Math.max(0, x0 - margin),
      y0: Math.max(0, y0 - margin),
      x1: Math.min(this.width, x1 + margin),
      y1: Math.min(this.height, y1 + margin),
    };
  }

  /** Pixels of each class, of one person or, for 0, of everybody. @param {number} person @returns {number[]} */
  classCounts(person) {
    const counts = new Array(PERSON).fill(0);
    for (let key = 0; key < KEYS; key++) if (!person || key >> 5 === person) counts[key % PERSON] += this.counts[key];
    return counts;
  }

  /** How many people have each class. @param {number} people how many there are */
  wearers(people) {
    /** @param {number} person @param {number} part */
    const has = (person, part) => this.counts[person * PERSON + part] > 0;
    return Array.from({ length: PERSON }, (_, part) => range(1, people).filter((person) => has(person, part)).length);
  }

  /** The same photo with other keys. @param {Uint16Array} keys @returns {LabelMap} */
  withKeys(keys) {
    return Object.assign(Object.create(this), { keys });
  }

  /**
   * The whole photo, changed by an effect, which takes time and is kept.
   * @param {string} name
   * @param {(pixels: Uint32Array, width: number, height: number) => Uint32Array} make
   */
  effect(name, make) {
    this.made[name] ??= make(this.pixels, this.width, this.height);
    return this.made[name];
  }

  /** Whether anything but background was found. */
  get found() {
    return this.counts.some((count, key) => count > 0 && key % PERSON > 0);
  }
}

/** @param {Box} box @param {Box} other */
function enclose(box, { x0, y0, x1, y1 }) {
  box.x0 = Math.min(box.x0, x0);
  box.y0 = Math.min(box.y0, y0);
  box.x1 = Math.max(box.x1, x1);
  box.y1 = Math.max(box.y1, y1);
}

/**
 * 1 where the class is among `parts` and the person is the one chosen (0: anybody).
 * @param {number[]} parts
 * @param {number} person
 * @returns {KeyTable}
 */
export function chooseKeys(parts, person) {
  const table = new Uint8Array(KEYS);
  for (const part of parts) {
    if (person) table[part + person * PERSON] = 1;
    else for (let key = part; key < KEYS; key += PERSON) table[key] = 1;
  }
  return table;
}

/**
 * 1 where the square around a pixel of a box, cut off at the edges of the picture, holds more than one region. A pixel that is not
 * chosen is of region 0, another of `regionOf` its key. The array is used again by the next call.
 * @param {LabelMap} map
 * @param {KeyTable} chosen
 * @param {(key: number) => number} regionOf
 * @param {Box} box
 */
export function borders({ keys, width, height, reach, rows, edge }, chosen, regionOf, box) {
  const MIXED = 0xffff;
  const table = Uint16Array.from(chosen, (is, key) => (is ? regionOf(key) : 0));
  const [left, right] = [Math.max(0, box.x0 - reach), Math.min(width, box.x1 + reach)];
  const [top, bottom] = [Math.max(0, box.y0 - reach), Math.min(height, box.y1 + reach)];
  // First, in `rows`, the region all along the row within reach, or MIXED.
  for (let y = top; y < bottom; y++) {
    const [start, end] = [y * width + left, y * width + right];
    let last = table[keys[start]];
    let mixedUntil = start;
    for (let i = start; i < end; i++) {
      const region = table[keys[i]];
      if (region !== last) {
        rows.fill(MIXED, Math.max(start, i - reach), i);
        mixedUntil = i + reach;
        last = region;
      }
      rows[i] = i < mixedUntil ? MIXED : region;
    }
    edge.fill(0, start, end);
  }
  // Then what changes from row to row, within reach up and down.
  for (let y = top; y < bottom; y++) {
    const end = y * width + right;
    for (let i = y * width + left; i < end; i++) {
      if (rows[i] === MIXED) edge[i] = 1;
      if (y > top && rows[i] !== rows[i - width]) {
        const [first, last] = [Math.max(top, y - reach) - y, Math.min(bottom, y + reach) - y];
        for (let step = first; step < last; step++) edge[i + step * width] = 1;
      }
    }
  }
  return edge;
}
