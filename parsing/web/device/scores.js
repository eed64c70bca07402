// From part scores, 20 planes of logits one after the other, to classes: parsing/models/lite.py in JavaScript, which says why.
import { linearTapsOf, resample } from "./resample.js";

/** @import { Settings } from "./settings.js" */
/** @import { Size } from "./photo.js" */

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
 * The scores with the garments settled among themselves, so that a coat is not torn into patches.
 * @param {Float32Array} scores @param {number} size cells @param {Settings} settings
 */
export function settleGarments(scores, size, { garments, garment_floor }) {
  const { top } = argmax(scores, size);
  const sum = sumOfExponentials(scores, top);
  const likely = garments.map((part) => Float32Array.from(top, (most, cell) => Math.exp(scores[part * size + cell] - most)));
  const amounts = likely.map((plane) => plane.reduce((total, value, cell) => total + value / sum[cell], 0));
  const all = amounts.reduce((total, amount) => total + amount, 1e-6);
  const shares = amounts.map((amount) => amount / all + garment_floor);
  const settled = scores.slice();
  for (let cell = 0; cell < size; cell++) {
    let [before, after] = [0, 1e-12];
    likely.forEach((plane, index) => {
      before += plane[cell];
      after += plane[cell] * shares[index];
    });
    garments.forEach((part, index) => {
      settled[part * size + cell] = Math.log((likely[index][cell] * shares[index] * before) / after + 1e-12) + top[cell];
    });
  }
  return settled;
}

/** @param {Float32Array} scores @param {Float32Array} top */
function sumOfExponentials(scores, top) {
  const sum = new Float32Array(top.length);
  for (let plane = 0; plane < scores.length; plane += top.length) {
    for (let cell = 0; cell < top.length; cell++) sum[cell] += Math.exp(scores[plane + cell] - top[cell]);
  }
  return sum;
}

/**
 * How sure the network is: of each class where it has the highest score, 0 where it has it nowhere; and of somebody being there at
 * all, over what is not background in one person's cells.
 * @param {Float32Array} scores @param {{ cells: Size } & Size} look @param {Float32Array} own 1 for each cell of this person
 * @param {Settings} settings @returns {{ parts: number[], somebody: number }}
 */
export function meanConfidence(scores, { width, height, cells }, own, { background, mirror }) {
  const size = width * height;
  const { best, top } = argmax(scores, size);
  const sum = sumOfExponentials(scores, top);
  const [total, count] = [new Array(mirror.length).fill(0), new Array(mirror.length).fill(0)];
  let [somebody, places] = [0, 0];
  const zoom = width / cells.width;
  best.forEach((part, place) => {
    total[part] += 1 / sum[place];
    count[part]++;
    const cell = Math.floor(Math.floor(place / width) / zoom) * cells.width + Math.floor((place % width) / zoom);
    if (part === background || !own[cell]) return;
    somebody += 1 - Math.exp(scores[background * size + place] - top[place]) / sum[place];
    places++;
  });
  return { parts: total.map((value, part) => value / Math.max(count[part], 1)), somebody: somebody / Math.max(places, 1) };
}

/**
 * Class with the highest score at each pixel of `to`, the scores enlarged to it first.
 * @param {Float32Array} scores @param {number} width @param {number} height @param {Size} to
 */
export function labelMap(scores, width, height, to) {
  const size = width * height;
  const winners = [...new Set(argmax(scores, size).best)].sort((one, other) => one - other);
  const taps = linearTapsOf({ width, height }, to);
  const labels = new Uint8Array(to.width * to.height).fill(winners[0]);
  /** @type {Float32Array | null} */
  let best = null;
  for (const part of winners) {
    const plane = resample(scores.subarray(part * size, (part + 1) * size), width, ...taps);
    if (!best) best = plane;
    else {
      for (let i = 0; i < labels.length; i++) {
        if (plane[i] > best[i]) {
          best[i] = plane[i];
          labels[i] = part;
        }
      }
    }
  }
  return labels;
}
