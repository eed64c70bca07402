// From part scores, 20 planes of logits one after the other, to classes: parsing/models/lite/scores.py in JavaScript, which says why.
import { areaTapsOf, linearTapsOf, linearTapsWithin, resample } from "./resample.js";

/** @import { Box } from "../viewer/label_map.js" */
/** @import { Settings } from "./settings.js" */
/** @import { Size } from "./photo.js" */
/**
 * What the network is sure of at each cell: the scores, the class with the highest, its probability, and that of somebody being there.
 * @typedef {{ scores: Float32Array, best: Uint8Array, certain: Float32Array, somebody: Float32Array }} Settled
 */

const FAINT = -17; // a score so far below the highest adds less to a sum of exponentials than single precision holds

/** Index of the highest of several planes at each cell, and how high it is. @param {Float32Array} scores @param {number} size cells */
export function argmax(scores, size) {
  const best = new Uint8Array(size);
  const top = scores.slice(0, size);
  for (let part = 1; part * size < scores.length; part++) {
    for (let cell = 0, from = part * size; cell < size; cell++, from++) {
      if (scores[from] > top[cell]) {
        top[cell] = scores[from];
        best[cell] = part;
      }
    }
  }
  return { best, top };
}

/**
 * The scores of a photo as those of a box in it.
 * @param {Float32Array} scores @param {Size} from cells @param {Size} photo @param {Box} box in its pixels @param {Size} to cells
 */
export function cropScores(scores, from, photo, { x0, y0, x1, y1 }, to) {
  const [across, down] = [from.width / photo.width, from.height / photo.height];
  return resampleAll(scores, from, linearTapsWithin(from, to, { x0: x0 * across, y0: y0 * down, x1: x1 * across, y1: y1 * down }));
}

/** The scores at fewer cells, each the mean of those in its place. @param {Float32Array} scores @param {Size} from cells @param {Size} to */
export function shrinkScores(scores, from, to) {
  return resampleAll(scores, from, areaTapsOf(from, to));
}

/** @param {Float32Array} scores @param {Size} from cells @param {ReturnType<typeof areaTapsOf>} taps of columns and rows */
function resampleAll(scores, from, [columns, rows]) {
  const [before, after] = [from.width * from.height, columns.size * rows.size];
  const resampled = new Float32Array((scores.length / before) * after);
  for (let old = 0, next = 0; old < scores.length; old += before, next += after) {
    resampled.set(resample(scores.subarray(old, old + before), from.width, columns, rows), next);
  }
  return resampled;
}

/**
 * The scores of one person in which another opinion on what is worn takes the place of that which they contain; whether a cell is
 * somebody's does not change.
 * @param {Float32Array} scores @param {Float32Array} presence logarithms of probabilities, that of each class @param {Float32Array} worn
 * likewise @param {Settings} settings
 */
export function withPresence(scores, presence, worn, { worn: classes }) {
  const size = scores.length / presence.length;
  const changed = scores.slice();
  for (const part of classes) {
    const step = worn[part] - presence[part];
    for (let cell = part * size; cell < (part + 1) * size; cell++) changed[cell] += step;
  }
  return withBackgroundOf(scores, changed, size);
}

/**
 * The mean of two opinions on which part of somebody a cell is; whether it is somebody's, the first says.
 * @param {Float32Array} scores @param {Float32Array} others @param {number} size cells
 */
export function withOpinion(scores, others, size) {
  return withBackgroundOf(scores, scores.map((score, at) => (score + others[at]) / 2), size);
}

/**
 * The changed scores, in which background, the first plane, is as probable as it was before.
 * @param {Float32Array} scores @param {Float32Array} changed @param {number} size cells
 */
function withBackgroundOf(scores, changed, size) {
  const [before, after] = [scores, changed].map((some) => scoreOfAll(some.subarray(size), size));
  for (let cell = 0; cell < size; cell++) changed[cell] = scores[cell] + after[cell] - before[cell];
  return changed;
}

/** The score of several planes as if they were one. @param {Float32Array} scores @param {number} size cells */
function scoreOfAll(scores, size) {
  const { top } = argmax(scores, size);
  const sum = sumOfExponentials(scores, top, []);
  return sum.map((value, cell) => Math.log(value) + top[cell]);
}

/**
 * The scores with the garments settled among themselves, so that a coat is not torn into patches.
 * @param {Float32Array} scores @param {number} size cells @param {Settings} settings @returns {Settled}
 */
export function settleGarments(scores, size, { garments, garment_floor, background }) {
  const { top } = argmax(scores, size);
  const likely = garments.map((part) => exponentials(scores.subarray(part * size, (part + 1) * size), top));
  const sum = sumOfExponentials(scores, top, garments);
  for (const plane of likely) for (let cell = 0; cell < size; cell++) sum[cell] += plane[cell];
  const amounts = likely.map((plane) => plane.reduce((total, value, cell) => total + value / sum[cell], 0));
  const all = amounts.reduce((total, amount) => total + amount, 1e-6);
  const shares = amounts.map((amount) => amount / all + garment_floor);
  const [before, after] = [new Float32Array(size), new Float32Array(size)];
  likely.forEach((plane, index) => {
    for (let cell = 0; cell < size; cell++) {
      before[cell] += plane[cell];
      after[cell] += plane[cell] * shares[index];
    }
  });
  const settled = scores.slice();
  garments.forEach((part, index) => {
    const [plane, share] = [likely[index], shares[index]];
    for (let cell = 0, to = part * size; cell < size; cell++, to++) {
      settled[to] = Math.log((plane[cell] * share * before[cell]) / (after[cell] + 1e-12) + 1e-12) + top[cell];
    }
  });
  const { best, top: highest } = argmax(settled, size);
  const [certain, somebody] = [new Float32Array(size), new Float32Array(size)];
  for (let cell = 0, from = background * size; cell < size; cell++, from++) {
    certain[cell] = (highest[cell] === top[cell] ? 1 : Math.exp(highest[cell] - top[cell])) / sum[cell]; // the garments' sum is what it was
    somebody[cell] = 1 - Math.exp(scores[from] - top[cell]) / sum[cell];
  }
  return { scores: settled, best, certain, somebody };
}

/** @param {Float32Array} plane @param {Float32Array} top */
function exponentials(plane, top) {
  const values = new Float32Array(top.length);
  for (let cell = 0; cell < top.length; cell++) values[cell] = Math.exp(plane[cell] - top[cell]);
  return values;
}

/** The sum of the exponentials of all planes but some. @param {Float32Array} scores @param {Float32Array} top @param {number[]} leftOut */
function sumOfExponentials(scores, top, leftOut) {
  const sum = new Float32Array(top.length);
  for (let part = 0, from = 0; from < scores.length; part++) {
    if (leftOut.includes(part)) {
      from += top.length;
      continue;
    }
    for (let cell = 0; cell < top.length; cell++, from++) {
      const below = scores[from] - top[cell];
      if (below > FAINT) sum[cell] += Math.exp(below);
    }
  }
  return sum;
}

/**
 * How sure the network is: of each class where it has the highest score, 0 where it has it nowhere; and of somebody being there at
 * all, over what is not background in one person's cells.
 * @param {Settled} settled @param {{ cells: Size } & Size} look @param {Float32Array} claim above 0 for each cell of this person
 * @param {Settings} settings @returns {{ parts: number[], somebody: number }}
 */
export function meanConfidence({ best, certain, somebody }, { width, height, cells }, claim, { background, mirror }) {
  const [total, count] = [new Float64Array(mirror.length), new Float64Array(mirror.length)];
  const zoom = width / cells.width;
  let [sum, places] = [0, 0];
  for (let y = 0, place = 0; y < height; y++) {
    const row = Math.floor(y / zoom) * cells.width;
    for (let x = 0; x < width; x++, place++) {
      const part = best[place];
      total[part] += certain[place];
      count[part]++;
      if (part === background || claim[row + Math.floor(x / zoom)] <= 0) continue;
      sum += somebody[place];
      places++;
    }
  }
  return { parts: [...total].map((value, part) => value / Math.max(count[part], 1)), somebody: sum / Math.max(places, 1) };
}

/**
 * Class with the highest score at each pixel of `to`, the scores enlarged to it first. Between four cells of one class it is that class,
 * so that only borders are computed.
 * @param {Float32Array} scores @param {Uint8Array} best the class with the highest score at each cell
 * @param {Size} from cells @param {Size} to
 */
export function labelMap(scores, best, from, to) {
  const size = from.width * from.height;
  const winners = [...new Set(best)].sort((one, other) => one - other);
  const [columns, rows] = linearTapsOf(from, to);
  const labels = new Uint8Array(to.width * to.height);
  for (let y = 0, pixel = 0; y < to.height; y++) {
    const [upper, lower] = [rows.indices[2 * y] * from.width, rows.indices[2 * y + 1] * from.width];
    const [above, below] = [rows.weights[2 * y], rows.weights[2 * y + 1]];
    for (let x = 0; x < to.width; x++, pixel++) {
      const left = columns.indices[2 * x];
      const right = columns.indices[2 * x + 1];
      let label = best[upper + left];
      if (label !== best[upper + right] || label !== best[lower + left] || label !== best[lower + right]) {
        const before = columns.weights[2 * x];
        const after = columns.weights[2 * x + 1];
        let most = -Infinity;
        for (const part of winners) {
          const plane = part * size;
          const high = before * scores[plane + upper + left] + after * scores[plane + upper + right];
          const low = before * scores[plane + lower + left] + after * scores[plane + lower + right];
          const score = above * high + below * low;
          if (score <= most) continue;
          most = score;
          label = part;
        }
      }
      labels[pixel] = label;
    }
  }
  return labels;
}
