// Keys that work everywhere on the page, and the list of all keys, which "?" shows.
import { find, node, targetOf } from "./dom.js";

/** @import { Words } from "./dom.js" */

/** What takes letters for itself; the input for photos, which has the focus once one was chosen, does not. */
const TYPED = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=range], [type=file], [type=color])";

/** What the list says: keys, and the text that tells what they do. */
const LIST = [
  ["f", "keys.full"],
  ["n", "names.title"],
  ["+ −", "keys.zoom"],
  ["0", "zoom.home"],
  ["← ↑ → ↓", "keys.move"],
  ["Ctrl V", "keys.paste"],
  ["?", "keys.title"],
];

export class Keys {
  /**
   * @param {HTMLElement} root
   * @param {Record<string, () => void>} acts what a key does
   */
  constructor(root, acts) {
    this.dialog = /** @type {HTMLDialogElement} */ (find(root, "dialog.keys"));
    document.addEventListener("keydown", (event) => {
      if (targetOf(event).closest(TYPED) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "?") this.show();
      else if (Object.hasOwn(acts, event.key)) acts[event.key]();
    });
    find(root, ".keys-button").addEventListener("click", () => this.show());
    this.dialog.addEventListener("click", () => this.dialog.close());
  }

  show() {
    if (this.dialog.open) this.dialog.close();
    else this.dialog.showModal();
  }

  /** @param {Words} words */
  translate(words) {
    const rows = LIST.map(([keys, text]) => node("div", node("dt", node("kbd", keys)), node("dd", words[text])));
    const mouse = node("p", words["keys.mouse"]);
    const close = node("button", words["keys.close"]);
    this.dialog.replaceChildren(node("h2", words["keys.title"]), node("dl", ...rows), mouse, close);
  }
}
