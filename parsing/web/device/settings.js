// What settings.json must hold: the constants of lite.py, people.py and scores.py that the model in the browser works by, and what its files are.

const NUMBERS = /** @type {const} */ ([
  "stride",
  "part_stride",
  "person_stride",
  "longest_side",
  "glance_area",
  "look_area",
  "person_area",
  "portrait_area",
  "largest_zoom",
  "large",
  "longest_photo",
  "background",
  "margin",
  "inside",
  "smallest_piece",
  "garment_floor",
  "least_certain",
  "unrivalled",
  "lowest_peak",
  "faintest_peak",
  "smallest_group",
  "most_peaks",
  "smallest_person",
  "twin_gap",
  "smallest_face",
  "face_gap",
  "smaller_face",
]);
const LISTS = /** @type {const} */ (["face", "mirror", "garments", "worn"]);
const FILES = /** @type {const} */ (["files", "chip_files"]);

/** A file's size in bytes and its SHA-256 in hexadecimal. @typedef {{ bytes: number, sha256: string }} Known */
/** Runtime and network stand in `files`, by name, and what a graphics chip takes besides in `chip_files`. @typedef {Record<typeof NUMBERS[number], number> & Record<typeof LISTS[number], number[]> & Record<typeof FILES[number], Record<string, Known>>} Settings */

/**
 * What was fetched, if it is complete; a number that is missing would let a loop run for ever.
 * @param {any} fetched @returns {Settings}
 */
export function checkSettings(fetched) {
  const wrong = [
    ...NUMBERS.filter((name) => !Number.isFinite(fetched?.[name])),
    ...LISTS.filter((name) => !Array.isArray(fetched?.[name]) || !fetched[name].every(Number.isFinite)),
    ...FILES.filter((name) => !Object.keys(fetched?.[name] ?? {}).length),
  ];
  if (wrong.length) throw new TypeError(`settings.json lacks ${wrong.join(", ")}.`);
  return fetched;
}
