// A clip, played beside its legend: the browser plays it, and as many of its frames as there is time for are parsed and drawn. Where it
// rests, the frame of the moment stays, and whatever is set redraws that.
import { find, findInput } from "./dom.js";

/** @import { Words } from "./dom.js" */
/** @import { Frames } from "./frames.js" */
/** @import { Player } from "./players.js" */

export class Clip {
  /**
   * @param {HTMLElement} root
   * @param {() => Words} words
   * @param {Frames} frames
   * @param {(reason: string) => void} fail told the key of a text
   */
  constructor(root, words, frames, fail) {
    this.words = words;
    this.frames = frames;
    this.fail = fail;
    this.bar = find(root, ".clip");
    this.button = find(this.bar, "button");
    this.place = findInput(this.bar, "input");
    this.clock = find(this.bar, "output");
    /** @type {Player | null} */
    this.player = null;
    /** @type {Promise<unknown>} */
    this.idle = Promise.resolve(); // until no frame is at work
    this.button.addEventListener("click", () => this.toggle());
    this.place.addEventListener("input", () => {
      if (this.player) this.player.time = Number(this.place.value);
    });
  }

  /** Plays a clip until it ends or something else is shown; whether it came to its end, a GIF for the first time. @param {Player} player */
  async play(player) {
    this.close();
    this.player = player;
    this.bar.hidden = false;
    this.place.max = String(player.duration);
    await player.play().catch(() => {}); // the button can still be pressed
    return new Promise((done) => this.run(player, done));
  }

  /** @param {Player} player @param {(ended: boolean) => void} done */
  async run(player, done) {
    let shown = -1;
    while (this.player === player) {
      this.tell(player);
      if (player.played) done(true);
      const { time } = player;
      if (time === shown || player.seeking) {
        await new Promise(requestAnimationFrame);
        if (player.paused) this.frames.rest();
        continue;
      }
      shown = time;
      const work = this.show(player);
      this.idle = work;
      const parsed = await work;
      if (this.player !== player) break;
      if (!parsed) {
        this.close();
        this.fail("clip.failed");
        break;
      }
      await new Promise(requestAnimationFrame);
      if (!player.paused) this.frames.count();
    }
    done(false);
  }

  /** Parses and draws the picture of the moment; whether that went well. @param {Player} player */
  async show(player) {
    const picture = await player.picture().catch(() => null); // a GIF may be closed while it is decoded
    if (!picture) return false;
    const parsed = this.frames.show(picture.image, player.width, player.height);
    picture.free(); // its pixels have been taken
    return parsed;
  }

  /** Shows where it is. @param {Player} player */
  tell({ time, duration, paused, ended }) {
    const rests = paused || ended;
    this.bar.classList.toggle("playing", !rests);
    this.button.title = this.words()[rests ? "clip.play" : "clip.pause"];
    this.button.setAttribute("aria-label", this.button.title);
    if (document.activeElement !== this.place || !rests) this.place.value = String(time);
    this.clock.textContent = `${clockTime(time)} / ${clockTime(duration)}`;
    this.place.setAttribute("aria-valuetext", this.clock.textContent);
  }

  toggle() {
    if (!this.player) return;
    if (this.player.paused || this.player.ended) this.player.play().catch(() => {});
    else this.player.pause();
  }

  /** It rests at a frame; until that is drawn. */
  async rest() {
    this.player?.pause();
    await this.idle;
  }

  close() {
    this.player?.close();
    this.player = null;
    this.bar.hidden = true;
    this.frames.rest();
  }
}

/** Seconds as minutes and seconds; some files do not say how long they are. @param {number} seconds */
export function clockTime(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}
