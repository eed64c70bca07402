// Where photos and clips come in: chosen, dropped or pasted anywhere on the page, or an example. Several become a strip of thumbnails, parsed one
// after the other. What becomes of a photo is the connection's affair.
import { find, findInput, targetOf } from "../viewer/dom.js";
import { openPlayer } from "../viewer/players.js";

/** @import { Connection } from "./connection.js" */
/**
 * What Gradio hands to the component's script.
 * @typedef {{
 *   element: HTMLElement,
 *   props: { value: object | null },
 *   trigger: (event: string) => void,
 *   upload: (file: File) => Promise<{ path: string }>,
 * }} Component
 */

const LARGEST_FILE = 64_000_000; // bytes, as the server has it

export class PhotoInput {
  /** @param {Component} component @param {Connection} connection */
  constructor({ element, props, trigger, upload }, connection) {
    this.connection = connection;
    this.props = props;
    this.trigger = trigger;
    this.upload = upload;
    this.batch = 0;
    element.addEventListener("change", (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      const files = [...(input.files ?? [])];
      input.value = ""; // so that the same photo can be chosen again
      this.take(files);
    });
    find(document, "#picture").addEventListener("click", (event) => {
      const isEmpty = !this.connection.viewer.map && !targetOf(event).closest("button, input");
      if (isEmpty) findInput(element, "input").click();
    });
    connection.viewer.strip.onChoose = (file) => this.takeAgain(file);
    this.listenToPage();
    const earlier = [...(findInput(element, "input").files ?? [])]; // chosen before this script was there
    if (earlier.length) this.take(earlier);
  }

  listenToPage() {
    const root = document.documentElement;
    document.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      root.toggleAttribute("data-dragging", true);
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) root.removeAttribute("data-dragging");
    });
    document.addEventListener("drop", (event) => {
      root.removeAttribute("data-dragging");
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      this.take([...event.dataTransfer.files]);
    });
    document.addEventListener("paste", (event) => {
      if (targetOf(event).closest("textarea, [contenteditable]")) return;
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.take(files);
      else this.connection.viewer.say("photo.pasted");
    });
    document.addEventListener(
      "click",
      (event) => {
        const button = targetOf(event).closest("#examples button");
        const picture = button?.querySelector("img");
        if (picture && this.takeExample(picture)) event.stopPropagation();
      },
      true,
    );
  }

  /** Parses photos one after the other, until others are chosen. @param {File[]} files */
  async take(files) {
    const batch = ++this.batch;
    const { strip } = this.connection.viewer;
    strip.show(files.length > 1 ? files : []);
    for (const file of files) {
      if (batch === this.batch) await this.open(file);
    }
  }

  /** One of the strip's photos, once more. @param {File} file */
  takeAgain(file) {
    this.batch++;
    return this.open(file);
  }

  /** @param {File} file */
  async open(file) {
    const { connection } = this;
    const { strip } = connection.viewer;
    strip.mark(file, "working");
    const shown = await this.show(file);
    strip.mark(file, shown ? "shown" : "failed", shown ? connection.viewer.stage.canvas : null);
  }

  /** A clip is played, a photo parsed; whether it was shown to its end. @param {File} file */
  async show(file) {
    const { connection, batch } = this;
    const player = await openPlayer(file).catch(() => /** @type {const} */ ("unreadable"));
    if (batch !== this.batch) {
      if (player && player !== "unreadable") player.close();
      return false; // something else has been chosen meanwhile
    }
    if (player === "unreadable") connection.viewer.say("clip.unreadable");
    else if (player) return connection.playClip(file, player);
    else if (file.size > LARGEST_FILE) connection.viewer.say("photo.large");
    else return connection.open(file, () => this.send(file));
    return false;
  }

  /** Sends a file to the server; Gradio's event then asks for what comes of it. @param {File} file */
  async send(file) {
    const serial = this.connection.serial;
    const { path } = await this.upload(file);
    if (serial !== this.connection.serial) return; // another photo has been chosen meanwhile
    this.connection.tickets.set(path, this.connection.ticket);
    this.props.value = { path, meta: { _type: "gradio.FileData" } };
    this.trigger("input");
  }

  /** An example is chosen; whether it is parsed on the device, so that the server has no part. @param {HTMLImageElement} picture */
  takeExample(picture) {
    const { connection } = this;
    this.batch++;
    connection.viewer.strip.show([]);
    connection.viewer.preview(picture.src);
    connection.name = connection.example = picture.alt;
    if (!connection.staysHere) return false;
    fetch(picture.src)
      .then((answer) => answer.blob())
      .then((blob) => connection.openHere(blob));
    return true;
  }
}
