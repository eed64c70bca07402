// The frame in which the picture lies: the drawing, the light on a part or a person, and the photo beside it for comparison. It knows
// where the pointer is, not what is there.
import { contextOf, find, findCanvas, findInput, targetOf } from "./dom.js";
import { PERSON, borders, range } from "./label_map.js";
import { changedBox, compose } from "./views.js";
import { drawNames } from "./writing.js";
import { Zoom } from "./zoom.js";

/** @import { Box, KeyTable, LabelMap } from "./label_map.js" */
/** @import { Drawing } from "./views.js" */
/** @import { Region } from "./writing.js" */
/** Column and row. @typedef {{ x: number, y: number }} Pixel */

const THUMB = 44; // pixels of the divider's thumb, as stage.css has it
const LETTERS = 0.8125; // rem, of names on the picture
const DIM = "rgb(0 0 0 / 0.6)";
const DIM_PIXEL = 0x99000000;
const WHITE = 0xffffffff;
const DARK = 0xff1a1614;

export class Picture {
  /**
   * @param {HTMLElement} frame
   * @param {{ point: (pixel: Pixel | null, event?: PointerEvent) => void, choose: (pixel: Pixel | null, event: PointerEvent) => void }} on
   *   told which pixel of the photo the pointer is on, and on which it was clicked; null: outside
   */
  constructor(frame, on) {
    this.frame = frame;
    this.canvas = findCanvas(frame, ".drawing");
    this.light = findCanvas(frame, ".light");
    this.before = findCanvas(frame, ".before canvas");
    this.names = findCanvas(frame, ".names");
    /** @type {Region[]} */
    this.regions = []; // that are named
    /** @type {Drawing | null} */
    this.drawn = null;
    this.image = new ImageData(1, 1); // what the drawing shows
    this.zoom = new Zoom(frame, this.canvas, {
      point: (event) => {
        const over = event && !targetOf(event).closest("button, input");
        on.point(over ? this.pixelAt(event) : null, event ?? undefined);
      },
      click: (event) => on.choose(this.pixelAt(event), event),
      move: () => this.drawNames(),
    });
    find(frame, ".split").addEventListener("input", (event) => {
      const { value } = /** @type {HTMLInputElement} */ (event.target);
      frame.style.setProperty("--split", String(Number(value) / 100));
    });
  }

  /** Gives the canvases the size of a photo; a new size starts unzoomed. @param {LabelMap} map */
  resize({ width, height }) {
    this.drawn = null;
    if (this.image.width === width && this.image.height === height) return;
    for (const canvas of [this.canvas, this.light, this.before]) Object.assign(canvas, { width, height });
    this.image = new ImageData(width, height);
    this.frame.style.setProperty("--ratio", String(width / height));
    this.zoom.home();
  }

  /** Draws what has changed since the last time. @param {LabelMap} map @param {Drawing} drawing */
  draw(map, drawing) {
    const box = changedBox(map, this.drawn, drawing);
    compose(map, drawing, new Uint32Array(this.image.data.buffer), box);
    this.drawn = drawing;
    contextOf(this.canvas).putImageData(this.image, 0, 0, box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0);
  }

  /** Puts the photo beside the drawing, for comparison. @param {LabelMap} map */
  drawBefore({ pixels, width, height }) {
    const image = new ImageData(width, height);
    new Uint32Array(image.data.buffer).set(pixels);
    contextOf(this.before, false).putImageData(image, 0, 0);
  }

  /**
   * Lights up the keys of a table, with a line around them.
   * @param {LabelMap} map
   * @param {KeyTable} table
   * @param {boolean} dim whether the rest is darkened
   */
  shine(map, table, dim) {
    this.light.hidden = false;
    const { keys, width, height, reach } = map;
    const context = contextOf(this.light, false);
    context.clearRect(0, 0, width, height);
    context.fillStyle = DIM;
    if (dim) context.fillRect(0, 0, width, height);
    const box = map.boxOf(range(0, PERSON - 1).filter((part) => range(0, 255).some((who) => table[part + who * PERSON])), reach);
    if (box.x1 === 0) return;
    const edge = borders(map, table, () => 1, box);
    const image = new ImageData(box.x1 - box.x0, box.y1 - box.y0);
    const pixels = new Uint32Array(image.data.buffer);
    const outside = dim ? DIM_PIXEL : 0;
    for (let y = box.y0, to = 0; y < box.y1; y++) {
      for (let i = y * width + box.x0; i < y * width + box.x1; i++, to++) {
        const inside = table[keys[i]];
        pixels[to] = edge[i] ? (inside ? WHITE : DARK) : inside ? 0 : outside;
      }
    }
    context.putImageData(image, box.x0, box.y0);
  }

  /** Puts the light out. */
  darken() {
    this.light.hidden = true;
  }

  /** Writes names beside the picture. @param {Region[]} regions none where no names are wanted */
  name(regions) {
    this.regions = regions;
    this.frame.classList.toggle("named", regions.length > 0);
    this.drawNames();
  }

  /** Names what the frame shows of the picture now. */
  drawNames() {
    this.names.hidden = this.regions.length === 0;
    if (this.names.hidden) return;
    const [frame, sheet] = [this.frame, this.canvas].map((part) => part.getBoundingClientRect());
    Object.assign(this.names, { width: frame.width * devicePixelRatio, height: frame.height * devicePixelRatio });
    const context = contextOf(this.names, false);
    context.scale(devicePixelRatio, devicePixelRatio);
    const [left, top, scale] = [sheet.x - frame.x, sheet.y - frame.y, sheet.width / this.canvas.width];
    const moved = this.regions.map((region) => ({ ...region, x: left + region.x * scale, y: top + region.y * scale }));
    const seen = moved.filter(({ x, y }) => x >= 0 && y >= 0 && x < frame.width && y < frame.height);
    const bottom = find(this.frame, ".zooming").offsetTop; // names stand above the buttons
    const room = { width: frame.width, top: 0, bottom, pictureLeft: Math.max(0, left), pictureRight: Math.min(left + sheet.width, frame.width) };
    drawNames(context, seen, room, LETTERS * parseFloat(getComputedStyle(document.documentElement).fontSize));
  }

  /**
   * What is on the screen as a canvas of the photo's size; in "compare", the photo before the divider and the drawing behind it.
   * @param {string} view
   */
  picture(view) {
    if (view !== "compare") return this.canvas;
    const { width, height } = this.canvas;
    const whole = Object.assign(document.createElement("canvas"), { width, height });
    const context = contextOf(whole);
    const [frame, sheet] = [this.frame, this.canvas].map((part) => part.getBoundingClientRect());
    const split = Number(findInput(this.frame, ".split").value) / 100;
    const divider = frame.x + THUMB / 2 + (frame.width - THUMB) * split;
    const left = Math.round(Math.min(Math.max((divider - sheet.x) / sheet.width, 0), 1) * width);
    context.drawImage(this.canvas, 0, 0);
    if (left > 0) context.drawImage(this.before, 0, 0, left, height, 0, 0, left, height);
    return whole;
  }

  /** The photo's pixel under the pointer, or null outside of it. @param {PointerEvent} event @returns {Pixel | null} */
  pixelAt({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const x = Math.floor(((clientX - box.x) / box.width) * this.canvas.width);
    const y = Math.floor(((clientY - box.y) / box.height) * this.canvas.height);
    return x >= 0 && y >= 0 && x < this.canvas.width && y < this.canvas.height ? { x, y } : null;
  }
}

/** The rectangle of a canvas around what is not transparent; null where there is nothing. @param {HTMLCanvasElement} canvas @returns {Box | null} */
export function chosenBox(canvas) {
  const { width, height } = canvas;
  const pixels = new Uint32Array(contextOf(canvas).getImageData(0, 0, width, height).data.buffer);
  const box = { x0: width, y0: height, x1: 0, y1: 0 };
  pixels.forEach((pixel, i) => {
    if (pixel >>> 24 === 0) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    Object.assign(box, { x0: Math.min(box.x0, x), y0: Math.min(box.y0, y), x1: Math.max(box.x1, x + 1), y1: Math.max(box.y1, y + 1) });
  });
  return box.x1 ? box : null;
}

/** A rectangle of a canvas, as a canvas of its own. @param {HTMLCanvasElement} canvas @param {Box} box @returns {HTMLCanvasElement} */
export function cut(canvas, { x0, y0, x1, y1 }) {
  const part = Object.assign(document.createElement("canvas"), { width: x1 - x0, height: y1 - y0 });
  contextOf(part).drawImage(canvas, -x0, -y0);
  return part;
}
