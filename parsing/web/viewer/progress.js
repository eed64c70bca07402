// What happens while a photo is at work, and what was found: the stage and a bar over the picture, the facts below it.
import { find, node } from "./dom.js";

/** @import { Words } from "./dom.js" */
/**
 * What is at work: a stage and, once they are known, the model's title or the key of a text, the person of so many, and the milliseconds
 * that each stage of the photo before took; while it waits, its place in line and the seconds until its turn.
 * @typedef {{ name: string, model?: string, number?: number, count?: number, expected?: Record<string, number> | null,
 *   place?: number, seconds?: number }} Stage
 */
/**
 * What was found.
 * `original` is the size of the photo that was sent, where it is known.
 * @typedef {{ width: number, height: number, original?: { width: number, height: number }, people: number, model: string, timings: Record<string, number>, found: boolean,
 *   draw: number }} Facts
 */

export class Progress {
  /** @param {HTMLElement} root @param {() => Words} words */
  constructor(root, words) {
    this.busy = find(root, ".busy");
    this.facts = find(root, "#facts");
    this.empty = find(root, ".hint");
    this.words = words;
    /** @type {Stage | null} */
    this.stage = null;
    this.begun = 0;
    this.since = 0;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
  }

  /** Another photo is chosen: its seconds are counted from now on. */
  restart() {
    this.begun = performance.now();
  }

  /** Shows a stage, or that nothing is at work. @param {Stage | null} stage */
  show(stage) {
    const now = performance.now();
    if (!this.stage) this.begun = now;
    if (stage?.name !== this.stage?.name || stage?.number !== this.stage?.number) this.since = now;
    this.stage = stage;
    clearInterval(this.timer);
    this.busy.hidden = !stage;
    if (!stage) return;
    this.timer = setInterval(() => this.tick(), 200);
    this.tick();
  }

  tick() {
    if (!this.stage) return;
    const { name, count = 1 } = this.stage;
    const words = this.words();
    const text = count > 1 ? words["busy.person"] : (words["busy." + name] ?? words["busy.parse"]);
    const seconds = Math.floor((performance.now() - this.begun) / 1000);
    const model = titleOf(this.stage.model ?? "", words);
    const facts = /** @type {Record<string, unknown>} */ ({ ...this.stage, model, seconds: Math.max(1, Math.round(this.stage.seconds ?? 1)) });
    find(this.busy, ".stage").textContent = text.replace(/{(\w+)}/g, (_, key) => String(facts[key]));
    find(this.busy, ".elapsed").textContent = seconds && name !== "wait" ? `· ${seconds} s` : "";
    const done = { send: 0.03, receive: 0.97 }[name] ?? 0.05 + 0.9 * this.share(this.stage);
    this.busy.style.setProperty("--done", String(done));
  }

  /**
   * How much of the parsing is behind: the stages that are, the people that are, and of what is at work a guess, that it takes as
   * long as the time before; the guess slows down rather than claims to be done.
   * @param {Stage} stage
   */
  share({ name, number = 1, count = 1, expected }) {
    const stages = Object.entries(expected ?? {});
    const place = stages.findIndex(([stage]) => stage === name);
    const people = Math.max(count, 1);
    if (place === -1) return (number - 1) / people;
    /** @param {[string, number][]} entries */
    const sum = (entries) => entries.reduce((total, [, time]) => total + time, 0);
    const own = stages[place][1] / people;
    const guess = 1 - Math.exp((-2 * (performance.now() - this.since)) / Math.max(own, 1));
    return (sum(stages.slice(0, place)) + own * (number - 1 + guess)) / sum(stages);
  }

  /** Tells what was found, or what to do where there is nothing yet. @param {Facts | null} facts */
  tell(facts) {
    const words = this.words();
    const [who, times] = this.facts.children;
    this.empty.hidden = Boolean(facts);
    this.empty.textContent = words["facts.empty"];
    if (!facts) return;
    const counted = facts.people ? `${facts.people} ${words[facts.people === 1 ? "facts.person" : "facts.people"]}` : "";
    const found = [
      node("strong", facts.found ? counted : words["facts.nobody"]),
      ...(facts.found ? [] : [node("span", words["facts.advice"])]),
      node("span", titleOf(facts.model, words)),
      node("span", sizeText(facts, words)),
    ];
    const isNews = found.map(({ textContent }) => textContent).join("") !== who.textContent;
    if (isNews) who.replaceChildren(...found); // a screen reader says it, not once more with every frame
    const stages = { ...facts.timings, draw: facts.draw };
    const total = Object.values(stages).reduce((sum, time) => sum + time, 0);
    /** @param {string} name @param {string} time */
    const entry = (name, time) => node("span", name + " ", node("b", time));
    times.replaceChildren(
      entry(words["facts.time"], Math.round(total) + " ms"),
      ...Object.entries(stages).map(([stage, time]) => entry(words["stage." + stage] ?? stage, String(Math.round(time)))),
    );
  }
}

/** What a model is called: its title, or the text with that key. @param {string} model @param {Words} words */
const titleOf = (model, words) => words[model] ?? model;

/** The size of the photo on show, and of the photo itself where that is larger. @param {Facts} facts @param {Words} words */
function sizeText({ width, height, original }, words) {
  const size = `${width} × ${height}`;
  if (!original || Math.max(original.width, original.height) <= Math.max(width, height)) return size;
  return size + words["facts.shrunk"].replace("{size}", `${original.width} × ${original.height}`);
}
