// What the network's scores become on the device; tests/browser compares whole photos with the server's answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { argmax, meanConfidence, settleGarments } from "../../parsing/web/device/scores.js";

/** @import { Settings } from "../../parsing/web/device/settings.js" */

const SETTINGS = /** @type {Settings} */ ({ garments: [1, 2], garment_floor: 0.005 });

test("a cell of another garment joins the garment around it, by little only", () => {
  // three planes, background and two garments, of four cells
  const scores = Float32Array.of(0, 0, 0, 0, 6, 6, 6, 6, 6.5, 0, 0, 0);
  assert.deepEqual([...argmax(scores, 4).best], [2, 1, 1, 1]);
  assert.deepEqual([...argmax(settleGarments(scores, 4, SETTINGS), 4).best], [1, 1, 1, 1]);
  scores[8] = 16;
  assert.deepEqual([...argmax(settleGarments(scores, 4, SETTINGS), 4).best], [2, 1, 1, 1]);
});

test("between garments and the rest nothing changes", () => {
  const scores = Float32Array.of(0, 0, 7, 0, 6, 6, 6, 6, 6.5, 0, 0, 0);
  const settled = settleGarments(scores, 4, SETTINGS);
  for (let cell = 0; cell < 4; cell++) {
    const [before, after] = [scores, settled].map((some) => Math.exp(some[4 + cell]) + Math.exp(some[8 + cell]));
    assert.ok(Math.abs(before - after) < 1e-3 * before);
    assert.equal(settled[cell], scores[cell]);
  }
});

test("how sure the network is of somebody counts in this person's cells only", () => {
  // background and one part, four places in two cells: sure of the part, less sure, of background, sure
  const scores = Float32Array.of(0, 0, 9, 0, 9, 1, 0, 9);
  const look = { width: 4, height: 1, cells: { width: 2, height: 1 } };
  const settings = /** @type {Settings} */ ({ background: 0, mirror: [0, 1] });
  const [sure, less] = [9, 1].map((lead) => 1 / (1 + Math.exp(-lead)));
  const both = meanConfidence(scores, look, Float32Array.of(1, 1), settings);
  assert.ok(Math.abs(both.somebody - (2 * sure + less) / 3) < 1e-6);
  assert.ok(Math.abs(both.parts[1] - both.somebody) < 1e-6);
  assert.ok(Math.abs(meanConfidence(scores, look, Float32Array.of(1, 0), settings).somebody - (sure + less) / 2) < 1e-6);
  assert.equal(meanConfidence(scores, look, Float32Array.of(0, 0), settings).somebody, 0);
});
