// A blurred and a pixelated photo, and garments in another colour: parsing/effects.py in JavaScript. Pixels are those of label_map.js.
import { boxBlur } from "./edges.js";

/** @import { Color } from "./views.js" */

const BLUR_PASSES = 3;
const LUMA = [77, 150, 29]; // of red, green and blue, in 256ths
const LIFT = 16;

/** @param {Uint32Array} pixels @param {number} width @param {number} height */
export function blur(pixels, width, height) {
  const reach = Math.max(2, Math.floor(Math.max(width, height) / 48));
  const channels = [0, 8, 16].map((shift) => {
    let channel = Uint8Array.from(pixels, (pixel) => pixel >>> shift);
    for (let pass = 0; pass < BLUR_PASSES; pass++) channel = boxBlur(channel, width, height, reach);
    return channel;
  });
  const [red, green, blue] = channels;
  return pixels.map((_, i) => 0xff000000 | (blue[i] << 16) | (green[i] << 8) | red[i]);
}

/** @param {Uint32Array} pixels @param {number} width @param {number} height */
export function pixelate(pixels, width, height) {
  const side = Math.max(4, Math.floor(Math.max(width, height) / 40));
  const out = new Uint32Array(pixels.length);
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      const [bottom, right] = [Math.min(top + side, height), Math.min(left + side, width)];
      const sums = [0, 0, 0];
      for (let y = top; y < bottom; y++) {
        for (let i = y * width + left; i < y * width + right; i++) {
          for (let channel = 0; channel < 3; channel++) sums[channel] += (pixels[i] >>> (8 * channel)) & 255;
        }
      }
      const count = (bottom - top) * (right - left);
      const [red, green, blue] = sums.map((sum) => Math.floor((sum + Math.floor(count / 2)) / count));
      const mean = 0xff000000 | (blue << 16) | (green << 8) | red;
      for (let y = top; y < bottom; y++) out.fill(mean, y * width + left, y * width + right);
    }
  }
  return out;
}

/**
 * Regions in another colour, their light and shade kept.
 * @param {Uint32Array} pixels
 * @param {Uint16Array} regions a key a pixel, 0 where nothing is chosen
 * @param {Color[]} colors by class
 */
export function recolor(pixels, regions, colors) {
  const luma = Uint8Array.from(pixels, (pixel) => {
    return (LUMA[0] * (pixel & 255) + LUMA[1] * ((pixel >>> 8) & 255) + LUMA[2] * ((pixel >>> 16) & 255) + 128) >> 8;
  });
  const [sums, counts] = [new Float64Array(0x10000), new Float64Array(0x10000)];
  regions.forEach((key, i) => {
    sums[key] += luma[i];
    counts[key]++;
  });
  const usual = sums.map((sum, key) => Math.floor((sum + Math.floor(counts[key] / 2)) / Math.max(counts[key], 1)) + LIFT);
  /** @type {Map<number, Uint32Array>} */
  const tables = new Map(); // of each region, the new colour by brightness
  counts.forEach((count, key) => {
    if (!key || !count) return;
    const shades = Uint32Array.from({ length: 256 }, (_, bright) => {
      const [red, green, blue] = colors[key & 31].map((value) => {
        return Math.min(255, Math.floor((2 * value * (bright + LIFT) + usual[key]) / (2 * usual[key])));
      });
      return 0xff000000 | (blue << 16) | (green << 8) | red;
    });
    tables.set(key, shades);
  });
  return pixels.map((pixel, i) => tables.get(regions[i])?.[luma[i]] ?? pixel);
}
