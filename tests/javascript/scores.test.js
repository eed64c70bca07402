// What the network's scores become on the device; tests/browser compares whole photos with the server's answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { linearTapsOf, resample } from "../../parsing/web/device/resample.js";
import { argmax, cropScores, labelMap, meanConfidence, settleGarments, withOpinion, withPresence } from "../../parsing/web/device/scores.js";

/** @import { Settings } from "../../parsing/web/device/settings.js" */

const SETTINGS = /** @type {Settings} */ ({ garments: [1, 2], worn: [1, 2], garment_floor: 0.005, background: 0, mirror: [0, 1, 2] });

/** @param {number} found @param {number} expected */
const close = (found, expected) => assert.ok(Math.abs(found - expected) < 1e-6, `${found} is not ${expected}`);

/** The probability of background, of three classes, at one of two cells. @param {Float32Array} scores @param {number} cell */
function likelihood(scores, cell) {
  const [background, one, other] = [0, 2, 4].map((plane) => Math.exp(scores[plane + cell]));
  return background / (background + one + other);
}

test("a cell of another garment joins the garment around it, by little only", () => {
  // three planes, background and two garments, of four cells
  const scores = Float32Array.of(0, 0, 0, 0, 6, 6, 6, 6, 6.5, 0, 0, 0);
  assert.deepEqual([...argmax(scores, 4).best], [2, 1, 1, 1]);
  assert.deepEqual([...settleGarments(scores, 4, SETTINGS).best], [1, 1, 1, 1]);
  scores[8] = 16;
  assert.deepEqual([...settleGarments(scores, 4, SETTINGS).best], [2, 1, 1, 1]);
});

test("what another opinion says of what is worn takes the place of the first, and whether somebody is there does not change", () => {
  const scores = Float32Array.of(1, 2, 3, 4, 5, 6); // of two cells
  const changed = withPresence(scores, Float32Array.of(-1, -2, -3), Float32Array.of(-5, -2.5, -1), SETTINGS);
  assert.deepEqual([...changed.subarray(2)], [2.5, 3.5, 7, 8]);
  for (const cell of [0, 1]) close(likelihood(changed, cell), likelihood(scores, cell));
  assert.equal(scores[2], 3);
});

test("two opinions have the same say in which part it is, and the first in whether somebody is there", () => {
  const scores = Float32Array.of(1, 2, 3, 4, 5, 6); // of two cells
  const joined = withOpinion(scores, Float32Array.of(9, -9, 7, 6, -1, 0), 2);
  assert.deepEqual([...joined.subarray(2)], [5, 5, 2, 3]);
  for (const cell of [0, 1]) close(likelihood(joined, cell), likelihood(scores, cell));
});

test("between garments and the rest nothing changes", () => {
  const scores = Float32Array.of(0, 0, 7, 0, 6, 6, 6, 6, 6.5, 0, 0, 0);
  const settled = settleGarments(scores, 4, SETTINGS).scores;
  for (let cell = 0; cell < 4; cell++) {
    const [before, after] = [scores, settled].map((some) => Math.exp(some[4 + cell]) + Math.exp(some[8 + cell]));
    assert.ok(Math.abs(before - after) < 1e-3 * before);
    assert.equal(settled[cell], scores[cell]);
  }
});

test("a class is as sure as its share of all exponentials after the garments are settled", () => {
  const scores = Float32Array.of(0, 0, 7, -40, 6, 6, 6, 6, 6.5, 0, 0, 0);
  const settled = settleGarments(scores, 4, SETTINGS);
  for (let cell = 0; cell < 4; cell++) {
    const all = [0, 4, 8].map((plane) => Math.exp(settled.scores[plane + cell]));
    const sum = all.reduce((total, value) => total + value);
    close(settled.certain[cell], all[settled.best[cell]] / sum);
    close(settled.somebody[cell], 1 - all[0] / sum);
  }
});

test("how sure the network is of somebody counts in this person's cells only", () => {
  // background and a part, of four places in two cells: sure of the part, less sure, of background, sure
  const settled = {
    scores: new Float32Array(12),
    best: Uint8Array.of(1, 1, 0, 1),
    certain: Float32Array.of(0.75, 0.5, 1, 0.25),
    somebody: Float32Array.of(1, 0.25, 0, 0.75),
  };
  const look = { width: 4, height: 1, cells: { width: 2, height: 1 } };
  const both = meanConfidence(settled, look, Float32Array.of(1, 1), SETTINGS);
  assert.deepEqual(both.parts, [1, 0.5, 0]);
  close(both.somebody, 2 / 3);
  assert.equal(meanConfidence(settled, look, Float32Array.of(1, 0), SETTINGS).somebody, 0.625);
  assert.equal(meanConfidence(settled, look, Float32Array.of(0, 0), SETTINGS).somebody, 0);
});

test("a label map is what enlarging all scores gives", () => {
  const [from, to] = [
    { width: 9, height: 7 },
    { width: 70, height: 31 },
  ];
  const size = from.width * from.height;
  const scores = Float32Array.from({ length: 4 * size }, (_, place) => Math.sin(place * 0.7) * 3 + Math.cos(place * place));
  const planes = [0, 1, 2, 3].map((part) =>
    resample(scores.subarray(part * size, (part + 1) * size), from.width, ...linearTapsOf(from, to)),
  );
  const all = new Float32Array(planes.flatMap((plane) => [...plane]));
  const { best } = argmax(scores, size);
  assert.deepEqual(labelMap(scores, best, from, to), argmax(all, to.width * to.height).best);
});

test("a crop of scores lies where its box lies in the photo", () => {
  const [from, photo, to] = [
    { width: 8, height: 6 },
    { width: 16, height: 12 },
    { width: 10, height: 8 },
  ]; // two pixels of the photo a cell
  const cells = Array.from({ length: 48 }, (_, cell) => cell);
  const scores = Float32Array.from([...cells.map((cell) => cell % 8), ...cells.map((cell) => Math.floor(cell / 8))]);
  const cropped = cropScores(scores, from, photo, { x0: 3, y0: 2, x1: 13, y1: 10 }, to);
  for (let cell = 0; cell < 80; cell++) {
    close(cropped[cell], (3 + (cell % 10) + 0.5) / 2 - 0.5); // the middle of each pixel of the box, in cells
    close(cropped[80 + cell], (2 + Math.floor(cell / 10) + 0.5) / 2 - 0.5);
  }
  assert.deepEqual(cropScores(scores, from, photo, { x0: 0, y0: 0, x1: 16, y1: 12 }, from), scores);
});
