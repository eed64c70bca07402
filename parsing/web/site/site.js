// The page without a server, in the place of page/connection.js: what Gradio does elsewhere is done here. Photos go to the model on this
// device, texts come from a file, and examples are files too.
import { Device } from "../device/page.js";
import { fillTexts, find } from "../viewer/dom.js";
import { LocalPhotos } from "../viewer/local.js";
import { PhotoInput } from "../viewer/photo_input.js";
import { linked } from "../viewer/preferences.js";
import { showFirst } from "./first.js";
import { chooseLanguage, listenForLanguage } from "./language.js";
import { Offline } from "./offline.js";
import { takeShared } from "./shared.js";

/** @import { DeviceState, Found } from "../device/page.js" */
/** @import { Words } from "../viewer/dom.js" */
/** @import { Part } from "../viewer/legend.js" */
/** @import { Tables } from "../viewer/viewer.js" */
/** @import { State } from "./offline.js" */
/** What build.py writes down: the viewer's tables, texts by language, and who is in the first example. @typedef {{ tables: Tables & { lite_table: Part[] }, texts: Record<string, Words>, first: Found["people"] }} Content */

const FIRST = "astronaut"; // what a visitor finds on show, as first.py has it

class Site {
  /** @param {Content} content @param {DeviceState} reached how far the model is already */
  constructor({ tables, texts, first }, reached) {
    this.texts = texts;
    this.first = first;
    this.language = chooseLanguage(Object.keys(texts));
    this.state = reached;
    /** @type {State | ""} */
    this.kept = "";
    this.offline = new Offline((state) => this.tellKept(state));
    this.photos = new LocalPhotos(document.body, tables, texts[this.language]);
    this.input = new PhotoInput(find(document, "#photo"), this.photos.viewer, {
      open: (file) => this.photos.open(file),
      playClip: (file, player) => this.photos.playClip(file, player),
      takeExample: (picture) => Boolean(this.photos.openExample(picture)),
    });
    this.speak(this.language);
    listenForLanguage((language) => this.speak(language));
    find(document, "#state .update").addEventListener("click", () => this.offline.takeOver());
    this.photos.useDevice(device);
    this.hear(this.state);
    this.openFirst();
  }

  /** @param {string} language */
  speak(language) {
    const words = this.texts[language];
    document.documentElement.lang = language;
    document.title = words.title;
    fillTexts(document, words);
    document.body.classList.add("spoken");
    this.photos.viewer.translate(words);
    this.tell(this.state);
    this.tellKept(this.kept);
  }

  /** How far the model is now. @param {DeviceState} state */
  hear(state) {
    this.tell(state);
    if (["ready", "failed", "tampered"].includes(state.phase)) this.photos.idle.then(() => this.offline.keep()); // first what is to be seen
  }

  /** Says how far the model is. @param {DeviceState} state */
  tell(state) {
    this.state = state;
    const { phase, here = 0, total = 1 } = state;
    const fetched = /** @type {Words} */ ({ percent: String(Math.floor((100 * here) / total)), size: String(Math.round(total / 1e6)) });
    const line = find(document, "#state .device");
    line.textContent = (this.photos.viewer.words["device." + phase] ?? "").replace(/{(\w+)}/g, (_, name) => fetched[name]);
    line.setAttribute("aria-live", phase === "loading" ? "off" : "polite"); // a screen reader need not hear each percent
    line.classList.toggle("failed", ["failed", "tampered"].includes(phase));
  }

  /** Says whether the app works without a connection. @param {State | ""} state */
  tellKept(state) {
    this.kept = state;
    const line = find(document, "#state .offline");
    line.textContent = state && this.photos.viewer.words["offline." + state];
    line.classList.toggle("failed", ["full", "tampered", "failed"].includes(state));
    find(document, "#state .update").hidden = state !== "newer";
  }

  /** Shows what another app has shared, the example that the link names, or the usual one, until a photo is chosen. */
  async openFirst() {
    const { photos } = this;
    const shared = await takeShared().catch(() => []);
    if (shared?.length) return this.input.take(shared);
    if (shared) photos.viewer.say("shared.lost");
    const named = linked("example");
    const pictures = /** @type {HTMLImageElement[]} */ ([...document.querySelectorAll("#examples img")]);
    const picture = pictures.find(({ alt }) => alt === named) ?? pictures.find(({ alt }) => alt === FIRST);
    if (!picture || photos.serial) return;
    if (picture.alt === FIRST) return showFirst(photos, picture, this.first, named !== FIRST).catch(() => photos.work(null, 0));
    return photos.openExample(picture);
  }
}

/** @type {Site | null} */
let site = null;
/** @type {DeviceState} */
let latest = { phase: "starting" };
const device = new Device((state) => {
  latest = state;
  site?.hear(state);
}); // it fetches the model while the texts come
const answer = await fetch(new URL("content.json", import.meta.url));
site = new Site(await answer.json(), latest);
