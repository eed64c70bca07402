// What is written on and beside a picture: names with the lines that lead to their regions, and a legend of colours. On the screen names
// lie over the frame; in a saved picture they have margins of their own.
import { contextOf } from "./dom.js";
import { placeNames } from "./names.js";

/** @import { Name, Room } from "./names.js" */
/** @import { Color } from "./views.js" */
/** A region that has a name, its spot in pixels of the photo. @typedef {Omit<Name, "width">} Region */

const INK = "rgb(20 18 17 / 0.88)";
const PAPER = "white";
const LINE = 1.5; // height of a line, and the other lengths below, in letters' heights
const PADDING = 0.45;
const SWATCH = 0.3;
const LETTERS_A_HEIGHT = 45; // lines of a saved picture, about
const SMALLEST_LETTERS = 12; // pixels

/** @param {CanvasRenderingContext2D} context @param {number} size of letters */
function setLetters(context, size) {
  context.font = `${size}px ${getComputedStyle(document.querySelector(".viewer") ?? document.body).fontFamily}`;
  context.textBaseline = "middle";
  context.lineJoin = "round";
}

/**
 * Names of regions, drawn into a room.
 * @param {CanvasRenderingContext2D} context
 * @param {Region[]} regions their spots as the context counts
 * @param {Omit<Room, "gap" | "line">} room
 * @param {number} size of letters
 */
export function drawNames(context, regions, room, size) {
  setLetters(context, size);
  const names = regions.map((region) => ({ ...region, width: nameWidth(context, region.text, size) }));
  const placed = placeNames(names, { ...room, gap: size / 2, line: size * LINE });
  for (const [width, style] of /** @type {const} */ ([[size / 4, INK], [size / 10, PAPER]])) {
    Object.assign(context, { lineWidth: width, strokeStyle: style });
    context.beginPath();
    for (const { edge, top, x, y } of placed) {
      context.moveTo(edge, top + (size * LINE) / 2);
      context.lineTo(x, y);
    }
    context.stroke();
  }
  for (const { color, x, y } of placed) {
    context.beginPath();
    context.arc(x, y, size / 4, 0, 2 * Math.PI);
    Object.assign(context, { fillStyle: `rgb(${color})`, strokeStyle: PAPER, lineWidth: size / 8 });
    context.fill();
    context.stroke();
  }
  for (const { text, color, left, top, width } of placed) {
    context.fillStyle = INK;
    context.beginPath();
    context.roundRect(left, top + 0.1 * size, width, (LINE - 0.2) * size, 0.3 * size);
    context.fill();
    context.fillStyle = `rgb(${color})`;
    context.fillRect(left + PADDING * size, top + 0.3 * size, SWATCH * size, (LINE - 0.6) * size);
    context.fillStyle = PAPER;
    context.fillText(text, left + (2 * PADDING + SWATCH) * size, top + (LINE * size) / 2);
  }
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} size */
const nameWidth = (context, text, size) => context.measureText(text).width + (3 * PADDING + SWATCH) * size;

/** Height of the letters that are written beside a picture. @param {HTMLCanvasElement} picture */
const lettersOf = ({ height }) => Math.max(SMALLEST_LETTERS, Math.round(height / LETTERS_A_HEIGHT));

/** A picture with margins for the names of its regions. @param {HTMLCanvasElement} picture @param {Region[]} regions @returns {HTMLCanvasElement} */
export function withNames(picture, regions) {
  const size = lettersOf(picture);
  const { width, height } = picture;
  const measured = contextOf(document.createElement("canvas"), false);
  setLetters(measured, size);
  const margin = Math.ceil(Math.max(0, ...regions.map(({ text }) => nameWidth(measured, text, size))) + size);
  const whole = Object.assign(document.createElement("canvas"), { width: width + 2 * margin, height });
  const context = contextOf(whole);
  context.fillStyle = PAPER;
  for (const left of [0, margin + width]) context.fillRect(left, 0, margin, height);
  context.drawImage(picture, margin, 0);
  const moved = regions.map((region) => ({ ...region, x: region.x + margin }));
  drawNames(context, moved, { width: whole.width, top: 0, bottom: height, pictureLeft: margin, pictureRight: margin + width }, size);
  return whole;
}

/** A picture with a legend below. @param {HTMLCanvasElement} picture @param {{ text: string, color: Color }[]} entries @returns {HTMLCanvasElement} */
export function withLegend(picture, entries) {
  const size = lettersOf(picture);
  const { width, height } = picture;
  const whole = document.createElement("canvas");
  setLetters(contextOf(whole), size);
  const entryWidth = Math.max(...entries.map(({ text }) => contextOf(whole).measureText(text).width + 3 * size));
  const columns = Math.max(1, Math.floor((width - size) / entryWidth));
  const rows = Math.ceil(entries.length / columns);
  Object.assign(whole, { width: Math.max(width, Math.ceil(entryWidth + size)), height: Math.ceil(height + (rows * LINE + 1) * size) });
  const context = contextOf(whole);
  setLetters(context, size);
  context.fillStyle = PAPER;
  context.fillRect(0, 0, whole.width, whole.height);
  context.drawImage(picture, Math.floor((whole.width - width) / 2), 0);
  entries.forEach(({ text, color }, i) => {
    const [left, top] = [size + (i % columns) * entryWidth, height + (0.5 + LINE * Math.floor(i / columns)) * size];
    context.fillStyle = `rgb(${color})`;
    context.fillRect(left, top + 0.25 * size, size, size);
    context.fillStyle = INK;
    context.fillText(text, left + 1.5 * size, top + (LINE * size) / 2);
  });
  return whole;
}
