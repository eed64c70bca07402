// Keeps the app and its model on the device, so that it opens without a connection. Every version has a cache of its own, whose name
// changes with any file; it is filled whole or not at all, and the version before goes on until then. Where a host does not say that the
// page stands alone (COOP, COEP), it says so from the second visit on, because browsers give threads only then.
/** @import { Extendable, Fetching, Said, WorkerScope } from "./worker_scope.d.ts" */

const worker = /** @type {WorkerScope} */ (/** @type {unknown} */ (self));
worker.importScripts("version.js");
const { version, files } = worker.SITE;
const { scope } = worker.registration;
const OWN = `human-parsing ${scope} `; // other sites may lie on the same host
const CACHE = OWN + version;
const SHARED = OWN + "shared"; // photos on their way from another app, see shared.js
const PAGE = "index.html"; // some hosts add a script of theirs to it, which its Content-Security-Policy then stops
const ALONE = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

class TamperedError extends Error {}

/** @param {string} name */
const addressOf = (name) => new URL(name, scope).href;

/** Fills the cache of this version. */
async function keepAll() {
  try {
    const cache = await caches.open(CACHE);
    await Promise.all(Object.entries(files).map(([name, sha256]) => keep(cache, name, sha256)));
  } catch (error) {
    await caches.delete(CACHE);
    const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
    await tell(isFull ? "full" : error instanceof TamperedError ? "tampered" : "failed");
    throw error;
  }
}

/** Keeps a file: the one of an earlier version where it is the same, else the host's. @param {Cache} cache @param {string} name @param {string} sha256 */
async function keep(cache, name, sha256) {
  const held = await caches.match(addressOf(name));
  if (held && (await sha256Of(await held.clone().arrayBuffer())) === sha256) return cache.put(addressOf(name), held);
  const answer = await fetch(addressOf(name), { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
  const content = await answer.arrayBuffer();
  if (name !== PAGE && (await sha256Of(content)) !== sha256) throw new TamperedError(name);
  await cache.put(addressOf(name), standAlone(answer, content));
}

/** The same answer from a page that stands alone. @param {Response} answer @param {ArrayBuffer | ReadableStream | null} body */
function standAlone(answer, body) {
  const { status, statusText } = answer;
  return new Response(body, { status, statusText, headers: { "Content-Type": answer.headers.get("Content-Type") ?? "", ...ALONE } });
}

/** @param {ArrayBuffer} content */
async function sha256Of(content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Removes what earlier versions have kept. */
async function forgetEarlier() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(OWN) && name !== CACHE && name !== SHARED).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** Tells every open page of this site. @param {Said["offline"]} offline */
async function tell(offline) {
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const page of pages) if (page.url.startsWith(scope)) page.postMessage({ offline });
}

/** A file of this version, wherever it is. @param {string} name @returns {Promise<Response>} */
async function answerWith(name) {
  const kept = await (await caches.open(CACHE)).match(addressOf(name));
  if (kept) return kept;
  const answer = await fetch(addressOf(name)); // a browser may have thrown away what was kept
  return standAlone(answer, answer.body);
}

/** Photos from another app wait until the page takes them. @param {Request} request */
async function takeShared(request) {
  const photos = (await request.formData()).getAll("photos").filter((photo) => photo instanceof File && photo.size > 0);
  const cache = await caches.open(SHARED);
  await Promise.all(
    /** @type {File[]} */ (photos).map((photo, place) => {
      const headers = { "Content-Type": photo.type, "X-Name": encodeURIComponent(photo.name) };
      return cache.put(addressOf(`shared/${place}`), new Response(photo, { headers }));
    }),
  );
}

worker.addEventListener("install", (event) => /** @type {Extendable} */ (event).waitUntil(keepAll()));
worker.addEventListener("activate", (event) => /** @type {Extendable} */ (event).waitUntil(forgetEarlier()));
worker.addEventListener("message", (event) => {
  if (/** @type {MessageEvent} */ (event).data === "take over") worker.skipWaiting();
});
worker.addEventListener("fetch", (event) => {
  const { request, respondWith } = /** @type {Fetching} */ (event);
  const asked = request.url.replace(/[?#].*/, "");
  if (!asked.startsWith(scope)) return;
  const name = asked.slice(scope.length) || PAGE;
  if (request.method === "GET" && Object.hasOwn(files, name)) respondWith.call(event, answerWith(name));
  if (request.method === "POST" && name === "share") {
    const page = () => Response.redirect(addressOf("./?shared"), 303);
    respondWith.call(event, takeShared(request).then(page, page)); // the page says so where nothing has arrived
  }
});
