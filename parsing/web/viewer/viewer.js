// The viewer: shows a parsed photo and draws whatever is set, by itself. It knows label maps, colours and people; where photos come from
// and who makes files of them, it asks its `ports`.
import { Camera } from "./camera.js";
import { find, findInput, targetOf } from "./dom.js";
import { copyLink, download, encodeCanvas } from "./downloads.js";
import { LabelMap, PERSON, chooseKeys, range } from "./label_map.js";
import { Legend, partName } from "./legend.js";
import { Progress } from "./progress.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";

/** @import { Frame } from "./camera.js" */
/** @import { Words } from "./dom.js" */
/** @import { Part } from "./legend.js" */
/** @import { Facts } from "./progress.js" */
/** @import { Pixel } from "./stage.js" */
/** @import { Color } from "./views.js" */
/** The classes, their groups, and each palette's colours by class. @typedef {{ table: Part[], groups: string[], palettes: Record<string, Color[]> }} Tables */
/**
 * A parsed photo: its pixels, the label map followed by the map of people, the classes of the model, and the facts.
 * @typedef {{ pixels: Uint32Array<ArrayBuffer>, maps: Uint8Array, classes: Part[] } & Omit<Facts, "found" | "draw">} ParsedPhoto
 */
/**
 * A file that somebody wants, of what is on the screen; person 0 is everybody.
 * @typedef {{ form: string, parts: string[], person: number, palette: string }} Wanted
 */
/**
 * What the viewer asks for: that the camera begins, that a frame is parsed (and shown, by `show`), that a file is made (null: it cannot be any more; refused: the sentence that says why not).
 * @typedef {{
 *   startCamera: () => void,
 *   parseFrame: (frame: Frame) => Promise<boolean>,
 *   makeFile: (wanted: Wanted) => Promise<{ name: string, blob: Blob } | { refused: string } | null>,
 *   failedText: (reason: string) => string,
 * }} Ports
 */
/** What is pointed at: a class in the list, a key in the photo, one of the people. @typedef {{ part?: number, key?: number, person?: number }} Pointed */

const SAID_MS = 4000;

export class Viewer {
  /** @param {HTMLElement} root @param {Tables} tables @param {Words} words @param {Ports} ports */
  constructor(root, { table, groups, palettes }, words, ports) {
    this.root = root;
    this.ports = ports;
    this.words = words;
    /** @type {LabelMap | null} */
    this.map = null;
    /** @type {Facts | null} */
    this.facts = null;
    this.compared = false; // whether the photo lies beside the drawing
    /** @type {Pointed} */
    this.pointed = {};
    this.lit = ""; // what the light shows
    this.stage = new Stage(find(root, "#picture"), (pixel, event) => this.pointAtPhoto(pixel, event));
    this.legend = new Legend(find(root, "#parts"), table, groups, {
      tick: (names) => this.change(() => this.settings.tick(names)),
      isolate: (name) => this.change(() => this.settings.isolate(name)),
      point: (name) => this.point(name === null ? {} : { part: this.legend.table.findIndex((part) => part.name === name) }),
    });
    this.settings = new Settings(this.legend.names(), palettes);
    this.progress = new Progress(root, () => this.words);
    this.camera = new Camera(root, ports.parseFrame, (reason) => this.say(ports.failedText(reason)));
    this.palettes = palettes;
    this.translate(words);
    this.listen();
  }

  listen() {
    const people = find(this.root, "#people");
    this.root.addEventListener("input", (event) => this.set(/** @type {HTMLInputElement} */ (event.target)));
    this.root.addEventListener("click", (event) => this.press(targetOf(event)));
    people.addEventListener("pointerover", (event) => {
      const box = targetOf(event).closest("label")?.querySelector("input");
      if (event.pointerType !== "touch") this.point(box && box.value !== "0" ? { person: Number(box.value) } : {});
    });
    people.addEventListener("pointerleave", () => this.point({}));
    addEventListener("hashchange", () => this.change(() => this.settings.read(location.hash)));
  }

  /** Something is set by a control. @param {HTMLInputElement} control */
  set({ name, id, value }) {
    const { settings } = this;
    if (name === "view") this.change(() => (settings.view = value));
    if (name === "person") this.choosePerson(Number(value));
    if (id === "palette-choice") this.change(() => (settings.palette = value));
    if (id === "opacity-range") this.change(() => (settings.opacity = Number(value)));
  }

  /** @param {HTMLElement} target */
  async press(target) {
    const form = /** @type {HTMLElement | null} */ (target.closest("[data-save]"))?.dataset.save;
    if (form) await this.save(form);
    if (target.closest(".camera")) this.toggleCamera();
    if (target.closest(".link") && (await copyLink(this.words))) this.say("link.copied");
  }

  /**
   * Shows a photo.
   * @param {ParsedPhoto} photo
   * @param {boolean} isFrame whether it is one of a film, so that the person chosen is probably still the same
   */
  show({ pixels, maps, classes, ...facts }, isFrame = false) {
    const map = new LabelMap(facts.width, facts.height, pixels, maps);
    this.map = map;
    this.useClasses(classes);
    this.stage.resize(map);
    if (!isFrame || this.settings.person > facts.people) this.settings.person = 0;
    if (!isFrame || facts.people !== this.facts?.people) this.listPeople(facts.people);
    this.facts = { ...facts, found: map.found, draw: 0 };
    this.compared = false;
    this.root.classList.add("filled");
    for (const button of this.root.querySelectorAll("[data-save]")) button.removeAttribute("disabled");
    this.pointed = this.pointed.key === undefined ? this.pointed : {};
    this.lit = "";
    find(this.root, ".nobody").hidden = map.found;
    this.showAreas();
    this.draw();
    this.progress.tell(this.facts);
  }

  /** The list shows the classes of the model that parsed the photo; what is ticked stays ticked, under its new name. @param {Part[]} table */
  useClasses(table) {
    if (JSON.stringify(table) === JSON.stringify(this.legend.table)) return;
    this.settings.rename(this.legend.table, table);
    this.legend.table = table;
    this.legend.build(this.words);
    this.showSettings();
  }

  draw() {
    if (!this.map || !this.facts) return;
    const start = performance.now();
    this.stage.draw(this.map, this.settings.drawing(this.legend.table));
    this.facts.draw = performance.now() - start;
    if (this.settings.view === "compare" && !this.compared) {
      this.stage.drawBefore(this.map);
      this.compared = true;
    }
    this.light();
  }

  showAreas() {
    if (!this.map || !this.facts) return;
    const all = this.map.classCounts(0);
    const own = this.settings.person ? this.map.classCounts(this.settings.person) : all;
    this.legend.showAreas(own, all, this.map.wearers(this.facts.people), this.facts.people);
  }

  /**
   * Something is set: controls, address and picture follow at once. A browser gives no more than one input event of a slider a frame.
   * @param {() => void} set
   */
  change(set) {
    set();
    this.settings.write();
    this.showSettings();
    this.draw();
  }

  showSettings() {
    const { root, settings } = this;
    findInput(root, `#views [value=${settings.view}]`).checked = true;
    findInput(root, `#people [value="${settings.person}"]`).checked = true;
    findInput(root, "#palette-choice").value = settings.palette;
    const opacity = findInput(root, "#opacity-range");
    opacity.value = String(settings.opacity);
    opacity.disabled = !["overlay", "compare"].includes(settings.view); // the others do not use it
    find(root, "#opacity output").textContent = Math.round(settings.opacity * 100) + "%";
    root.dataset.view = settings.view;
    this.legend.showTicks(settings.ticked, settings.colors);
  }

  /** @param {number} people how many there are */
  listPeople(people) {
    const list = find(this.root, "#people");
    const { words } = this;
    /** @param {number} number */
    const chip = (number) => `<label><input type="radio" name="person" value="${number}">
      <span>${number ? `<span class="unseen">${words["people.one"]} </span>${number}` : words["people.all"]}</span></label>`;
    for (const old of list.querySelectorAll("label")) old.remove();
    list.insertAdjacentHTML("beforeend", range(0, people).map(chip).join(""));
    findInput(list, `[value="${this.settings.person}"]`).checked = true;
  }

  /** @param {number} number 0 is everybody */
  choosePerson(number) {
    this.change(() => (this.settings.person = number));
    this.showAreas();
  }

  /** @param {Pointed} now */
  point(now) {
    this.pointed = now;
    this.light();
  }

  /** @param {Pixel | null} pixel @param {PointerEvent} [event] */
  pointAtPhoto(pixel, event) {
    const key = pixel && this.map ? this.map.keys[pixel.y * this.map.width + pixel.x] : 0;
    const part = this.legend.table[key % PERSON];
    const tip = find(this.root, ".tip");
    tip.hidden = !part.index;
    if (part.index && event) {
      const person = key >> 5 && (this.facts?.people ?? 0) > 1 ? `${this.words["people.one"]} ${key >> 5}` : "";
      tip.textContent = [partName(this.words, part.name), person].filter(Boolean).join(" · ");
      const box = this.stage.frame.getBoundingClientRect();
      tip.style.translate = `${event.clientX - box.x}px ${event.clientY - box.y}px`;
      tip.classList.toggle("left", event.clientX > box.x + box.width / 2);
    }
    this.legend.mark(part.index ? part.name : null);
    if (part.index || this.pointed.key !== undefined) this.point(part.index ? { key } : {});
  }

  /** Lights what is pointed at, else the chosen person. What a list points at stands out from the rest, which is darkened. */
  light() {
    const { map, stage, pointed } = this;
    const person = pointed.person ?? this.settings.person;
    const wanted = JSON.stringify([pointed, person]);
    if (!map || wanted === this.lit) return;
    this.lit = wanted;
    if (pointed.part !== undefined) stage.shine(map, chooseKeys([pointed.part], pointed.part && this.settings.person), true);
    else if (pointed.key !== undefined) stage.shine(map, chooseKeys([pointed.key & 31], pointed.key >> 5), false);
    else if (person) stage.shine(map, chooseKeys(range(1, PERSON - 1), person), pointed.person !== undefined);
    else stage.darken();
  }

  toggleCamera() {
    if (this.camera.on) return this.camera.stop();
    this.ports.startCamera();
    this.camera.start();
  }

  /** Says a sentence beside the picture for some seconds. @param {string} key of a text, or the sentence itself */
  say(key) {
    const said = find(this.root, ".said");
    said.textContent = this.words[key] ?? key;
    setTimeout(() => (said.textContent = ""), SAID_MS);
  }

  /** @param {string} form "picture" or another row of the table of formats */
  async save(form) {
    if (this.camera.on) this.camera.stop(); // all files are of one frame
    await this.camera.ended;
    const { ticked, person, palette, view } = this.settings;
    if (form === "picture") return download(await encodeCanvas(this.stage.canvas), view + ".png");
    const file = await this.ports.makeFile({ form, parts: [...ticked], person, palette }).catch(() => null);
    if (!file) this.say("save.gone");
    else if ("refused" in file) this.say(file.refused);
    else download(file.blob, file.name);
  }

  /** @param {Words} words */
  translate(words) {
    this.words = words;
    const { root } = this;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-text]"))) {
      part.textContent = words[part.dataset.text ?? ""];
    }
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-label]"))) {
      const text = words[part.dataset.label ?? ""];
      part.setAttribute("aria-label", text);
      if (part.matches("button")) part.title = text;
    }
    const options = Object.keys(this.palettes).map((name) => new Option(words["palette." + name], name));
    find(root, "#palette-choice").replaceChildren(...options);
    this.legend.build(words);
    this.listPeople(this.facts?.people ?? 0);
    this.showSettings();
    this.progress.tell(this.facts);
    this.progress.tick();
    this.showAreas();
  }
}
