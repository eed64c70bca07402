// Photos on the viewer, parsed on the visitor's own device: each has a number, and what answers an earlier one than the newest is
// dropped. It asks a `device` to parse, and knows neither what that is nor where it came from. A page with a server adds to this class
// what the server does instead; a page without one needs no more.
import { mirror } from "./camera.js";
import { find } from "./dom.js";
import { Viewer } from "./viewer.js";

/** @import { Device, Found, Source } from "../device/page.js" */
/** @import { Frame } from "./frames.js" */
/** @import { Words } from "./dom.js" */
/** @import { Part } from "./legend.js" */
/** @import { Player } from "./players.js" */
/** @import { Stage } from "./progress.js" */
/** @import { Tables, Wanted } from "./viewer.js" */

export class LocalPhotos {
  /** @param {HTMLElement} element @param {Tables & { lite_table: Part[] }} tables the viewer's, and the classes of the device's model @param {Words} words */
  constructor(element, tables, words) {
    this.tables = tables;
    this.serial = 0;
    this.shown = 0; // number of the photo on show
    this.onShow = { name: "photo", example: "" }; // what the files of the photo on show are called, and its name if it is an example
    this.chosen = this.onShow; // the same of what was chosen last, which may come to nothing
    /** @type {Device | null} */
    this.device = null;
    /** @type {Found | null} */
    this.found = null; // what is on show, where it was parsed on the device
    /** @type {Source | null} */
    this.waiting = null; // what is parsed as soon as the device is ready
    this.broken = false; // whether the device could not be made ready
    /** @type {Promise<void>} */
    this.idle = Promise.resolve(); // until nothing is at work
    this.becomeIdle = () => {};
    this.viewer = new Viewer(find(element, ".viewer"), tables, words, {
      startCamera: () => this.startCamera(),
      parseFrame: (frame) => this.parseFrame(frame),
      makeFile: (wanted) => this.makeFile(wanted),
      photoName: () => this.onShow.name,
      link: () => this.link,
      failedText: (reason) => this.failedText(reason),
    });
  }

  /** The address at which everybody sees what is on the screen now, if the photo is an example. */
  get link() {
    const said = this.linkSays();
    return location.origin + location.pathname + location.search + "#" + decodeURIComponent(said.toString());
  }

  /** What the link says behind its "#". @returns {URLSearchParams} */
  linkSays() {
    const { viewer } = this;
    const { example } = this.onShow;
    const said = new URLSearchParams(viewer.settings.hash);
    said.set("language", viewer.words.language);
    if (example) said.set("example", example);
    if (example && viewer.settings.person) said.set("person", String(viewer.settings.person));
    return said;
  }

  /** What is said where the camera or a clip could not go on. @param {string} reason the key of a text */
  failedText(reason) {
    if (!reason.endsWith(".failed")) return reason;
    return this.device?.failed || (this.broken ? "device.failed" : "device.broke");
  }

  /**
   * A photo is chosen: it is on show at once, dimmed, until it has been parsed.
   * @param {File} file
   * @returns {Promise<boolean>} whether it was parsed and is on show
   */
  open(file) {
    this.announce(file);
    return this.openHere(file);
  }

  /** @param {File} file */
  announce(file) {
    this.viewer.settings.invited = 0; // whom a link shows is in the link's photo
    this.chosen = { name: nameOf(file), example: "" };
    this.viewer.preview(URL.createObjectURL(file));
  }

  /** A clip is chosen: it plays at once. @param {File} file @param {Player} player @returns {Promise<boolean>} whether it came to its end */
  playClip(file, player) {
    this.chosen = { name: nameOf(file), example: "" };
    this.viewer.camera.stop();
    this.work(null, ++this.serial);
    this.viewer.choosePerson(0);
    return this.viewer.clip.play(player);
  }

  startCamera() {
    this.chosen = { name: "camera", example: "" };
    this.work(null, ++this.serial);
    this.viewer.choosePerson(0);
  }

  /** An example is chosen. @param {HTMLImageElement} picture @returns {Promise<boolean>} whether it was parsed and is on show */
  async openExample(picture) {
    this.announceExample(picture);
    this.viewer.stopMoving();
    const serial = ++this.serial;
    this.work({ name: "open" }, serial);
    const photo = await fetchPhoto(this.addressOf(picture)).catch(() => null);
    if (serial !== this.serial) return false;
    if (photo) return this.openHere(photo);
    this.work(null, serial);
    this.viewer.say("photo.unfetched");
    return false;
  }

  /** Where the photo lies, of which a smaller one may be on show. @param {HTMLImageElement} picture */
  addressOf({ dataset, src }) {
    return dataset.photo ?? src;
  }

  /** @param {HTMLImageElement} picture */
  announceExample(picture) {
    this.viewer.preview(this.addressOf(picture));
    this.chosen = { name: picture.alt, example: picture.alt };
  }

  /** Shows what is at work for a photo, unless a newer one has come. @param {Stage | null} now @param {number} serial */
  work(now, serial) {
    if (serial !== this.serial) return;
    if (now && !this.viewer.progress.stage) this.idle = new Promise((done) => (this.becomeIdle = done));
    this.viewer.work(now);
    if (!now) this.becomeIdle();
  }

  /** A camera's frame, parsed and drawn unless a photo has been chosen since. @param {Frame} frame @returns {Promise<boolean>} whether that went well */
  async parseFrame({ pixels, width, height, mirrored }) {
    const { serial } = this;
    const found = await this.device?.parse({ pixels, width, height });
    if (!found || "failed" in found) return false;
    if (mirrored) for (const values of [new Uint32Array(found.pixels.buffer), found.maps]) mirror(values, width);
    if (serial === this.serial) this.showFound(found, true);
    return true;
  }

  /** Photos are parsed on the device from now on, the one on show first; null: not any more. @param {Device | null} device */
  async useDevice(device) {
    this.viewer.stopMoving();
    this.device = device;
    const { waiting } = this;
    this.waiting = null;
    this.broken = false;
    if (device && waiting) this.openHere(waiting);
    if (!device && waiting) this.work(null, this.serial);
    if (!device || waiting) return;
    await this.idle; // a photo that the server has been sent comes first
    const { map } = this.viewer;
    if (device !== this.device || !map || this.found) return;
    this.chosen = this.onShow;
    this.viewer.original = this.viewer.facts?.original ?? null; // not that of a photo that came to nothing
    this.openHere({ pixels: map.pixels, width: map.width, height: map.height });
  }

  /** The model on the device could not be fetched or started. */
  deviceFailed() {
    if (this.waiting) this.viewer.say("device.failed");
    this.waiting = null;
    this.broken = true;
    this.work(null, this.serial);
  }

  /** Parses a photo on the device. Nothing of it is sent. @param {Source} source @returns {Promise<boolean>} whether it is on show */
  async openHere(source) {
    this.viewer.stopMoving();
    const serial = ++this.serial;
    if (!this.device) {
      this.waiting = this.broken ? null : source;
      this.work(this.broken ? null : { name: "fetch" }, serial);
      if (this.broken) this.viewer.say("device.failed");
      await this.idle;
      return this.shown === serial + 1; // by the device, once there was one
    }
    const model = "device.model";
    this.work({ name: "open" }, serial);
    const found = await this.device.parse(source, (stage) => this.work({ ...stage, model }, serial));
    if (serial !== this.serial) return false;
    this.work(null, serial);
    if (found && "failed" in found) this.viewer.say(found.failed);
    if (!found || "failed" in found) return false;
    this.shown = serial;
    this.showFound(found, false);
    return true;
  }

  /** @param {Found} found @param {boolean} isFrame @param {string} model the key of the text that says what parsed it */
  showFound(found, isFrame, model = "device.model") {
    const { width, height, people, timings, maps } = found;
    const pixels = new Uint32Array(found.pixels.buffer);
    this.hold(found);
    this.onShow = this.chosen;
    this.viewer.show({ width, height, people: people.length, model, timings, classes: this.tables.lite_table, pixels, maps }, isFrame);
  }

  /** What is on show was parsed on the device, which makes its files; null: it was not. @param {Found | null} found */
  hold(found) {
    this.found = found;
    this.viewer.root.classList.toggle("here", found !== null);
  }

  /** @param {Wanted} wanted @returns {Promise<{ name: string, blob: Blob } | { refused: string } | null>} */
  async makeFile({ form, parts, person, palette, grow, feather }) {
    if (!this.found) return null;
    const { lite_table: table, palettes } = this.tables;
    const colors = { palette: palettes[palette], usual: palettes.lip };
    return this.found.save({ form, parts, person: person || null, grow, feather, ...colors, table });
  }
}

/** @param {string} address */
async function fetchPhoto(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.blob();
}

/** What the files of a photo are called. @param {File} file */
const nameOf = (file) => file.name.replace(/[.][^.]*$/, "") || "photo";
