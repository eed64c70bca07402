// The few things that every part of the viewer does with elements.

/** The page's texts in one language, by key. @typedef {Record<string, string>} Words */

/**
 * The element below `root` that a selector names; it must be there.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(root, selector) {
  const found = /** @type {HTMLElement | null} */ (root.querySelector(selector));
  if (!found) throw new Error(`There is no ${selector}.`);
  return found;
}

/** @param {ParentNode} root @param {string} selector @returns {HTMLInputElement} */
export const findInput = (root, selector) => /** @type {HTMLInputElement} */ (find(root, selector));

/** @param {ParentNode} root @param {string} selector @returns {HTMLCanvasElement} */
export const findCanvas = (root, selector) => /** @type {HTMLCanvasElement} */ (find(root, selector));

/** The element that an event happened on. @param {Event} event @returns {HTMLElement} */
export const targetOf = (event) => /** @type {HTMLElement} */ (event.target);

/**
 * A new element.
 * @param {string} tag
 * @param {(string | Node)[]} content
 */
export function node(tag, ...content) {
  const made = document.createElement(tag);
  made.append(...content);
  return made;
}

/** Writes the texts that elements name, as data-text for their content and data-label for what they are called. @param {ParentNode} root @param {Words} words */
export function fillTexts(root, words) {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-text]"))) {
    part.textContent = words[part.dataset.text ?? ""];
  }
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-label]"))) {
    const text = words[part.dataset.label ?? ""];
    part.setAttribute("aria-label", text);
    if (part.matches("button")) part.title = text;
  }
}

/**
 * A canvas's context. Drawing in main memory keeps pixels to the last bit, where it is the pixels that count.
 * @param {HTMLCanvasElement} canvas
 * @param {boolean} exact
 */
export function contextOf(canvas, exact = true) {
  const context = canvas.getContext("2d", { willReadFrequently: exact });
  if (!context) throw new Error("This browser has no canvas.");
  return context;
}
