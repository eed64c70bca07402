// Opening a photo in the browser: upright by its EXIF orientation, transparency laid on white, colours as they are in the file, and
// made smaller as the server does it where a side is too long. A large photo is read in strips: its pixels alone may take hundreds
// of megabytes.
import { roundHalfEven } from "./photo.js";
import { areaTapsOf, reachOf, resample, shiftTaps } from "./resample.js";

/** @import { Photo, Size } from "./photo.js" */
/** Pixels that are open already, red, green, blue and alpha from the lowest byte up. @typedef {{ pixels: Uint32Array<ArrayBuffer> } & Size} OpenPixels */

const STRIP = 64; // rows of the smaller photo

class UnreadableError extends Error {
  name = "UnreadableError";
}

/** A photo of which no side is longer than `longest`. @param {Blob | OpenPixels} source @param {number} longest @returns {Promise<Photo>} */
export async function openPhoto(source, longest) {
  if (!(source instanceof Blob)) return { ...source, pixels: new Uint8ClampedArray(source.pixels.buffer) };
  const bitmap = await createImageBitmap(source, { colorSpaceConversion: "none" }).catch(() => {
    throw new UnreadableError();
  });
  try {
    const scale = longest / Math.max(bitmap.width, bitmap.height);
    if (scale >= 1) return { pixels: readRows(bitmap, 0, bitmap.height), width: bitmap.width, height: bitmap.height };
    /** @param {number} length */
    const side = (length) => Math.max(1, roundHalfEven(length * scale));
    return shrink(bitmap, { width: side(bitmap.width), height: side(bitmap.height) });
  } finally {
    bitmap.close();
  }
}

/** @param {ImageBitmap} bitmap @param {Size} to @returns {Photo} */
function shrink(bitmap, to) {
  const [columns, rows] = areaTapsOf(bitmap, to);
  const pixels = new Uint8ClampedArray(4 * to.width * to.height).fill(255);
  for (let first = 0; first < to.height; first += STRIP) {
    const size = Math.min(STRIP, to.height - first);
    /** @template {Int32Array | Float32Array} T @param {T} values @returns {T} */
    const part = (values) => /** @type {T} */ ( values.subarray(first * rows.count, (first + size) * rows.count));
    const strip = { size, count: rows.count, indices: part(rows.indices), weights: part(rows.weights) };
    const [top, bottom] = reachOf(strip);
    const small = resample(readRows(bitmap, top, bottom), bitmap.width, columns, shiftTaps(strip, -top), 3, 4);
    for (let from = 0, pixel = first * to.width * 4; from < small.length; from += 3, pixel += 4) {
      for (let channel = 0; channel < 3; channel++) pixels[pixel + channel] = small[from + channel]; // rounds half to even
    }
  }
  return { pixels, ...to };
}

/** @param {ImageBitmap} bitmap @param {number} top @param {number} bottom */
function readRows(bitmap, top, bottom) {
  const context = new OffscreenCanvas(bitmap.width, bottom - top).getContext("2d", { willReadFrequently: true, alpha: false });
  if (!context) throw new Error("This browser has no canvas.");
  context.fillStyle = "white";
  context.fillRect(0, 0, bitmap.width, bottom - top);
  context.drawImage(bitmap, 0, -top);
  return context.getImageData(0, 0, bitmap.width, bottom - top).data;
}
