// What is pointed at lights up and is named: a part in the list, one of the people, a pixel of the photo by pointer or finger. A click
// in the photo chooses the part there, or, with Shift, the person.
import { find, targetOf } from "./dom.js";
import { PERSON, chooseKeys, range } from "./label_map.js";
import { partName } from "./legend.js";

/** @import { Pixel } from "./stage.js" */
/** @import { Viewer } from "./viewer.js" */
/** A class in the list, a key in the photo, or one of the people. @typedef {{ part?: number, key?: number, person?: number }} Pointed */

const TAPPED_MS = 3000; // how long the name of what was tapped stays

export class Pointing {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    /** @type {Pointed} */
    this.pointed = {};
    this.lit = ""; // what the light shows
    this.tapped = 0; // the key that a finger touched last
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    const people = find(viewer.root, "#people");
    people.addEventListener("pointerover", (event) => {
      const box = targetOf(event).closest("label")?.querySelector("input");
      if (event.pointerType !== "touch") this.point(box && box.value !== "0" ? { person: Number(box.value) } : {});
    });
    people.addEventListener("pointerleave", () => this.point({}));
  }

  /** @param {Pointed} now */
  point(now) {
    this.pointed = now;
    this.light();
  }

  /** Forgets what was pointed at in an earlier photo. */
  forget() {
    if (this.pointed.key !== undefined) this.pointed = {};
    this.lit = "";
    this.tapped = 0;
  }

  /** @param {string | null} name of the part that the list points at */
  pointAtPart(name) {
    this.point(name === null ? {} : { part: this.viewer.legend.table.findIndex((part) => part.name === name) });
  }

  /** @param {Pixel | null} pixel @param {PointerEvent} [event] */
  pointAtPhoto(pixel, event) {
    const { viewer } = this;
    const key = viewer.map && pixel ? viewer.map.keys[pixel.y * viewer.map.width + pixel.x] : 0;
    const part = viewer.legend.table[key % PERSON];
    const tip = find(viewer.root, ".tip");
    clearTimeout(this.timer);
    tip.hidden = !part.index;
    if (part.index && event) {
      const person = key >> 5 && (viewer.facts?.people ?? 0) > 1 ? `${viewer.words["people.one"]} ${key >> 5}` : "";
      tip.textContent = [partName(viewer.words, part.name), person].filter(Boolean).join(" · ");
      const box = viewer.stage.frame.getBoundingClientRect();
      tip.style.translate = `${event.clientX - box.x}px ${event.clientY - box.y}px`;
      tip.classList.toggle("left", event.clientX > box.x + box.width / 2);
    }
    viewer.legend.mark(part.index ? part.name : null);
    if (part.index || this.pointed.key !== undefined) this.point(part.index ? { key } : {});
  }

  /**
   * A click chooses what is there, and once more brings the rest back; a finger's first touch only names it.
   * @param {Pixel | null} pixel
   * @param {PointerEvent} event
   */
  choose(pixel, event) {
    const { map, legend, settings } = this.viewer;
    const key = map && pixel ? map.keys[pixel.y * map.width + pixel.x] : 0;
    const part = legend.table[key % PERSON];
    if (event.pointerType === "touch" && this.tapped !== key) {
      this.pointAtPhoto(pixel, event);
      this.timer = setTimeout(() => this.pointAtPhoto(null), TAPPED_MS);
    } else if (event.shiftKey) {
      this.viewer.choosePerson(settings.person === key >> 5 ? 0 : key >> 5);
    } else if (part.index) {
      this.viewer.change(() => settings.isolate(part.name));
    }
    this.tapped = key;
  }

  /** Lights what is pointed at, else the chosen person. What a list points at stands out from the rest, which is darkened. */
  light() {
    const { pointed } = this;
    const { map, stage, settings } = this.viewer;
    const person = pointed.person ?? settings.person;
    const wanted = JSON.stringify([pointed, person]);
    if (!map || wanted === this.lit) return;
    this.lit = wanted;
    if (pointed.part !== undefined) stage.shine(map, chooseKeys([pointed.part], pointed.part && settings.person), true);
    else if (pointed.key !== undefined) stage.shine(map, chooseKeys([pointed.key & 31], pointed.key >> 5), false);
    else if (person) stage.shine(map, chooseKeys(range(1, PERSON - 1), person), pointed.person !== undefined);
    else stage.darken();
  }
}
