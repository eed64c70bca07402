// Files of a photo that was parsed on the device, made without the server: the formats of parsing/formats/table.py that are marked
// on_device, in JavaScript; their Python says what they follow.
import { fade, grow } from "../viewer/edges.js";
import { encodeGray, encodeIndexed, encodeMask } from "./png.js";
import { zip } from "./zip.js";

/** @import { Part } from "../viewer/legend.js" */
/** @import { Color } from "../viewer/views.js" */
/** @import { Parsed } from "./lite.js" */
/** @import { Size } from "./photo.js" */
/**
 * What of it, and how: "labels", "masks" or "json"; the names of the parts; one person or null; pixels by which edges grow, and over which masks fade; colours by class, those chosen and the
 * usual ones; the classes.
 * @typedef {{ form: string, parts: string[], person: number | null, grow: number, feather: number, palette: Color[], usual: Color[], table: Part[] }} WantedFile
 */
/** What is on the screen. @typedef {{ labels: Uint8Array, personOf: Uint8Array, people: Parsed["people"] } & Size} Seen */

const PERSON = 32; // what a person's number is multiplied by where it is one number with a class

/** A file of what is on the screen. @param {Parsed & Size} found @param {WantedFile} wanted */
export async function makeFile(found, { form, parts, person, grow: pixels, feather, palette, usual, table }) {
  const seen = growEdges(restrict(found, table.map(({ name, index }) => index > 0 && parts.includes(name)), person), pixels);
  /** @param {string} name @param {string} type @param {Uint8Array<ArrayBuffer>} content */
  const file = (name, type, content) => ({ name, blob: new Blob([content], { type }) });
  if (form === "labels") return file("parsing.labels.png", "image/png", await encodeIndexed(seen, palette));
  const json = new TextEncoder().encode(JSON.stringify(describe(seen, found.timings, table)) + "\n");
  if (form === "json") return file("parsing.parsing.json", "application/json", json);
  /** @type {Record<string, Uint8Array>} */
  const files = { "parsing.json": json, "labels.png": await encodeIndexed(seen, usual) };
  const { labels, personOf, width, height } = seen;
  const present = new Set(Uint16Array.from(labels, (part, pixel) => part + PERSON * personOf[pixel]));
  /** @param {(pixel: number) => boolean} is */
  const soft = (is) => fade(labels.map((_, pixel) => Number(is(pixel))), width, height, feather);
  /** @param {string} name @param {(pixel: number) => boolean} is */
  const add = async (name, is) => {
    files[name + ".png"] = feather ? await encodeGray(soft(is), width, height) : await encodeMask(is, width, height);
  };
  const numbers = seen.people.map((_, index) => index + 1);
  /** @param {number} part @param {number[]} owners */
  const has = (part, owners) => owners.some((owner) => present.has(part + PERSON * owner));
  for (const { name, index } of table.slice(1)) if (has(index, [0, ...numbers])) await add(name, (pixel) => labels[pixel] === index);
  for (const number of numbers) {
    await add(`person-${number}`, (pixel) => personOf[pixel] === number);
    for (const { name, index } of table.slice(1)) {
      /** @param {number} pixel */
      const is = (pixel) => labels[pixel] === index && personOf[pixel] === number;
      if (has(index, [number])) await add(`person-${number}-${name}`, is);
    }
  }
  return file("parsing.zip", "application/zip", zip(files));
}

/**
 * The ticked parts of everybody or of one person, who then becomes number 1.
 * @param {Parsed & Size} found @param {boolean[]} ticked by class @param {number | null} person @returns {Seen}
 */
function restrict({ maps, people, width, height }, ticked, person) {
  const size = width * height;
  const [labels, personOf] = [maps.slice(0, size), maps.slice(size)];
  for (let pixel = 0; pixel < size; pixel++) {
    const is = ticked[labels[pixel]] && (!person || personOf[pixel] === person);
    if (!is) labels[pixel] = personOf[pixel] = 0;
    else if (person) personOf[pixel] = 1;
  }
  return { labels, personOf, width, height, people: person ? [people[person - 1]] : people };
}

/** The same with edges that have grown by so many pixels. @param {Seen} seen @param {number} pixels @returns {Seen} */
function growEdges(seen, pixels) {
  if (pixels === 0) return seen;
  const regions = Uint16Array.from(seen.labels, (part, pixel) => part + PERSON * seen.personOf[pixel]);
  const grown = grow(regions, seen.width, seen.height, pixels);
  return { ...seen, labels: Uint8Array.from(grown, (key) => key % PERSON), personOf: Uint8Array.from(grown, (key) => key >> 5) };
}

/** What the JSON file says. @param {Seen} seen @param {Record<string, number>} timings @param {Part[]} table */
function describe({ labels, personOf, width, height, people }, timings, table) {
  /** @param {number} value @param {number} digits */
  const round = (value, digits) => Number(value.toFixed(digits));
  /** @type {object[]} */
  const parts = [];
  const described = people.map(({ score, parts: scores }, index) => {
    const person = index + 1;
    const own = labels.map((part, pixel) => (personOf[pixel] === person ? part : 0));
    const worn = new Set(own);
    for (const { name, index: part } of table) {
      if (!part || !worn.has(part)) continue;
      parts.push({ name, score: round(scores[part], 4), person, ...outline(own, (is) => is === part, width, height) });
    }
    return { name: "Human", score: round(score, 4), person, ...outline(own, Boolean, width, height) };
  });
  const stages = Object.fromEntries(Object.entries(timings).map(([stage, time]) => [stage, round(time, 2)]));
  return { size: { width, height }, model: "lite", timings: stages, parts, people: described };
}

/** Box, area and COCO run lengths of a mask. @param {Uint8Array} values @param {(value: number) => boolean} is @param {number} width @param {number} height */
export function outline(values, is, width, height) {
  const box = [width, height, 0, 0];
  const counts = [];
  let [area, run] = [0, 0];
  let last = false;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      const now = is(values[y * width + x]);
      if (now) {
        area++;
        [box[0], box[1]] = [Math.min(box[0], x), Math.min(box[1], y)];
        [box[2], box[3]] = [Math.max(box[2], x + 1), Math.max(box[3], y + 1)];
      }
      if (now !== last) {
        counts.push(run);
        [run, last] = [0, now];
      }
      run++;
    }
  }
  counts.push(run);
  return { box: area ? box : [0, 0, 0, 0], area, rle: { size: [height, width], counts: compress(counts) } };
}

/** Each length from the third on as the difference to the one two before, five bits to a character. @param {number[]} counts */
export function compress(counts) {
  let text = "";
  counts.forEach((count, index) => {
    let rest = index > 2 ? count - counts[index - 2] : count;
    let more = true;
    while (more) {
      const bits = rest & 31;
      rest >>= 5;
      more = bits & 16 ? rest !== -1 : rest !== 0;
      text += String.fromCharCode(bits + 48 + (more ? 32 : 0));
    }
  });
  return text;
}
