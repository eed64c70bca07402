// Between Gradio and the viewer: messages from the server become photos on show, and what the viewer asks for is asked of the server, or,
// while that is chosen in the model menu, of the model on the visitor's own device. Each photo has a number; what answers an earlier
// one than the newest is dropped.
import { mirror } from "../viewer/camera.js";
import { find } from "../viewer/dom.js";
import { Viewer } from "../viewer/viewer.js";
import { linked } from "./preferences.js";
import { decodePhoto, fromBase64, inflate, readWords } from "./messages.js";

/** @import { Frame } from "../viewer/frames.js" */
/** @import { Part } from "../viewer/legend.js" */
/** @import { Player } from "../viewer/players.js" */
/** @import { Stage } from "../viewer/progress.js" */
/** @import { ParsedPhoto, Tables, Wanted } from "../viewer/viewer.js" */
/** @import { Device, Found, Source } from "../device/page.js" */
/**
 * What the server says of a photo: a stage, why nothing came of it, or the photo with its maps.
 * @typedef {{ serial: number, stage?: Stage, failed?: string, photo: string, maps: string } & Omit<ParsedPhoto, "pixels" | "maps">} Message
 */
/**
 * What Gradio hands to a component's script.
 * @typedef {{
 *   element: HTMLElement,
 *   props: Tables & { lite_table: Part[], value: Message | null, label: string },
 *   server: Record<string, (sent: unknown) => Promise<any>>,
 *   watch: (name: string, act: () => void) => void,
 * }} Component
 */

const MOST_TRIES = 50;
const TRY_MS = 100;

export class Connection {
  /** @param {Component} component */
  constructor({ element, props, server, watch }) {
    this.props = props;
    this.server = server;
    this.page = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.serial = 0;
    this.shown = 0; // number of the photo on show
    this.name = "photo"; // what its files are called
    this.example = ""; // the name of the example on show
    /** @type {WeakMap<File, number>} */
    this.serials = new WeakMap(); // of photos that have been on show
    /** @type {Map<string, string>} */
    this.tickets = new Map(); // of photos that have been sent, by the name of the upload
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
    this.viewer = new Viewer(find(element, ".viewer"), props, readWords(props.label), {
      startCamera: () => this.work(null, ++this.serial),
      parseFrame: (frame) => (this.staysHere ? this.parseFrameHere(frame) : this.parseFrame(frame)),
      makeFile: (wanted) => this.makeFile(wanted),
      photoName: () => this.name,
      link: () => this.link,
      failedText: (reason) => (this.staysHere && reason.endsWith(".failed") ? (this.broken ? "device.failed" : "device.broke") : reason),
    });
    document.title = this.viewer.words.title;
    watch("value", () => this.receive(props.value));
    watch("label", () => {
      this.viewer.translate(readWords(props.label));
      document.title = this.viewer.words.title;
    });
    this.openLinked();
  }

  /** Whether no photo may be sent: from the choice on, even before the device is ready. */
  get staysHere() {
    return "device" in document.documentElement.dataset;
  }

  get ticket() {
    return `${this.page} ${this.serial} ${this.viewer.words.language}`;
  }

  /**
   * A photo is chosen: it is on show at once, dimmed, until it has been parsed.
   * @param {File} file
   * @param {() => Promise<void>} send sends it to the server
   * @returns {Promise<boolean>} whether it was parsed and is on show
   */
  async open(file, send) {
    this.example = "";
    this.name = nameOf(file);
    this.viewer.preview(URL.createObjectURL(file));
    if (this.staysHere) return this.openHere(file);
    this.begin();
    const { serial } = this;
    if (await this.openEarlier(file)) return true;
    if (serial !== this.serial) return false;
    try {
      await send();
    } catch {
      if (serial === this.serial) this.viewer.say("photo.unsent");
      this.work(null, serial);
    }
    await this.idle;
    if (this.shown === serial) this.serials.set(file, serial);
    return this.shown === serial;
  }

  /** Shows a photo that has been parsed before, as long as the server keeps it. @param {File} file @returns {Promise<boolean>} whether it is on show */
  async openEarlier(file) {
    const { serial } = this;
    const earlier = this.serials.get(file);
    const message = earlier && (await this.server.earlier_photo({ ticket: this.ticket, earlier }).catch(() => null));
    if (!message) return false;
    await this.receive(message);
    if (this.shown === serial) this.serials.set(file, serial);
    return this.shown === serial;
  }

  /** A clip is chosen: it plays at once. @param {File} file @param {Player} player @returns {Promise<boolean>} whether it came to its end */
  playClip(file, player) {
    this.example = "";
    this.name = nameOf(file);
    this.viewer.camera.stop();
    this.work(null, ++this.serial);
    this.viewer.settings.person = 0;
    return this.viewer.clip.play(player);
  }

  /** The address at which everybody sees what is on the screen now, if the photo is an example. */
  get link() {
    const { viewer, example } = this;
    const said = new URLSearchParams(location.hash.slice(1));
    said.set("language", viewer.words.language);
    if (example) said.set("example", example);
    if (example && viewer.settings.person) said.set("person", String(viewer.settings.person));
    const model = /** @type {HTMLInputElement | null} */ (document.querySelector("#models [name=model]:checked"))?.value;
    if (model) said.set("model", model);
    return location.origin + location.pathname + location.search + "#" + decodeURIComponent(said.toString());
  }

  /** Shows the example that the server has parsed already, until a photo is chosen. */
  async openFirst() {
    const serial = ++this.serial;
    const message = await this.server.first_photo(this.ticket).catch(() => null);
    if (!message || serial !== this.serial) return;
    this.name = this.example = message.example.replaceAll("-", " ");
    await this.receive(message);
    this.viewer.invite(serial === this.serial);
  }

  /** Shows the example that the link names, once the examples are there. */
  async openLinked() {
    const name = linked("example");
    if (!name) return this.openFirst();
    for (let tries = 0; tries < MOST_TRIES && !this.serial; tries++) {
      const picture = [...document.querySelectorAll("#examples img")].find((image) => image.getAttribute("alt") === name);
      if (picture) return /** @type {HTMLElement | null} */ (picture.closest("button"))?.click();
      await new Promise((done) => setTimeout(done, TRY_MS));
    }
  }

  /** The ticket of a photo that has been sent, for Gradio's event. @param {{ path: string }} sent */
  ticketOf({ path }) {
    const ticket = this.tickets.get(path) ?? "";
    this.tickets.delete(path);
    return ticket;
  }

  /**
   * A new photo: whatever is at work is of no more use. Gives the ticket that travels with it; without one, the server does nothing.
   * @returns {string}
   */
  begin() {
    if (this.staysHere) return "";
    this.viewer.stopMoving();
    this.work({ name: "send" }, ++this.serial);
    this.server.begin_photo(this.ticket).catch(() => {}); // only so that the server may stop earlier
    return this.ticket;
  }

  /** Another model for the photo on show, once that is there. */
  async beginAgain() {
    await this.idle;
    return this.viewer.map && !this.found ? this.begin() : "";
  }

  /** Nothing came of the newest photo. */
  fail() {
    this.work(null, this.serial);
  }

  /** Shows what is at work for a photo, unless a newer one has come. @param {Stage | null} now @param {number} serial */
  work(now, serial) {
    if (serial !== this.serial) return;
    if (now && !this.viewer.progress.stage) this.idle = new Promise((done) => (this.becomeIdle = done));
    this.viewer.work(now);
    if (!now) this.becomeIdle();
  }

  /** @param {Message | null} message */
  async receive(message) {
    if (message?.serial !== this.serial) return;
    const { serial, stage, failed, photo, maps, ...facts } = message;
    if (failed) this.viewer.say(failed);
    if (failed !== undefined) return this.work(null, serial);
    if (stage) return this.work(stage, serial);
    if (this.shown) this.work({ name: "receive" }, serial);
    const [pixels, inflated] = await Promise.all([decodePhoto(photo, facts.width, facts.height), inflate(maps)]);
    if (serial !== this.serial) return;
    this.props.value = null; // megabytes that nobody needs any more
    this.found = null;
    this.shown = serial;
    this.viewer.show({ ...facts, pixels, maps: inflated });
    this.work(null, serial);
  }

  /** A camera's frame, parsed by the server and drawn unless a photo has been chosen since. @param {Frame} frame */
  async parseFrame(frame) {
    const { serial } = this;
    const { pixels, width, mirrored } = frame;
    const answer = await this.server.parse_frame({ ticket: this.ticket, jpeg: frame.address(), mirrored });
    if (!answer) return false;
    const maps = await inflate(answer.maps);
    if (serial !== this.serial) return true;
    if (mirrored) mirror(pixels, width);
    this.found = null;
    this.viewer.show({ ...answer, pixels, maps }, true);
    return true;
  }

  /** The same on the device. @param {Frame} frame */
  async parseFrameHere({ pixels, width, height, mirrored }) {
    const { serial } = this;
    const found = await this.device?.parse({ pixels, width, height });
    if (!found || "failed" in found) return false;
    if (mirrored) for (const values of [new Uint32Array(found.pixels.buffer), found.maps]) mirror(values, width);
    if (serial === this.serial) this.showFound(found, true);
    return true;
  }

  /** Photos are parsed on the device from now on, the one on show first; null: by the server. @param {Device | null} device */
  useDevice(device) {
    this.viewer.stopMoving();
    this.device = device;
    const { map } = this.viewer;
    const { waiting } = this;
    this.waiting = null;
    this.broken = false;
    if (device && waiting) this.openHere(waiting);
    else if (device && map) this.openHere({ pixels: map.pixels, width: map.width, height: map.height });
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
      return false;
    }
    const model = this.viewer.words["device.model"];
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

  /** @param {Found} found @param {boolean} isFrame */
  showFound(found, isFrame) {
    const { width, height, people, timings, maps } = found;
    const pixels = new Uint32Array(found.pixels.buffer);
    const model = this.viewer.words["device.model"];
    this.found = found;
    this.viewer.show({ width, height, people: people.length, model, timings, classes: this.props.lite_table, pixels, maps }, isFrame);
  }

  /** @param {Wanted} wanted @returns {Promise<{ name: string, blob: Blob } | { refused: string } | null>} */
  async makeFile({ form, parts, person, palette, grow, feather }) {
    if (this.found) {
      const { lite_table: table, palettes } = this.props;
      const colors = { palette: palettes[palette], usual: palettes.lip };
      return this.found.save({ form, parts, person: person || null, grow, feather, ...colors, table });
    }
    const file = await this.server.save_file({ ticket: this.ticket, form, parts, person: person || null, palette, grow, feather });
    if (!file || "refused" in file) return file;
    return { name: file.name, blob: new Blob([fromBase64(file.content)], { type: file.type }) };
  }
}

/** What the files of a photo are called. @param {File} file */
const nameOf = (file) => file.name.replace(/[.][^.]*$/, "") || "photo";
