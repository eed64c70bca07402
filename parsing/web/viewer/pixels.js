// From a label map to pixels, by the rule of parsing/render.py, to the last bit. A pixel is one number of 32 bits, its bytes red,
// green, blue and alpha from the lowest up. A pixel's key is its class, 0 to 19, plus 32 times the number of its person.
const PERSON = 32;
const KEYS = 256 * PERSON;
const OPAQUE = 0xff000000;

class Parsed {
  // A parsed photo: pixels (Uint32Array), labels and people (Uint8Array), row by row.
  constructor(width, height, pixels, maps) {
    Object.assign(this, { width, height, pixels });
    this.keys = new Uint16Array(width * height);
    this.counts = new Uint32Array(KEYS); // pixels of each key
    for (let i = 0, size = this.keys.length; i < size; i++) {
      const key = maps[i] + maps[size + i] * PERSON;
      this.keys[i] = key;
      this.counts[key]++;
    }
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

// Draws `parsed` into `out`, a Uint32Array of its size. Colours are [red, green, blue] by class.
function compose(parsed, { parts, person, view, opacity, colors }, out) {
  const chosen = chooseKeys(parts, person);
  if (view === "cutout") return copyChosen(parsed, chosen, out);
  const flat = Int32Array.from(colors, ([red, green, blue]) => OPAQUE | (blue << 16) | (green << 8) | red);
  if (view === "map") return colorMap(parsed, chosen, flat, out);
  if (view === "outlines") return drawOutlines(parsed, chosen, flat, out);
  return blend(parsed, chosen, colors, Math.floor(opacity * 256 + 0.5), out);
}

function blend({ keys, pixels }, chosen, colors, share, out) {
  const rest = 256 - share;
  // Red and blue are mixed in one go: neither sum leaves its 16 bits.
  const redBlue = Int32Array.from(colors, ([red, , blue]) => (red * share + 128) | ((blue * share + 128) << 16));
  const middle = Int32Array.from(colors, ([, green]) => green * share + 128);
  for (let i = 0; i < keys.length; i++) {
    const pixel = pixels[i];
    const key = keys[i];
    if (chosen[key]) {
      const part = key & 31;
      const mixed = (Math.imul(pixel & 0xff00ff, rest) + redBlue[part]) | 0;
      const green = ((pixel >>> 8) & 255) * rest + middle[part];
      out[i] = OPAQUE | ((mixed >>> 8) & 0xff00ff) | (green & 0xff00);
    } else out[i] = pixel;
  }
}

function colorMap({ keys }, chosen, flat, out) {
  for (let i = 0; i < keys.length; i++) out[i] = chosen[keys[i]] ? flat[keys[i] & 31] : OPAQUE;
}

function copyChosen({ keys, pixels }, chosen, out) {
  for (let i = 0; i < keys.length; i++) out[i] = chosen[keys[i]] ? pixels[i] : 0;
}

function drawOutlines(parsed, chosen, flat, out) {
  const { keys, pixels } = parsed;
  const edge = borders(parsed, chosen, (key) => key);
  for (let i = 0; i < keys.length; i++) out[i] = edge[i] && chosen[keys[i]] ? flat[keys[i] & 31] : pixels[i];
}

// 1 where the square around a pixel, cut off at the edges of the picture, holds more than one region. A pixel that is not chosen is
// of region 0, another of `regionOf` its key.
function borders({ keys, width, height }, chosen, regionOf) {
  const reach = 1 + Math.floor(Math.max(width, height) / 640);
  const table = Uint16Array.from(chosen, (is, key) => (is ? regionOf(key) : 0));
  const MIXED = 0xffff;
  const rows = new Uint16Array(keys.length); // the region all along the row within reach, or MIXED
  for (let start = 0; start < keys.length; start += width) {
    let last = (rows[start] = table[keys[start]]);
    let mixedUntil = start;
    for (let i = start + 1; i < start + width; i++) {
      const region = table[keys[i]];
      if (region !== last) {
        rows.fill(MIXED, Math.max(start, i - reach), i);
        mixedUntil = i + reach;
        last = region;
      }
      rows[i] = i < mixedUntil ? MIXED : region;
    }
  }
  const edge = new Uint8Array(keys.length);
  for (let i = 0; i < keys.length; i++) {
    if (rows[i] === MIXED) edge[i] = 1;
    if (i >= width && rows[i] !== rows[i - width]) {
      for (let near = i - reach * width; near < i + reach * width; near += width) edge[near] = 1; // outside, nothing is written
    }
  }
  return edge;
}
