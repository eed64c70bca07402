// Telling people apart: parsing/models/lite/people.py in JavaScript, which says what it follows. A spot is where a cell says that the centre of
// its person is, in pixels of the network's input.
import { findPieces } from "./components.js";

/** @import { Settings } from "./settings.js" */
/** @import { Size } from "./photo.js" */
/** One float a cell. @typedef {{ x: Float32Array, y: Float32Array }} Spots */
/** @typedef {{ x: number, y: number, score: number }} Center */
/** @typedef {{ x: number, y: number, area: number }} Face */

/**
 * Where each cell of a grid aims: its middle plus its offset.
 * @param {Float32Array} offsets first all x, then all y
 * @param {number} width
 * @param {number} height
 * @param {number} stride
 * @returns {Spots}
 */
export function aim(offsets, width, height, stride) {
  const size = width * height;
  const spots = { x: new Float32Array(size), y: new Float32Array(size) };
  const middle = (stride - 1) / 2;
  for (let cell = 0; cell < size; cell++) {
    spots.x[cell] = offsets[cell] + (cell % width) * stride + middle;
    spots.y[cell] = offsets[size + cell] + Math.floor(cell / width) * stride + middle;
  }
  return spots;
}

/** From each spot to a centre. @param {{ x: number, y: number }} center @param {Spots} spots @returns {Float32Array} */
export function distancesTo({ x, y }, spots) {
  return spots.x.map((spot, cell) => Math.sqrt((spot - x) ** 2 + (spots.y[cell] - y) ** 2));
}

/** Index of the centre nearest to each spot. @param {Spots} spots @param {{ x: number, y: number }[]} centers */
function nearest(spots, centers) {
  const owner = new Int32Array(spots.x.length);
  const least = new Float64Array(owner.length).fill(Infinity);
  centers.forEach(({ x, y }, index) => {
    for (let cell = 0; cell < owner.length; cell++) {
      const distance = (spots.x[cell] - x) ** 2 + (spots.y[cell] - y) ** 2;
      if (distance >= least[cell]) continue;
      least[cell] = distance;
      owner[cell] = index;
    }
  });
  return owner;
}

/**
 * The faces of a mask, largest first; of pieces closer together than a face is wide, only the largest counts.
 * @param {Uint8Array} mask @param {number} width @param {number} height @param {number} stride @param {Settings} settings
 */
export function findFaces(mask, width, height, stride, { smallest_face, face_gap }) {
  /** @type {Face[]} */
  const faces = [];
  const middle = (stride - 1) / 2;
  const { pieces } = findPieces(mask, width, height);
  for (const { cells, x, y } of pieces.sort((one, other) => other.cells - one.cells)) {
    const face = { x: x * stride + middle, y: y * stride + middle, area: cells };
    /** @param {Face} other */
    const apart = (other) => Math.hypot(face.x - other.x, face.y - other.y) > face_gap * stride * Math.sqrt(other.area);
    if (cells >= smallest_face && faces.every(apart)) faces.push(face);
  }
  return faces;
}

/**
 * The people in a picture: their centres, and the person in each cell, 0 for none, 1 for the first centre.
 * @param {{ heat: Float32Array, spots: Spots, inside: Uint8Array } & Size} look @param {Face[]} faces @param {Settings} settings
 * @returns {{ centers: Center[], numbers: Uint8Array }}
 */
export function findPeople({ heat, spots, inside, width, height }, faces, settings) {
  const stride = settings.person_stride;
  const numbers = new Uint8Array(heat.length);
  const centers = prune(findCandidates(heat, inside, width, height, settings), spots, inside, settings);
  if (!centers.length || !inside.includes(1)) return { centers: [], numbers };
  const owner = nearest(spots, centers);
  /** @param {Face} face */
  const cellOf = (face) => Math.floor(face.y / stride) * width + Math.floor(face.x / stride);
  const split = centers.flatMap((center, index) => {
    const own = faces.filter((face) => owner[cellOf(face)] === index);
    const large = own.filter((face) => face.area >= own[0].area * settings.smaller_face);
    return large.length > 1
      ? large.map((face) => ({ x: spots.x[cellOf(face)], y: spots.y[cellOf(face)], score: center.score }))
      : [center];
  });
  nearest(spots, split).forEach((index, cell) => {
    if (inside[cell]) numbers[cell] = index + 1;
  });
  return { centers: split, numbers };
}

/**
 * The peaks that may be people, the highest first: high ones, and where there are people without any, the highest that is there.
 * @param {Float32Array} heat @param {Uint8Array} inside @param {number} width @param {number} height @param {Settings} settings
 */
function findCandidates(heat, inside, width, height, settings) {
  const { person_stride, lowest_peak, smallest_group } = settings;
  const { pieceOf, pieces } = findPieces(widen(inside, width, height), width, height);
  const seen = new Set([0, ...pieces.flatMap(({ cells }, index) => (cells < smallest_group ? [index + 1] : []))]);
  return findPeaks(heat, width, height, settings).filter(({ x, y, score }) => {
    const group = pieceOf[Math.floor(y / person_stride) * width + Math.floor(x / person_stride)];
    const counts = score >= lowest_peak || !seen.has(group);
    seen.add(group);
    return counts;
  });
}

/** A mask with a rim of one cell around. @param {Uint8Array} mask @param {number} width @param {number} height */
function widen(mask, width, height) {
  const wide = new Uint8Array(mask.length);
  mask.forEach((is, cell) => {
    if (!is) return;
    const [x, y] = [cell % width, Math.floor(cell / width)];
    for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
      wide.fill(1, row * width + Math.max(x - 1, 0), row * width + Math.min(x + 1, width - 1) + 1);
    }
  });
  return wide;
}

/**
 * Local maxima of the heatmap, at most so many, the highest first.
 * @param {Float32Array} heat @param {number} width @param {number} height @param {Settings} settings @returns {Center[]}
 */
function findPeaks(heat, width, height, { person_stride, faintest_peak, most_peaks }) {
  const middle = (person_stride - 1) / 2;
  /** @type {Center[]} */
  const peaks = [];
  heat.forEach((score, cell) => {
    if (score < faintest_peak) return;
    const [x, y] = [cell % width, Math.floor(cell / width)];
    for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
      for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
        if (heat[row * width + column] > score) return;
      }
    }
    peaks.push({ x: x * person_stride + middle, y: y * person_stride + middle, score });
  });
  return peaks.sort((one, other) => other.score - one.score).slice(0, most_peaks);
}

/**
 * Leaves out centres, the weakest first, until each has its own voters.
 * @param {Center[]} centers @param {Spots} spots @param {Uint8Array} inside @param {Settings} settings
 */
function prune(centers, spots, inside, settings) {
  while (centers.length) {
    const owner = nearest(spots, centers);
    const voters = centers.map(() => /** @type {number[]} */ ([]));
    inside.forEach((is, cell) => is && voters[owner[cell]].push(cell));
    const counts = voters.map(({ length }) => length);
    let weakest = counts.indexOf(Math.min(...counts));
    if (counts[weakest] >= settings.smallest_person) weakest = findTwin(voters, spots, settings);
    if (weakest < 0) break;
    centers = centers.filter((_, index) => index !== weakest);
  }
  return centers;
}

/**
 * The weaker of two centres whose voters aim at nearly one spot; -1 where everybody stands alone.
 * @param {number[][]} voters cells of each centre @param {Spots} spots @param {Settings} settings
 */
function findTwin(voters, spots, { person_stride, twin_gap }) {
  /** @param {Float32Array} axis @param {number[]} cells */
  const along = (axis, cells) => median(cells.map((cell) => axis[cell]));
  const aims = voters.map((cells) => ({ x: along(spots.x, cells), y: along(spots.y, cells) }));
  const sides = voters.map((cells) => person_stride * Math.sqrt(cells.length));
  for (let weaker = voters.length - 1; weaker > 0; weaker--) {
    for (let stronger = 0; stronger < weaker; stronger++) {
      const gap = Math.hypot(aims[weaker].x - aims[stronger].x, aims[weaker].y - aims[stronger].y);
      if (gap < Math.min(sides[weaker], sides[stronger]) * twin_gap) return weaker;
    }
  }
  return -1;
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
