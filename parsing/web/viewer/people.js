// The row of people: everybody, and each by number.
import { findInput } from "./dom.js";
import { range } from "./label_map.js";

/** @import { Words } from "./dom.js" */

/**
 * @param {HTMLElement} list
 * @param {number} people how many there are
 * @param {number} chosen the one who is chosen, 0 for everybody
 * @param {Words} words
 */
export function listPeople(list, people, chosen, words) {
  /** @param {number} number */
  const chip = (number) => `<label><input type="radio" name="person" value="${number}">
    <span>${number ? `<span class="unseen">${words["people.one"]} </span>${number}` : words["people.all"]}</span></label>`;
  const isFocused = list.contains(document.activeElement);
  list.innerHTML = range(0, people).map(chip).join("");
  const radio = findInput(list, `[value="${chosen}"]`);
  radio.checked = true;
  if (isFocused) radio.focus({ preventScroll: true });
}
