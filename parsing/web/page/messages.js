// What the server hands to the page, unpacked: texts, label maps, photos.

/** The texts of a component, which Gradio translates as one string. @param {string} label @returns {Record<string, string>} */
export const readWords = (label) => Object.fromEntries(label.split("|").map((pair) => pair.split("=")));

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Bytes that were compressed by zlib and written in base 64. @param {string} text */
export async function inflate(text) {
  const stream = new Blob([fromBase64(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * The pixels of a photo as they are in its file, without colour management.
 * @param {string} address a data address
 * @param {number} width
 * @param {number} height
 */
export async function decodePhoto(address, width, height) {
  const blob = await (await fetch(address)).blob();
  const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("This browser has no canvas.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
}
