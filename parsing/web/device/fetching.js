// Files that the worker fetches, compared with their checksums before they are used.

/** @import { Known } from "./settings.js" */

export class TamperedError extends Error {}

/** A file beside this one. @param {string} name */
export async function fetchFile(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response;
}

/**
 * The bytes of files by name, each as soon as it is here; one that differs raises TamperedError.
 * @param {Record<string, Known>} files by name
 * @param {(here: number, total: number) => void} tell told how many bytes are here, and are to come in total
 * @param {Record<string, Promise<Response>>} asked answers that are on their way, by name
 * @returns {Record<string, Promise<Uint8Array<ArrayBuffer>>>}
 */
export function fetchEach(files, tell = () => {}, asked = {}) {
  const total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  let here = 0;
  let failed = false; // then how far the others are is of no interest
  /** @param {string} name @param {string} sha256 */
  const take = async (name, sha256) => {
    const { body } = await (asked[name] ?? fetchFile(name));
    if (!body) throw new Error("Nothing came.");
    const counted = new TransformStream({
      transform(chunk, stream) {
        here += chunk.length;
        if (!failed) tell(Math.min(here, total), total);
        stream.enqueue(chunk);
      },
    });
    const content = await new Response(body.pipeThrough(counted)).arrayBuffer();
    if (!(await isIntact(content, sha256))) throw new TamperedError(name);
    return new Uint8Array(content);
  };
  /** @param {unknown} error */
  const fail = (error) => {
    failed = true;
    throw error;
  };
  return Object.fromEntries(Object.entries(files).map(([name, { sha256 }]) => [name, take(name, sha256).catch(fail)]));
}

/** The same once all are here. @param {ReturnType<typeof fetchEach>} coming @returns {Promise<Record<string, Uint8Array<ArrayBuffer>>>} */
export async function gather(coming) {
  const names = Object.keys(coming);
  const contents = await Promise.all(Object.values(coming));
  return Object.fromEntries(names.map((name, place) => [name, contents[place]]));
}

/** Whether a file has this checksum; a page that came over plain HTTP cannot tell. @param {ArrayBuffer} content @param {string} sha256 */
async function isIntact(content, sha256) {
  if (!isSecureContext) return true;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}
