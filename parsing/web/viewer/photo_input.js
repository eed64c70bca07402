// Where photos and clips come in: chosen, dropped or pasted anywhere on the page, or an example. Several become a strip of thumbnails,
// parsed one after the other. What becomes of a photo is the receiver's affair.
import { find, findInput, targetOf } from "./dom.js";
import { openPlayer } from "./players.js";

/** @import { Player } from "./players.js" */
/** @import { Viewer } from "./viewer.js" */
/**
 * Who takes the photos: `open` says whether one was parsed and is on show; `playClip`, whether it came to its end; `takeExample`, whether
 * it has taken the example, so that the click goes no further.
 * @typedef {{
 *   open: (file: File) => Promise<boolean>,
 *   playClip: (file: File, player: Player) => Promise<boolean>,
 *   takeExample: (picture: HTMLImageElement) => boolean,
 * }} Receiver
 */

const LARGEST_FILE = 64_000_000; // bytes, as the server has it

export class PhotoInput {
  /** @param {HTMLElement} element which holds the input for files @param {Viewer} viewer @param {Receiver} receiver */
  constructor(element, viewer, receiver) {
    this.viewer = viewer;
    this.receiver = receiver;
    this.batch = 0;
    element.addEventListener("change", (event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      const files = [...(input.files ?? [])];
      input.value = ""; // so that the same photo can be chosen again
      this.take(files);
    });
    find(document, "#picture").addEventListener("click", (event) => {
      const isEmpty = !viewer.map && !targetOf(event).closest("button, input");
      if (isEmpty) findInput(element, "input").click();
    });
    find(document, ".camera").addEventListener("click", () => this.batch++); // photos that still wait would end it
    viewer.strip.onChoose = (file) => this.takeAgain(file);
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
      const items = [...event.dataTransfer.items].filter((item) => item.kind === "file" && !item.webkitGetAsEntry()?.isDirectory);
      const files = items.flatMap((item) => item.getAsFile() ?? []);
      if (files.length) this.take(files);
      else this.viewer.say("photo.folder");
    });
    document.addEventListener("paste", (event) => {
      if (targetOf(event).closest("textarea, [contenteditable]")) return;
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length) this.take(files);
      else this.viewer.say("photo.pasted");
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
    const { strip } = this.viewer;
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
    const { viewer, batch } = this;
    const { strip, stage } = viewer;
    strip.mark(file, "working");
    const shown = await this.show(file);
    if (shown) strip.mark(file, "shown", stage.canvas);
    else if (batch === this.batch) strip.mark(file, "failed");
    else strip.leave(file);
  }

  /** A clip is played, a photo parsed; whether it was shown to its end. @param {File} file */
  async show(file) {
    const { viewer, receiver, batch } = this;
    const player = await openPlayer(file).catch(() => /** @type {const} */ ("unreadable"));
    if (batch !== this.batch) {
      if (player && player !== "unreadable") player.close();
      return false; // something else has been chosen meanwhile
    }
    if (player === "unreadable") viewer.say("clip.unreadable");
    else if (player) return receiver.playClip(file, player);
    else if (file.size > LARGEST_FILE) viewer.say("photo.large");
    else return receiver.open(file);
    return false;
  }

  /** @param {HTMLImageElement} picture */
  takeExample(picture) {
    this.batch++;
    this.viewer.strip.show([]);
    return this.receiver.takeExample(picture);
  }
}
