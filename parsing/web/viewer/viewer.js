// The viewer: shows a parsed photo and draws whatever is set, by itself. It knows label maps, colours and people; where photos come from
// and who makes files of them, it asks its `ports`.
import { Camera } from "./camera.js";
import { Clip } from "./clip.js";
import { fillTexts, find, findInput, targetOf } from "./dom.js";
import { Frames } from "./frames.js";
import { Keys } from "./keys.js";
import { LabelMap } from "./label_map.js";
import { Legend } from "./legend.js";
import { Naming } from "./naming.js";
import { listPeople } from "./people.js";
import { Pointing } from "./pointing.js";
import { linked } from "./preferences.js";
import { Progress } from "./progress.js";
import { COLORED, Saving } from "./saving.js";
import { Settings } from "./settings.js";
import { Picture } from "./stage.js";
import { Strip } from "./strip.js";

/** @import { Frame } from "./frames.js" */
/** @import { Words } from "./dom.js" */
/** @import { Part } from "./legend.js" */
/** @import { Facts, Stage } from "./progress.js" */
/** @import { Color } from "./views.js" */
/** The classes, their groups, and each palette's colours by class. @typedef {{ table: Part[], groups: string[], palettes: Record<string, Color[]> }} Tables */
/**
 * A parsed photo: its pixels, the label map followed by the map of people, the classes of the model, and the facts.
 * @typedef {{ pixels: Uint32Array<ArrayBuffer>, maps: Uint8Array, classes: Part[] } & Omit<Facts, "found" | "draw">} ParsedPhoto
 */
/**
 * A file that somebody wants, of what is on the screen; person 0 is everybody.
 * @typedef {{ form: string, parts: string[], person: number, palette: string, grow: number, feather: number }} Wanted
 */
/**
 * What the viewer asks for: that the camera begins, that a frame is parsed (and shown, by `show`), that a file is made (null: it cannot be any more; refused: the sentence that says why not).
 * @typedef {{
 *   startCamera: () => void,
 *   parseFrame: (frame: Frame) => Promise<boolean>,
 *   makeFile: (wanted: Wanted) => Promise<{ name: string, blob: Blob } | { refused: string } | null>,
 *   failedText: (reason: string) => string,
 *   photoName: () => string,
 *   link: () => string,
 * }} Ports
 */

const SAID_MS = 3000;
const SAID_MS_A_LETTER = 50;

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
    /** @type {{ width: number, height: number } | null} */
    this.original = null; // size of the photo that was chosen last, as the browser reads it, where it can
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.silence = undefined; // when what is said goes away
    this.pointing = new Pointing(this);
    this.naming = new Naming(this);
    this.stage = new Picture(find(root, "#picture"), {
      point: (pixel, event) => this.pointing.pointAtPhoto(pixel, event),
      choose: (pixel, event) => this.pointing.choose(pixel, event),
    });
    this.legend = new Legend(find(root, "#parts"), table, groups, {
      tick: (names) => this.change(() => this.settings.tick(names)),
      isolate: (name) => this.change(() => this.settings.isolate(name)),
      point: (name) => this.pointing.pointAtPart(name),
    });
    this.settings = new Settings(this.legend.names(), palettes);
    this.progress = new Progress(root, () => this.words);
    /** @param {string} reason */
    const fail = (reason) => this.say(ports.failedText(reason));
    const frames = new Frames(root, ports.parseFrame);
    this.camera = new Camera(root, () => this.words, frames, fail);
    this.clip = new Clip(root, () => this.words, frames, fail);
    this.keys = new Keys(root, { f: () => this.toggleFullScreen(), n: () => this.toggleNames() });
    this.strip = new Strip(find(root, ".strip"));
    this.saving = new Saving(this);
    this.palettes = palettes;
    if (matchMedia("(pointer: coarse)").matches) find(root, ".invitation").dataset.text = "photo.invitation.finger";
    this.translate(words);
    this.listen();
  }

  listen() {
    this.root.addEventListener("input", (event) => this.set(/** @type {HTMLInputElement} */ (event.target)));
    this.root.addEventListener("click", (event) => this.press(targetOf(event)));
    addEventListener("hashchange", () => {
      if (linked("example")) location.reload(); // a link to a photo, opened where the page is open already
      else this.change(() => this.settings.read(location.hash));
    });
  }

  /** Something is set by a control. @param {HTMLInputElement} control */
  set({ name, id, value }) {
    const { settings } = this;
    if (name === "view") this.change(() => (settings.view = value));
    if (name === "person") this.choosePerson(Number(value));
    if (id === "palette-choice") this.change(() => (settings.palette = value));
    if (id === "opacity-range") this.change(() => (settings.opacity = Number(value)));
    if (id === "grow-range") this.change(() => (settings.grow = Number(value)));
    if (id === "feather-range") this.change(() => (settings.feather = Number(value)));
    if (id === "color-choice") this.change(() => (settings.color = value));
  }

  /** @param {HTMLElement} target */
  press(target) {
    if (target.closest(".camera")) this.toggleCamera();
    if (target.closest("[data-act=palette-colors]")) this.change(() => (this.settings.color = ""));
    if (target.closest(".full")) this.toggleFullScreen();
    if (target.closest(".naming")) this.toggleNames();
  }

  /** Shows a photo as it is, dimmed, until it has been parsed. @param {string} address */
  preview(address) {
    const picture = /** @type {HTMLImageElement} */ (find(this.root, ".preview"));
    URL.revokeObjectURL(picture.src); // else the browser holds every photo that was ever chosen
    picture.src = address;
    this.original = null;
    picture.onload = () => (this.original = { width: picture.naturalWidth, height: picture.naturalHeight });
    this.root.classList.add("waiting");
    this.progress.restart();
  }

  /** Says over the picture that a visitor's own photo is welcome. @param {boolean} shown */
  invite(shown) {
    find(this.root, ".invitation").hidden = !shown;
  }

  /** Shows what is at work; null where nothing is. @param {Stage | null} stage */
  work(stage) {
    this.progress.show(stage);
    if (!stage) this.root.classList.remove("waiting");
  }

  /**
   * Shows a photo.
   * @param {ParsedPhoto} photo
   * @param {boolean} isFrame whether it is one of a film, so that the person chosen is probably still the same
   */
  show({ pixels, maps, classes, ...facts }, isFrame = false) {
    const map = new LabelMap(facts.width, facts.height, pixels, maps);
    this.map = map;
    this.invite(false);
    this.useClasses(classes);
    this.stage.resize(map);
    const { settings } = this;
    if (!isFrame) settings.person = settings.invited; // of everybody, but for the photo that a link shows
    settings.invited = 0;
    if (settings.person > facts.people) settings.person = 0;
    if (!isFrame || facts.people !== this.facts?.people) listPeople(find(this.root, "#people .chips"), facts.people, settings.person, this.words);
    this.facts = { ...facts, found: map.found, draw: 0, original: facts.original ?? ((!isFrame && this.original) || undefined) };
    this.compared = false;
    this.root.classList.add("filled");
    for (const button of this.root.querySelectorAll("[data-save], .copy, button.share")) button.removeAttribute("disabled");
    this.pointing.forget();
    if (!isFrame) this.pointing.pointAtPhoto(null); // what the pointer was on is not there any more
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
    this.stage.name(this.settings.named ? this.naming.regions() : []);
    this.pointing.light();
  }

  showAreas() {
    if (!this.map || !this.facts) return;
    const all = this.map.classCounts(0);
    const own = this.settings.person ? this.map.classCounts(this.settings.person) : all;
    const people = this.settings.person ? 1 : this.facts.people; // one person's counts are only that person's
    this.legend.showAreas(own, all, this.map.wearers(this.facts.people), people);
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
    for (const name of /** @type {const} */ (["grow", "feather"])) {
      findInput(root, `#${name}-range`).value = String(settings[name]);
      find(root, `output[for=${name}-range]`).textContent = `${settings[name]} px`;
    }
    if (settings.grow || settings.feather) find(root, "#edges").setAttribute("open", "");
    find(root, "#color").hidden = settings.view !== "recolor";
    if (settings.color) findInput(root, "#color-choice").value = settings.color;
    find(root, "[data-act=palette-colors]").hidden = !settings.color;
    find(root, ".crop").hidden = settings.view !== "cutout";
    find(root, ".with-legend").hidden = !COLORED.includes(settings.view);
    find(root, ".naming").setAttribute("aria-pressed", String(settings.named));
    root.dataset.view = settings.view;
    this.legend.showTicks(settings.ticked, settings.colors);
  }

  /** @param {number} number 0 is everybody */
  choosePerson(number) {
    this.change(() => (this.settings.person = number));
    this.showAreas();
  }

  /** The viewer alone on the whole screen, and back. */
  async toggleFullScreen() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await this.root.requestFullscreen();
    } catch {
      this.say("full.refused"); // some phones do not even have the function
    }
  }

  /** Names on the picture, or none. */
  toggleNames() {
    this.change(() => (this.settings.named = !this.settings.named));
  }

  toggleCamera() {
    if (this.camera.on) return this.camera.stop();
    this.clip.close();
    this.ports.startCamera();
    this.camera.start();
  }

  /** What moves makes room for a photo. */
  stopMoving() {
    this.camera.stop();
    this.clip.close();
  }

  /** Says a sentence beside the picture for as long as it takes to read it. @param {string} key of a text, or the sentence itself */
  say(key) {
    const said = find(this.root, ".said");
    const text = this.words[key] ?? key;
    said.textContent = text;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => (said.textContent = ""), SAID_MS + SAID_MS_A_LETTER * text.length);
  }

  /** @param {Words} words */
  translate(words) {
    this.words = words;
    const { root } = this;
    fillTexts(root, words);
    find(root, "#picture").dataset.drop = words["photo.drop"];
    const options = Object.keys(this.palettes).map((name) => new Option(words["palette." + name], name));
    find(root, "#palette-choice").replaceChildren(...options);
    this.keys.translate(words);
    this.legend.build(words);
    listPeople(find(root, "#people .chips"), this.facts?.people ?? 0, this.settings.person, words);
    this.showSettings();
    this.progress.tell(this.facts);
    this.progress.tick();
    this.showAreas();
    this.draw();
  }
}
