// Between Gradio and the viewer: messages from the server become photos on show, and what the viewer asks for is asked of the server, or,
// while that is chosen in the model menu, of the model on the visitor's own device.
import { mirror } from "../viewer/camera.js";
import { LocalPhotos } from "../viewer/local.js";
import { linked } from "../viewer/preferences.js";
import { decodePhoto, fromBase64, inflate, readWords } from "./messages.js";

/** @import { Frame } from "../viewer/frames.js" */
/** @import { Part } from "../viewer/legend.js" */
/** @import { Stage } from "../viewer/progress.js" */
/** @import { ParsedPhoto, Tables, Wanted } from "../viewer/viewer.js" */
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

export class Connection extends LocalPhotos {
  /** @param {Component} component */
  constructor({ element, props, server, watch }) {
    super(element, props, readWords(props.label));
    this.props = props;
    this.server = server;
    this.page = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.received = 0; // number of the photo that has come last
    /** @type {WeakMap<File, number>} */
    this.serials = new WeakMap(); // of photos that have been on show
    /** @type {Map<string, string>} */
    this.tickets = new Map(); // of photos that have been sent, by the name of the upload
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
    return this.ticketFor(this.serial);
  }

  /** @param {number} serial of a photo */
  ticketFor(serial) {
    return `${this.page} ${serial} ${this.viewer.words.language}`;
  }

  /** @param {string} reason */
  failedText(reason) {
    return this.staysHere ? super.failedText(reason) : reason;
  }

  /**
   * As `open`, by the server unless the photo stays here.
   * @param {File} file
   * @param {() => Promise<void>} send sends it to the server
   * @returns {Promise<boolean>} whether it was parsed and is on show
   */
  async openOrSend(file, send) {
    if (this.staysHere) return this.open(file);
    this.announce(file);
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

  linkSays() {
    const said = super.linkSays();
    const model = /** @type {HTMLInputElement | null} */ (document.querySelector("#models [name=model]:checked"))?.value;
    if (model) said.set("model", model);
    return said;
  }

  /** Shows the example that the server has parsed already, until a photo is chosen. */
  async openFirst() {
    const serial = ++this.serial;
    const message = await this.server.first_photo(this.ticket).catch(() => null);
    if (!message || serial !== this.serial) return;
    const name = message.example.replaceAll("-", " ");
    this.chosen = { name, example: name };
    await this.receive(message);
    this.viewer.invite(serial === this.serial);
  }

  /** Shows the example that the link names, once the examples are there; the usual one where there is none of that name. */
  async openLinked() {
    const name = linked("example");
    if (!name) return this.openFirst();
    for (let tries = 0; tries < MOST_TRIES && !this.serial; tries++) {
      const picture = [...document.querySelectorAll("#examples img")].find((image) => image.getAttribute("alt") === name);
      if (picture) return this.openNamed(/** @type {HTMLImageElement} */ (picture));
      await new Promise((done) => setTimeout(done, TRY_MS));
    }
    if (!this.serial) return this.openFirst();
  }

  /** The same as a click on an example, before anybody listens to clicks. @param {HTMLImageElement} picture */
  openNamed(picture) {
    if (this.staysHere) return this.openExample(picture);
    this.announceExample(picture);
    picture.closest("button")?.click();
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
    if (!this.viewer.map || this.found) return "";
    this.chosen = this.onShow;
    return this.begin();
  }

  /** Nothing came of the newest photo. */
  fail() {
    this.work(null, this.serial);
  }

  /** @param {Message | null} message */
  async receive(message) {
    if (message?.serial !== this.serial) return;
    const { serial, stage, failed, photo, maps, ...facts } = message;
    if (failed) this.viewer.say(failed);
    if (failed !== undefined) return this.work(null, serial);
    if (stage) return this.work(stage, serial);
    this.props.value = null; // megabytes that nobody needs any more
    if (this.received === serial) return; // Gradio tells the last message of a call twice
    this.received = serial;
    if (this.shown) this.work({ name: "receive" }, serial);
    const unpacked = await Promise.all([decodePhoto(photo, facts.width, facts.height), inflate(maps)]).catch(() => null);
    if (serial !== this.serial) return;
    if (!unpacked) {
      this.viewer.say("device.broke"); // too little memory, or too old a browser
      return this.work(null, serial);
    }
    const [pixels, inflated] = unpacked;
    this.hold(null);
    this.shown = serial;
    this.onShow = this.chosen;
    this.viewer.show({ ...facts, pixels, maps: inflated });
    this.work(null, serial);
  }

  /** @param {Frame} frame */
  async parseFrame(frame) {
    if (this.staysHere) return super.parseFrame(frame);
    const { serial } = this;
    const { pixels, width, mirrored } = frame;
    const answer = await this.server.parse_frame({ ticket: this.ticket, jpeg: frame.address(), mirrored });
    if (!answer) return false;
    const maps = await inflate(answer.maps);
    if (serial !== this.serial) return true;
    if (mirrored) mirror(pixels, width);
    this.hold(null);
    this.shown = serial;
    this.onShow = this.chosen;
    this.viewer.show({ ...answer, pixels, maps }, true);
    return true;
  }

  /** @param {Wanted} wanted */
  async makeFile(wanted) {
    if (this.found) return super.makeFile(wanted);
    const { form, parts, person, palette, grow, feather } = wanted;
    const ticket = this.ticketFor(this.shown); // the server may be at a newer photo
    const file = await this.server.save_file({ ticket, form, parts, person: person || null, palette, grow, feather });
    if (!file || "refused" in file) return file;
    return { name: file.name, blob: new Blob([fromBase64(file.content)], { type: file.type }) };
  }
}
