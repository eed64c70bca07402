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
 * The bytes of files by name; raises TamperedError where one differs.
 * @param {Record<string, Known>} files by name
 * @param {(here: number, total: number) => void} tell told how many bytes are here, and are to come in total
 * @param {Record<string, Promise<Response>>} asked answers that are on their way, by name
 * @returns {Promise<Record<string, Uint8Array<ArrayBuffer>>>}
 */
export async function fetchAll(files, tell = () => {}, asked = {}) {
  const names = Object.keys(files);
  const responses = await Promise.all(names.map((name) => asked[name] ?? fetchFile(name)));
  const total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  let here = 0;
  const contents = await Promise.all(
    responses.map(async ({ body }) => {
      if (!body) throw new Error("Nothing came.");
      const counted = new TransformStream({
        transform(chunk, stream) {
          here += chunk.length;
          tell(Math.min(here, total), total);
          stream.enqueue(chunk);
        },
      });
      return new Response(body.pipeThrough(counted)).arrayBuffer();
    }),
  );
  for (const [place, content] of contents.entries()) {
    if (!(await isIntact(content, files[names[place]].sha256))) throw new TamperedError(names[place]);
  }
  return Object.fromEntries(names.map((name, place) => [name, new Uint8Array(contents[place])]));
}

/** Whether a file has this checksum; a page that came over plain HTTP cannot tell. @param {ArrayBuffer} content @param {string} sha256 */
async function isIntact(content, sha256) {
  if (!isSecureContext) return true;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("") === sha256;
}
