// What a visitor has chosen for longer than one photo, the language and the device: in the link, else in the browser's storage.

/** @typedef {"language" | "model" | "example"} Name */

/** What the address says after its "#". */
const said = () => new URLSearchParams(location.hash.slice(1));

/** What the link or, if it says nothing, an earlier visit has chosen. @param {Name} name @returns {string | null} */
export function preference(name) {
  return said().get(name) ?? stored(name);
}

/** What the link alone says. @param {Name} name */
export const linked = (name) => said().get(name);

/** Keeps a choice, or forgets it; it is no longer the link's. @param {Name} name @param {string | null} value */
export function remember(name, value) {
  const rest = said();
  if (rest.has(name)) {
    rest.delete(name);
    const hash = decodeURIComponent(rest.toString());
    history.replaceState(history.state, "", location.pathname + location.search + (hash ? "#" + hash : ""));
  }
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // A browser may forbid it; the choice then holds until the page is left.
  }
}

/** @param {Name} name */
function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
