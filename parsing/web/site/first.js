// The example that a visitor finds on show: its label map comes with the site, so that nobody waits for the model to see one. Once the
// model is ready, it parses the example too, before anybody waits for it: browsers compile once more what runs often.
import { makeFile } from "../device/files.js";
import { openPhoto } from "../device/open.js";

/** @import { Found } from "../device/page.js" */
/** @import { LocalPhotos } from "../viewer/local.js" */

const ROUNDS = 2; // after that many photos, what is not the network has been compiled once more, too

/**
 * Shows the example, unless a photo is chosen meanwhile.
 * @param {LocalPhotos} photos @param {HTMLImageElement} picture the example's
 * @param {Found["people"]} people who are in it @param {boolean} invited whether a visitor is invited to choose a photo
 */
export async function showFirst(photos, picture, people, invited) {
  photos.announceExample(picture);
  const [answer, packed] = await Promise.all([fetch(photos.addressOf(picture)), fetch(new URL("first.packed", import.meta.url))]);
  const photo = await openPhoto(await answer.blob(), Infinity);
  if (!packed.body || photos.serial) return;
  const maps = new Uint8Array(await new Response(packed.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
  /** @param {Found} found */
  const show = (found, isFrame = false, model = "device.model") => {
    if (photos.serial) return;
    photos.showFound(found, isFrame, model);
    photos.viewer.invite(invited);
  };
  const known = { ...photo, maps, people, timings: {} };
  show({ ...known, save: (wanted) => makeFile(known, wanted) }, false, "device.before");
  photos.work(null, 0);
  for (let round = 0; round < ROUNDS && !photos.serial; round++) {
    const pixels = new Uint32Array(photo.pixels.buffer);
    const found = await photos.device?.parse({ pixels, width: photo.width, height: photo.height }, () => {}, true);
    if (!found || "failed" in found) return;
    if (round === 0) show(found, true); // what is set stays set
  }
}
