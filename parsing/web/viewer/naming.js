// Which regions of the photo have names, and what a legend lists: the chosen parts that are there, by the words of the page's language.
import { PERSON, chooseKeys } from "./label_map.js";
import { partName } from "./legend.js";
import { findSpots } from "./names.js";

/** @import { LabelMap } from "./label_map.js" */
/** @import { Spot } from "./names.js" */
/** @import { Viewer } from "./viewer.js" */
/** @import { Region } from "./writing.js" */

const SMALLEST = 1e-4; // share of the photo

export class Naming {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {{ map: LabelMap, spots: Map<number, Spot> } | null} */
    this.found = null; // of the photo on show, once they have been asked for
  }

  /** Each chosen part of each person, with its name, its colour and the spot that the name belongs to. @returns {Region[]} */
  regions() {
    const { map } = this.viewer;
    if (!map) return [];
    if (this.found?.map !== map) this.found = { map, spots: findSpots(map) };
    const { parts, person, colors } = this.drawing();
    const chosen = chooseKeys(parts, person);
    const named = [...this.found.spots].filter(([key]) => chosen[key] && map.counts[key] >= SMALLEST * map.pixels.length);
    return named.map(([key, { x, y }]) => {
      return { text: this.nameOf(key % PERSON), color: colors[key % PERSON], x, y, size: map.counts[key] };
    });
  }

  /** The chosen parts that are there, each once, with their names and colours. */
  entries() {
    const { parts, person, colors } = this.drawing();
    const counts = this.viewer.map?.classCounts(person) ?? [];
    return parts.filter((part) => counts[part]).map((part) => ({ text: this.nameOf(part), color: colors[part] }));
  }

  drawing() {
    return this.viewer.settings.drawing(this.viewer.legend.table);
  }

  /** @param {number} part */
  nameOf(part) {
    return partName(this.viewer.words, this.viewer.legend.table[part].name);
  }
}
