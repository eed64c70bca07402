// What is set: ticked parts, opacity, palette and view also live in the address, after the #, so that a link restores them. The
// person does not: it belongs to one photo.

/** @import { Part } from "./legend.js" */
/** @import { Color, Drawing } from "./views.js" */

const VIEWS = ["overlay", "map", "cutout", "outlines", "blur", "pixelate", "recolor", "compare"];
const WIDEST_EDGE = 64; // pixels
const WRITE_MS = 350; // from one change of the address to the next: some browsers refuse more than 100 in half a minute, by an exception

export class Settings {
  /** @param {string[]} names of the parts @param {Record<string, Color[]>} palettes */
  constructor(names, palettes) {
    this.names = names;
    this.palettes = palettes;
    this.person = 0;
    this.invited = 0; // the person whom a link shows, in the first photo
    /** @type {Set<string>} */
    this.ticked = new Set();
    /** @type {Set<string> | null} */
    this.before = null; // what was ticked before one part was isolated
    this.opacity = 0.6;
    this.palette = "lip";
    this.view = "overlay";
    this.grow = 0; // pixels by which edges grow, and over which they fade
    this.feather = 0;
    this.color = ""; // of what is recoloured, "#rrggbb"; else the palette's
    this.named = false; // whether names are written on the picture
    this.crop = false; // whether a cut-out is saved without what is around it
    this.legend = false; // whether a saved picture has a legend
    this.rests = false; // whether the address has just been changed
    this.unwritten = false; // whether it is to be changed again
    this.read(location.hash);
  }

  /** Takes what the address says; what it does not say, or says wrong, is as usual. @param {string} hash */
  read(hash) {
    const said = new URLSearchParams(hash.slice(1));
    const named = said.get("parts")?.split(",");
    const opacity = Number(said.get("opacity") || NaN);
    const [palette, view] = [said.get("palette") ?? "", said.get("view") ?? ""];
    this.ticked = new Set(this.names.filter((name) => named?.includes(name) ?? true));
    this.opacity = opacity >= 0 && opacity <= 1 ? opacity : 0.6;
    this.palette = Object.hasOwn(this.palettes, palette) ? palette : "lip";
    this.view = VIEWS.includes(view) ? view : "overlay";
    this.grow = wholeNumber(said.get("grow"), -WIDEST_EDGE, WIDEST_EDGE);
    this.feather = wholeNumber(said.get("feather"), 0, WIDEST_EDGE);
    this.color = /^[0-9a-f]{6}$/.test(said.get("color") ?? "") ? "#" + said.get("color") : "";
    this.named = said.get("names") === "on";
    this.invited = wholeNumber(said.get("person"), 0, 255);
    this.before = null;
  }

  /** Puts it into the address, at once or a little later: a slider changes it all the time. */
  write() {
    this.unwritten = this.rests;
    if (this.rests) return;
    this.rests = true;
    const { hash } = this;
    history.replaceState(history.state, "", location.pathname + location.search + (hash ? "#" + hash : ""));
    setTimeout(() => {
      this.rests = false;
      if (this.unwritten) this.write();
    }, WRITE_MS);
  }

  /** What the address says behind its "#", or is about to say. */
  get hash() {
    const said = [];
    if (this.ticked.size < this.names.length) said.push("parts=" + [...this.ticked].join(","));
    if (this.opacity !== 0.6) said.push("opacity=" + this.opacity);
    if (this.palette !== "lip") said.push("palette=" + this.palette);
    if (this.view !== "overlay") said.push("view=" + this.view);
    if (this.grow) said.push("grow=" + this.grow);
    if (this.feather) said.push("feather=" + this.feather);
    if (this.color) said.push("color=" + this.color.slice(1));
    if (this.named) said.push("names=on");
    const before = new URLSearchParams(location.hash.slice(1));
    for (const name of ["language", "model"]) if (before.has(name)) said.push(`${name}=${before.get(name)}`); // see preferences.js
    return said.join("&");
  }

  /** The classes have other names from now on; what is ticked stays ticked. @param {Part[]} before @param {Part[]} after */
  rename(before, after) {
    /** @param {number} index */
    const ticked = (index) => !before[index] || this.ticked.has(before[index].name);
    this.names = after.filter(({ index }) => index).map(({ name }) => name);
    this.ticked = new Set(after.filter(({ index }) => index && ticked(index)).map(({ name }) => name));
    this.before = null;
  }

  /** @param {string[]} names */
  tick(names) {
    this.ticked = new Set(this.names.filter((name) => names.includes(name)));
    this.before = null;
  }

  /** Leaves one part; a second time brings back what was ticked before, or everything. @param {string} name */
  isolate(name) {
    const alone = this.ticked.size === 1 && this.ticked.has(name);
    const before = alone ? (this.before ?? new Set(this.names)) : (this.before ?? this.ticked);
    this.ticked = alone ? before : new Set([name]);
    this.before = alone ? null : before;
  }

  get colors() {
    return this.palettes[this.palette];
  }

  /** As `compose` takes it. @param {Part[]} table @returns {Drawing} */
  drawing(table) {
    const parts = table.filter(({ name }) => this.ticked.has(name)).map(({ index }) => index);
    const view = this.view === "compare" ? "overlay" : this.view;
    const { person, opacity, grow, feather } = this;
    const colors = this.view === "recolor" && this.color ? this.colors.map(() => readColor(this.color)) : this.colors;
    return { parts, person, view, opacity, colors, grow, feather };
  }
}

/** What an address says, 0 where it is no whole number between the two. @param {string | null} text @param {number} least @param {number} most */
function wholeNumber(text, least, most) {
  const number = Number(text);
  return Number.isInteger(number) && number >= least && number <= most ? number : 0;
}

/** @param {string} color "#rrggbb" @returns {Color} */
function readColor(color) {
  const channel = (/** @type {number} */ place) => parseInt(color.slice(place, place + 2), 16);
  return [channel(1), channel(3), channel(5)];
}
