// Photos that another app has shared with this one: the service worker has put them aside, the page takes them, and nobody keeps them.

/** The photos, none where none came; null where nothing was shared. @returns {Promise<File[] | null>} */
export async function takeShared() {
  if (!new URLSearchParams(location.search).has("shared")) return null;
  history.replaceState(history.state, "", location.pathname + location.hash);
  const name = `human-parsing ${new URL("../", import.meta.url).href} shared`; // as the service worker calls it
  const cache = await caches.open(name);
  const answers = await Promise.all((await cache.keys()).map((request) => cache.match(request)));
  const files = await Promise.all(
    answers.map(async (answer) => {
      const blob = (await answer?.blob()) ?? new Blob();
      return new File([blob], decodeURIComponent(answer?.headers.get("X-Name") ?? "photo"), { type: blob.type });
    }),
  );
  await caches.delete(name);
  return files;
}
