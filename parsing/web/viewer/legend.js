// The list of parts: a checkbox in the part's colour, its name, which is a button that leaves only this part, how many people have it,
// and its share. Rows are built once per language and then only updated.
import { find, findInput, targetOf } from "./dom.js";

/** @import { Words } from "./dom.js" */
/** @import { Color } from "./views.js" */
/** A class of the label map. @typedef {{ index: number, name: string, group: string }} Part */
/**
 * What the list asks for: these parts ticked, this part alone, this part (null: none) pointed at.
 * @typedef {{ tick: (names: string[]) => void, isolate: (name: string) => void, point: (name: string | null) => void }} LegendActions
 */

export class Legend {
  /**
   * @param {HTMLElement} list
   * @param {Part[]} table
   * @param {string[]} groups
   * @param {LegendActions} on
   */
  constructor(list, table, groups, on) {
    this.list = list;
    this.table = table;
    this.groups = groups;
    this.on = on;
    /** @type {Words} */
    this.words = {};
    list.addEventListener("change", (event) => this.ticked(/** @type {HTMLInputElement} */ (event.target)));
    list.addEventListener("click", (event) => {
      const { part, tick } = /** @type {HTMLElement | null} */ (targetOf(event).closest("[data-part], [data-tick]"))?.dataset ?? {};
      if (part) on.isolate(part);
      if (tick) on.tick(tick === "all" ? this.names() : []);
    });
    /** @param {Event} event */
    const point = (event) => {
      const row = /** @type {HTMLElement | null} */ (targetOf(event).closest("[data-row]"));
      on.point(row?.dataset.row ?? null);
    };
    list.addEventListener("pointerover", (event) => event.pointerType !== "touch" && point(event));
    list.addEventListener("focusin", (event) => targetOf(event).matches(":focus-visible") && point(event));
    for (const type of ["pointerleave", "focusout"]) list.addEventListener(type, () => on.point(null));
  }

  names() {
    return this.table.filter(({ index }) => index).map(({ name }) => name);
  }

  boxes() {
    return /** @type {HTMLInputElement[]} */ ([...this.list.querySelectorAll("input[name]")]);
  }

  /** @param {Words} words */
  build(words) {
    this.words = words;
    const focused = this.list.contains(document.activeElement) ? document.activeElement?.getAttribute("name") : null;
    /** @param {Part} part */
    const row = ({ name, index }) => `<div class="part" data-row="${name}">
      ${index
        ? `<label><input type="checkbox" name="${name}" aria-label="${partName(words, name)}"></label>
           <button type="button" class="name" data-part="${name}" title="${words["parts.only"]}">${partName(words, name)}</button>`
        : `<span class="swatch"></span><span class="name">${partName(words, name)}</span>`}
      <span class="wearers"></span><span class="share"></span></div>`;
    /** @param {string} group */
    const rows = (group) => this.table.filter((part) => part.group === group).map(row).join("");
    this.list.innerHTML = `<div class="bulk"><h2>${words["parts.title"]}</h2>
      <button type="button" data-tick="all">${words["parts.all"]}</button>
      <button type="button" data-tick="none">${words["parts.none"]}</button></div>
      ${this.groups
        .map((group) => `<fieldset><legend><label class="group"><input type="checkbox" data-group="${group}">
          <span>${words["group." + group]}</span></label></legend>${rows(group)}</fieldset>`)
        .join("")}
      <div class="background">${rows("background")}</div>`;
    if (focused) this.boxes().find(({ name }) => name === focused)?.focus();
  }

  /** @param {HTMLInputElement} box that of a part or of a group */
  ticked({ dataset, checked }) {
    const group = dataset.group;
    const members = new Set(this.table.filter((part) => part.group === group).map(({ name }) => name));
    this.on.tick(this.boxes().filter((box) => (members.has(box.name) ? checked : box.checked)).map(({ name }) => name));
  }

  /** Shows which parts are ticked, in which colours. @param {Set<string>} ticked @param {Color[]} colors by class */
  showTicks(ticked, colors) {
    for (const { name, index } of this.table) {
      const row = this.row(name);
      row.style.setProperty("--part", `rgb(${colors[index]})`);
      row.style.setProperty("--tick", isLight(colors[index]) ? "black" : "white");
      if (!index) continue;
      findInput(row, "input").checked = ticked.has(name);
      find(row, "button").setAttribute("aria-pressed", String(ticked.size === 1 && ticked.has(name)));
    }
    for (const box of /** @type {NodeListOf<HTMLInputElement>} */ (this.list.querySelectorAll("[data-group]"))) {
      const members = this.table.filter(({ group }) => group === box.dataset.group);
      const count = members.filter(({ name }) => ticked.has(name)).length;
      box.checked = count === members.length;
      box.indeterminate = count > 0 && count < members.length;
    }
  }

  /**
   * Shows shares and how many people have each part.
   * @param {number[]} counts pixels by class, of those chosen
   * @param {number[]} all the same of everybody
   * @param {number[]} wearers people by class
   * @param {number} people
   */
  showAreas(counts, all, wearers, people) {
    const person = counts.slice(1).reduce((sum, count) => sum + count, 0);
    const photo = all.reduce((sum, count) => sum + count, 0);
    for (const { name, index } of this.table) {
      const row = this.row(name);
      const share = index ? counts[index] / Math.max(person, 1) : all[0] / photo;
      const text = share === 0 ? "–" : share < 0.001 ? "<0.1%" : (share * 100).toFixed(1) + "%";
      find(row, ".share").textContent = text;
      row.classList.toggle("missing", share === 0);
      const several = index > 0 && people > 1 && wearers[index] > 0;
      const count = this.words["parts.wearers"].replace("{count}", String(wearers[index]));
      find(row, ".wearers").textContent = several ? String(wearers[index]) : "";
      find(row, ".wearers").title = several ? count : "";
      row.querySelector("input")?.setAttribute("aria-description", several ? `${text}, ${count}` : text);
    }
  }

  /** Marks the row of what the pointer is on in the photo. @param {string | null} name */
  mark(name) {
    this.list.querySelector(".part.lit")?.classList.remove("lit");
    if (name) this.row(name).classList.add("lit");
  }

  /** @param {string} name */
  row(name) {
    return find(this.list, `[data-row="${name}"]`);
  }
}

/** What a part is called; a model's own class has only the name that its configuration gives it. @param {Words} words @param {string} name */
export const partName = (words, name) => words["part." + name] ?? name;

/** Whether black stands out more than white on a colour; luminance as in WCAG 2. @param {Color} color */
function isLight(color) {
  const [red, green, blue] = color.map((channel) => ((channel / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
}
