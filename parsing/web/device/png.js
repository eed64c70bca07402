// PNG files (ISO/IEC 15948) of label maps and masks, to the last value: a canvas would write pictures in full colour.
import { crc32 } from "./zip.js";

/** @import { Color } from "../viewer/views.js" */
/** @import { Size } from "./photo.js" */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** A label map with its palette, colours by class. @param {{ labels: Uint8Array } & Size} map @param {Color[]} palette */
export async function encodeIndexed({ labels, width, height }, palette) {
  return encode(width, height, 8, 3, [chunk("PLTE", Uint8Array.from(palette.flat()))], withFilters(labels, width, height));
}

/** A soft mask, a byte a pixel. @param {Uint8Array} mask @param {number} width @param {number} height */
export const encodeGray = (mask, width, height) => encode(width, height, 8, 0, [], withFilters(mask, width, height));

/** Rows of bytes, each after its filter, 0 for none. @param {Uint8Array} values @param {number} width @param {number} height */
function withFilters(values, width, height) {
  const rows = new Uint8Array((width + 1) * height);
  for (let y = 0; y < height; y++) rows.set(values.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return rows;
}

/**
 * A mask, one bit a pixel.
 * @param {(pixel: number) => boolean} is whether a pixel is white
 * @param {number} width
 * @param {number} height
 */
export async function encodeMask(is, width, height) {
  const across = 1 + ((width + 7) >> 3);
  const rows = new Uint8Array(across * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (is(y * width + x)) rows[y * across + 1 + (x >> 3)] |= 128 >> (x & 7);
  }
  return encode(width, height, 1, 0, [], rows);
}

/**
 * @param {number} width @param {number} height @param {number} bits a pixel @param {number} kind as the header has it
 * @param {Uint8Array[]} chunks before the pixels @param {Uint8Array<ArrayBuffer>} rows
 */
async function encode(width, height, bits, kind, chunks, rows) {
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([bits, kind], 8);
  const deflated = new Response(new Blob([rows]).stream().pipeThrough(new CompressionStream("deflate")));
  const content = new Uint8Array(await deflated.arrayBuffer());
  const all = [Uint8Array.from(SIGNATURE), chunk("IHDR", header), ...chunks, chunk("IDAT", content), chunk("IEND", new Uint8Array())];
  return new Uint8Array(await new Blob(all.map((part) => Uint8Array.from(part))).arrayBuffer());
}

/** @param {string} name @param {Uint8Array} content */
function chunk(name, content) {
  const bytes = new Uint8Array(content.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, content.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(content, 8);
  view.setUint32(content.length + 8, crc32(bytes.subarray(4, content.length + 8)));
  return bytes;
}
