// Between Gradio and the viewer: messages from the server become photos on show, and what the viewer asks for is asked of the server, or,
// while that is chosen in the model menu, of the model on the visitor's own device. Each photo has a number; what answers an earlier
// one than the newest is dropped.
import { find } from "../viewer/dom.js";
import { Viewer } from "../viewer/viewer.js";
import { decodePhoto, fromBase64, inflate, readWords } from "./messages.js";

/** @import { Frame } from "../viewer/camera.js" */
/** @import { Part } from "../viewer/legend.js" */
/** @import { Stage } from "../viewer/progress.js" */
/** @import { ParsedPhoto, Tables, Wanted } from "../viewer/viewer.js" */
/** @import { Device, Found, Source } from "../device/page.js" */
/**
 * What the server says of a photo: a stage, that nothing came of it, or the photo with its maps.
 * @typedef {{ serial: number, stage?: Stage, failed?: boolean, photo: string, maps: string } & Omit<ParsedPhoto, "pixels" | "maps">} Message
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

export class Connection {
  /** @param {Component} component */
  constructor({ element, props, server, watch }) {
    this.props = props;
    this.server = server;
    this.page = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.serial = 0;
    /** @type {Device | null} */
    this.device = null;
    /** @type {Found | null} */
    this.found = null; // what is on show, where it was parsed on the device
    /** @type {Promise<void>} */
    this.idle = Promise.resolve(); // until nothing is at work
    this.becomeIdle = () => {};
    this.viewer = new Viewer(find(element, ".viewer"), props, readWords(props.label), {
      startCamera: () => this.work(null, ++this.serial),
      parseFrame: (frame) => (staysHere() ? this.parseFrameHere(frame) : this.parseFrame(frame)),
      makeFile: (wanted) => this.makeFile(wanted),
      failedText: (reason) => (staysHere() && reason === "live.failed" ? "device.broke" : reason),
    });
    watch("value", () => this.receive(props.value));
    watch("label", () => this.viewer.translate(readWords(props.label)));
  }

  get ticket() {
    return `${this.page} ${this.serial} ${this.viewer.words.language}`;
  }

  /**
   * A new photo: whatever is at work is of no more use. Gives the ticket that travels with it; without one, the server does nothing.
   * @returns {string}
   */
  begin() {
    if (staysHere()) return "";
    this.viewer.camera.stop();
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
    const { progress } = this.viewer;
    if (now && !progress.stage) this.idle = new Promise((done) => (this.becomeIdle = done));
    progress.show(now);
    if (!now) this.becomeIdle();
  }

  /** @param {Message | null} message */
  async receive(message) {
    if (message?.serial !== this.serial) return;
    const { serial, stage, failed, photo, maps, ...facts } = message;
    if (failed) return this.work(null, serial);
    if (stage) return this.work(stage, serial);
    this.work({ name: "receive" }, serial);
    const [pixels, inflated] = await Promise.all([decodePhoto(photo, facts.width, facts.height), inflate(maps)]);
    if (serial !== this.serial) return;
    this.props.value = null; // megabytes that nobody needs any more
    this.found = null;
    this.viewer.show({ ...facts, pixels, maps: inflated });
    this.work(null, serial);
  }

  /** A camera's frame, parsed by the server and drawn unless a photo has been chosen since. @param {Frame} frame */
  async parseFrame(frame) {
    const { serial } = this;
    const answer = await this.server.parse_frame({ ticket: this.ticket, jpeg: frame.address() });
    if (!answer) return false;
    const maps = await inflate(answer.maps);
    if (serial !== this.serial) return true;
    this.found = null;
    this.viewer.show({ ...answer, pixels: frame.pixels, maps }, true);
    return true;
  }

  /** The same on the device. @param {Frame} frame */
  async parseFrameHere({ pixels, width, height }) {
    const { serial } = this;
    const found = await this.device?.parse({ pixels, width, height });
    if (!found || "failed" in found) return false;
    if (serial === this.serial) this.showFound(found, true);
    return true;
  }

  /** Photos are parsed on the device from now on, the one on show first; null: by the server. @param {Device | null} device */
  useDevice(device) {
    this.viewer.camera.stop();
    this.device = device;
    const { map } = this.viewer;
    if (device && map) this.openHere({ pixels: map.pixels, width: map.width, height: map.height });
  }

  /** Parses a photo on the device. Nothing of it is sent. @param {Source} source */
  async openHere(source) {
    if (!this.device) return;
    this.viewer.camera.stop();
    const serial = ++this.serial;
    const model = this.viewer.words["device.model"];
    this.work({ name: "open" }, serial);
    const found = await this.device.parse(source, (stage) => this.work({ ...stage, model }, serial));
    if (serial !== this.serial) return;
    this.work(null, serial);
    if (!found) return;
    if ("failed" in found) this.viewer.say(found.failed);
    else this.showFound(found, false);
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
  async makeFile({ form, parts, person, palette }) {
    if (this.found) {
      const { lite_table: table, palettes } = this.props;
      const colors = { palette: palettes[palette], usual: palettes.lip };
      return this.found.save({ form, parts, person: person || null, ...colors, table });
    }
    const file = await this.server.save_file({ ticket: this.ticket, form, parts, person: person || null, palette });
    if (!file || "refused" in file) return file;
    return { name: file.name, blob: new Blob([fromBase64(file.content)], { type: file.type }) };
  }
}

/** Whether no photo may be sent: from the choice on, even before the device is ready. */
const staysHere = () => "device" in document.documentElement.dataset;
