// Files to take away, and addresses for the clipboard.

/** @import { Words } from "./dom.js" */

/** The canvas as a PNG. @param {HTMLCanvasElement} canvas @returns {Promise<Blob>} */
export function encodeCanvas(canvas) {
  return new Promise((done, fail) =>
    canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("The picture could not be encoded."))), "image/png"),
  );
}

/** Hands a file to the visitor. @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * Puts an address on the clipboard; where a browser forbids that, it can at least be copied from a prompt.
 * @param {string} address
 * @param {Words} words
 * @returns {Promise<boolean>} whether it is on the clipboard
 */
export async function copyLink(address, words) {
  try {
    await navigator.clipboard.writeText(address);
    return true;
  } catch {
    window.prompt(words["link.prompt"], address);
    return false;
  }
}

/** Puts a canvas on the clipboard as a PNG. @param {HTMLCanvasElement} canvas @returns {Promise<boolean>} whether it is there */
export async function copyPicture(canvas) {
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": encodeCanvas(canvas) })]);
    return true;
  } catch {
    return false;
  }
}

/** Whether this device can hand a picture to other programs, as phones do. */
export const canShare = () => navigator.canShare?.({ files: [new File([], "a.png", { type: "image/png" })] }) ?? false;

/** Hands a picture to another program, unless the visitor changes their mind. @param {Blob} blob @param {string} name */
export const share = (blob, name) => navigator.share({ files: [new File([blob], name, { type: blob.type })] }).catch(() => {});
