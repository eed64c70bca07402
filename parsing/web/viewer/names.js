// Names beside the regions of a label map: the spot in each region that a line leads to, and the places of the names, which never overlap.
// Names stand left and right of the picture, each on the side and near the height of its region (boundary labelling: Bekos et al.,
// "Boundary labeling: models and efficient algorithms for rectangular maps", 2007).
import { PERSON } from "./label_map.js";

/** @import { LabelMap } from "./label_map.js" */
/** @import { Color } from "./views.js" */
/** The middle of the largest square that lies in a region, in pixels of the photo, and the square's side. @typedef {{ x: number, y: number, side: number }} Spot */
/** A name, how wide it is, its colour, the spot that it belongs to, and the pixels of the region. @typedef {{ text: string, width: number, color: Color, x: number, y: number, size: number }} Name */
/** A name with its place: `left` and `top` of its box; the line begins at `edge`. @typedef {Name & { left: number, top: number, edge: number }} PlacedName */
/**
 * Where names may be: the height that they share between `top` and `bottom`, the picture's sides, what is kept free beside a name, the
 * height of a line.
 * @typedef {{ width: number, top: number, bottom: number, pictureLeft: number, pictureRight: number, gap: number, line: number }} Room
 */

/** Of each key that is not background, its spot: the one nearest to the top where there are several. @param {LabelMap} map @returns {Map<number, Spot>} */
export function findSpots({ keys, width, height }) {
  /** @type {Map<number, Spot>} */
  const spots = new Map();
  const sides = new Uint16Array(width); // of the largest square that ends at a pixel of this row, or still of the row above
  for (let y = 0, i = 0; y < height; y++) {
    let diagonal = 0; // of the pixel to the left in the row above
    for (let x = 0; x < width; x++, i++) {
      const key = keys[i];
      const above = sides[x];
      let side = key % PERSON ? 1 : 0;
      if (side && x && y && key === keys[i - 1] && key === keys[i - width] && key === keys[i - width - 1]) {
        side += Math.min(above, diagonal, sides[x - 1]);
      }
      diagonal = above;
      sides[x] = side;
      if (side > (spots.get(key)?.side ?? 0)) spots.set(key, { x: x + 1 - side / 2, y: y + 1 - side / 2, side });
    }
  }
  return spots;
}

/** Places for names; where there is not room for all, the largest regions have theirs. @param {Name[]} names @param {Room} room @returns {PlacedName[]} */
export function placeNames(names, room) {
  const lines = Math.max(0, Math.floor((room.bottom - room.top) / room.line)); // on each side
  const kept = names.toSorted((one, other) => other.size - one.size).slice(0, 2 * lines);
  kept.sort((one, other) => one.x - other.x);
  const middle = (room.pictureLeft + room.pictureRight) / 2;
  const wanted = kept.filter(({ x }) => x < middle).length;
  const split = Math.min(Math.max(wanted, kept.length - lines), lines);
  return [...placeSide(kept.slice(0, split), room, true), ...placeSide(kept.slice(split), room, false)];
}

/** @param {Name[]} names @param {Room} room @param {boolean} isLeft @returns {PlacedName[]} */
function placeSide(names, { width, top, bottom, pictureLeft, pictureRight, gap, line }, isLeft) {
  const sorted = names.toSorted((one, other) => one.y - other.y);
  const lowest = bottom - line * sorted.length; // of the first, so that the rest have room
  const tops = ascending(sorted.map(({ y }, i) => y - line / 2 - line * i)).map((value, i) => Math.min(Math.max(value, top), lowest) + line * i);
  const placed = sorted.map((name, i) => {
    const edge = isLeft ? Math.max(pictureLeft - gap, name.width + gap) : Math.min(pictureRight + gap, width - gap - name.width);
    return { ...name, edge, left: isLeft ? edge - name.width : edge, top: tops[i] };
  });
  shortenLines(placed, line);
  return placed;
}

/** The numbers nearest to these of which none is less than the one before: pool adjacent violators. @param {number[]} values */
function ascending(values) {
  /** @type {{ sum: number, count: number }[]} */
  const pools = [];
  for (const value of values) {
    let pool = { sum: value, count: 1 };
    for (let last = pools.at(-1); last && last.sum / last.count > pool.sum / pool.count; last = pools.at(-1)) {
      pool = { sum: last.sum + pool.sum, count: last.count + pool.count };
      pools.pop();
    }
    pools.push(pool);
  }
  return pools.flatMap(({ sum, count }) => new Array(count).fill(sum / count));
}

/** Swaps heights as long as that makes two lines shorter together; lines that cross always become shorter. @param {PlacedName[]} placed @param {number} line */
function shortenLines(placed, line) {
  /** @param {PlacedName} name @param {number} top */
  const length = ({ x, y, edge }, top) => Math.hypot(x - edge, y - top - line / 2);
  for (let shorter = true; shorter; ) {
    shorter = false;
    for (const [i, one] of placed.entries()) {
      for (const other of placed.slice(i + 1)) {
        const now = length(one, one.top) + length(other, other.top);
        const swapped = length(one, other.top) + length(other, one.top);
        if (swapped > now - 1e-6) continue;
        [one.top, other.top] = [other.top, one.top];
        shorter = true;
      }
    }
  }
}
