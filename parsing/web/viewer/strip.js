// Several photos, one beside the other: a thumbnail for each, coloured once it is parsed.
import { contextOf, targetOf } from "./dom.js";

/** @typedef {"waiting" | "working" | "shown" | "failed"} State */

const SIDE = 112; // pixels of a thumbnail, twice what is on the screen

export class Strip {
  /** @param {HTMLElement} list */
  constructor(list) {
    this.list = list;
    /** @type {File[]} */
    this.files = [];
    /** @type {WeakSet<File>} */
    this.parsed = new WeakSet();
    /** @type {HTMLElement | null} */
    this.onShow = null; // the item of the photo on show
    /** @type {(file: File) => void} */
    this.onChoose = () => {};
    list.addEventListener("click", (event) => {
      const item = targetOf(event).closest("li");
      if (item) this.onChoose(this.files[[...list.children].indexOf(item)]);
    });
  }

  /** @param {File[]} files none hides the strip */
  show(files) {
    this.files = files;
    this.onShow = null;
    this.list.hidden = files.length === 0;
    this.list.replaceChildren(...files.map((file) => this.makeItem(file)));
    for (const file of files) this.draw(file, file);
  }

  /** @param {File} file */
  makeItem(file) {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", title: file.name });
    button.setAttribute("aria-label", file.name);
    const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
    button.append(canvas);
    item.append(button);
    item.dataset.state = "waiting";
    return item;
  }

  /** What has become of a photo; `picture` is drawn into its thumbnail. @param {File} file @param {State} state @param {HTMLCanvasElement | null} picture */
  mark(file, state, picture = null) {
    const item = this.itemOf(file);
    if (!item) return;
    item.dataset.state = state;
    if (state === "shown") {
      this.parsed.add(file);
      this.onShow = item;
    }
    const current = state === "failed" ? this.onShow : item;
    for (const other of this.list.children) other.querySelector("button")?.setAttribute("aria-current", String(other === current));
    if (picture) this.draw(file, picture);
    this.list.scrollLeft = item.offsetLeft - (this.list.clientWidth - item.clientWidth) / 2;
  }

  /** A photo that was at work is left for another. @param {File} file */
  leave(file) {
    const item = this.itemOf(file);
    if (item) item.dataset.state = this.parsed.has(file) ? "shown" : "waiting";
  }

  /** @param {File} file */
  itemOf(file) {
    return /** @type {HTMLElement | undefined} */ (this.list.children[this.files.indexOf(file)]);
  }

  /** Draws the middle of a picture into a thumbnail, if a browser can read it. @param {File} file @param {ImageBitmapSource} source */
  async draw(file, source) {
    const item = this.itemOf(file);
    const picture = await createImageBitmap(source).catch(() => null);
    const canvas = item?.querySelector("canvas");
    if (!picture || !canvas || (source === file && item?.dataset.state === "shown")) return;
    const scale = SIDE / Math.min(picture.width, picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    contextOf(canvas, false).drawImage(picture, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    picture.close();
  }
}
