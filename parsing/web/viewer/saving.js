// What is taken away of what is on the screen: the picture as a file, copied, shared or printed, with names and a legend where they are
// asked for; files of other formats, which somebody else makes; the link.
import { find, findInput, targetOf } from "./dom.js";
import { canShare, copyLink, copyPicture, download, encodeCanvas, share } from "./downloads.js";
import { chosenBox, cut } from "./stage.js";
import { withLegend, withNames } from "./writing.js";

/** @import { Viewer } from "./viewer.js" */

export const COLORED = ["overlay", "map", "outlines", "recolor", "compare"]; // views in which a legend says something

export class Saving {
  /** @param {Viewer} viewer */
  constructor(viewer) {
    this.viewer = viewer;
    const { root } = viewer;
    find(root, "button.share").hidden = !canShare();
    root.addEventListener("click", (event) => this.press(targetOf(event)));
    for (const [name, box] of /** @type {const} */ ([["crop", "#crop-choice"], ["legend", "#legend-choice"]])) {
      findInput(root, box).addEventListener("input", () => (viewer.settings[name] = findInput(root, box).checked));
    }
    addEventListener("beforeprint", () => this.preparePrint());
    addEventListener("afterprint", () => find(root, ".printed").replaceChildren());
  }

  /** @param {HTMLElement} target */
  async press(target) {
    const { viewer } = this;
    const { ports, words } = viewer;
    const form = /** @type {HTMLElement | null} */ (target.closest("[data-save]"))?.dataset.save;
    if (form) await this.save(form);
    if (target.closest(".copy")) viewer.say((await copyPicture(this.picture())) ? "copy.done" : "copy.refused");
    if (target.closest("button.share")) await share(await encodeCanvas(this.picture()), this.pictureName);
    if (target.closest(".link") && (await copyLink(ports.link(), words))) viewer.say("link.copied");
  }

  get pictureName() {
    return `${this.viewer.ports.photoName()}-${this.viewer.settings.view}.png`;
  }

  /**
   * What is on the screen: a canvas of the photo's size, or cropped, with what is written beside it.
   * @param {boolean} legend whether the colours are explained too
   * @returns {HTMLCanvasElement}
   */
  picture(legend = this.viewer.settings.legend) {
    const { stage, settings } = this.viewer;
    const { view, crop, named } = settings;
    const box = view === "cutout" && crop ? chosenBox(stage.canvas) : null;
    const whole = stage.picture(view);
    let picture = box ? cut(whole, box) : whole;
    const { x0, y0, x1, y1 } = box ?? { x0: 0, y0: 0, x1: whole.width, y1: whole.height };
    const regions = this.viewer.naming.regions().filter(({ x, y }) => x >= x0 && x < x1 && y >= y0 && y < y1);
    if (named) picture = withNames(picture, regions.map((region) => ({ ...region, x: region.x - x0, y: region.y - y0 })));
    if (legend && COLORED.includes(view)) picture = withLegend(picture, this.viewer.naming.entries());
    return picture;
  }

  /** @param {string} form "picture" or another row of the table of formats */
  async save(form) {
    const { viewer } = this;
    if (viewer.camera.on) viewer.camera.stop(); // all files are of one frame
    await Promise.all([viewer.camera.ended, viewer.clip.rest()]);
    if (form === "picture") return download(await encodeCanvas(this.picture()), this.pictureName);
    const { ticked, person, palette, grow, feather } = viewer.settings;
    const file = await viewer.ports.makeFile({ form, parts: [...ticked], person, palette, grow, feather }).catch(() => null);
    if (!file) viewer.say("save.gone");
    else if ("refused" in file) viewer.say(file.refused);
    else download(file.blob, file.name.replace("parsing", viewer.ports.photoName()));
  }

  /** Puts the picture, as it would be saved, where only the printed page shows it; there the list of parts is the legend. */
  preparePrint() {
    if (!this.viewer.map) return;
    const picture = this.picture(false);
    const { width, height } = picture;
    find(this.viewer.root, ".printed").replaceChildren(cut(picture, { x0: 0, y0: 0, x1: width, y1: height }));
  }
}
