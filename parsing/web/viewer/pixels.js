// From a label map to pixels, by the rule of parsing/render.py, to the last bit. A pixel is one number of 32 bits, its bytes red,
// green, blue and alpha from the lowest up. A pixel's key is its class, 0 to 19, plus 32 times the number of its person.
const PERSON = 32;
const KEYS = 256 * PERSON;
const OPAQUE = 0xff000000;

class Parsed {
  // A parsed photo: pixels (Uint32Array), labels and people (Uint8Array), row by row.
  constructor(width, height, pixels, maps) {
    Object.assign(this, { width, height, pixels });
    const size = width * height;
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
    this.rows = new Uint16Array(size); // for `borders`
    this.edge = new Uint8Array(size);
  }

  // The box around all pixels of some classes, grown by so many pixels.
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

  // Pixels of each class, of one person or, for 0, of everybody.
  classCounts(person) {
    const counts = new Array(PERSON).fill(0);
    for (let key = 0; key < KEYS; key++) if (!person || key >> 5 === person) counts[key % PERSON] += this.counts[key];
    return counts;
  }

  // How many people have each class.
  wearers(people) {
    const has = (person, part) => this.counts[person * PERSON + part] > 0;
    return Array.from({ length: PERSON }, (_, part) => range(1, people).filter((person) => has(person, part)).length);
  }
}

function enclose(box, { x0, y0, x1, y1 }) {
  box.x0 = Math.min(box.x0, x0);
  box.y0 = Math.min(box.y0, y0);
  box.x1 = Math.max(box.x1, x1);
  box.y1 = Math.max(box.y1, y1);
}

const range = (first, last) => Array.from({ length: Math.max(0, last - first + 1) }, (_, step) => first + step);

async function inflate(text) {
  const response = await fetch("data:application/octet-stream;base64," + text);
  const stream = response.body.pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function decodePhoto(address, width, height) {
  const blob = await (await fetch(address)).blob();
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
}

// A table over keys, 1 where the class is among `parts` and the person is the one chosen (0: anybody).
function chooseKeys(parts, person) {
  const table = new Uint8Array(KEYS);
  for (const part of parts) {
    if (person) table[part + person * PERSON] = 1;
    else for (let key = part; key < KEYS; key += PERSON) table[key] = 1;
  }
  return table;
}

// Where a picture changes when what is set does; everywhere where the view changes or nothing was set before.
function changedBox(parsed, before, now) {
  if (before?.view !== now.view) return parsed.whole;
  const same = ["person", "opacity", "colors"].every((name) => before[name] === now[name]);
  const differs = (part) => before.parts.includes(part) !== now.parts.includes(part);
  const parts = range(1, PERSON - 1).filter((part) => !same || differs(part));
  return parsed.boxOf(parts, now.view === "outlines" ? parsed.reach : 0);
}

// Draws a box of `parsed` into `out`, a Uint32Array of the photo's size. Colours are [red, green, blue] by class.
function compose(parsed, { parts, person, view, opacity, colors }, out, box) {
  const chosen = chooseKeys(parts, person);
  const flat = Int32Array.from(colors, ([red, green, blue]) => OPAQUE | (blue << 16) | (green << 8) | red);
  const drawRun = {
    overlay: () => blend(parsed, chosen, colors, Math.floor(opacity * 256 + 0.5), out),
    map: () => colorMap(parsed, chosen, flat, out),
    cutout: () => copyChosen(parsed, chosen, out),
    outlines: () => drawOutlines(parsed, chosen, flat, out, box),
  }[view]();
  for (let y = box.y0; y < box.y1; y++) drawRun(y * parsed.width + box.x0, y * parsed.width + box.x1);
}

// These give functions that draw the pixels from `start` to before `end`.
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

function colorMap({ keys }, chosen, flat, out) {
  return (start, end) => {
    for (let i = start; i < end; i++) out[i] = chosen[keys[i]] ? flat[keys[i] & 31] : OPAQUE;
  };
}

function copyChosen({ keys, pixels }, chosen, out) {
  return (start, end) => {
    for (let i = start; i < end; i++) out[i] = chosen[keys[i]] ? pixels[i] : 0;
  };
}

function drawOutlines(parsed, chosen, flat, out, box) {
  const { keys, pixels } = parsed;
  const edge = borders(parsed, chosen, (key) => key, box);
  return (start, end) => {
    for (let i = start; i < end; i++) out[i] = edge[i] && chosen[keys[i]] ? flat[keys[i] & 31] : pixels[i];
  };
}

// 1 where the square around a pixel of a box, cut off at the edges of the picture, holds more than one region. A pixel that is not
// chosen is of region 0, another of `regionOf` its key. The array is used again by the next call.
function borders({ keys, width, height, reach, rows, edge }, chosen, regionOf, box) {
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
