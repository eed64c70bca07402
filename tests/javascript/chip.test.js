import assert from "node:assert/strict";
import { test } from "node:test";
import { isEqual } from "../../parsing/web/device/chip.js";

const SETTINGS = /** @type {any} */ ({ stride: 32, mirror: [0, 1] });
const CELLS = 400;

/** An answer in which the first class has the higher score everywhere, but in so many cells. @param {number} [others] @param {object} [changed] */
function answer(others = 0, changed = {}) {
  const parts = new Float32Array(2 * CELLS).fill(1, others, CELLS).fill(1, CELLS, CELLS + others);
  return { parts, heat: new Float32Array([0.5]), offsets: new Float32Array([10, -10]), presence: new Float32Array(2), ...changed };
}

const ANSWERS = [
  { name: "the same", given: answer(), equal: true },
  { name: "two cells in 400", given: answer(2), equal: true },
  { name: "three cells in 400", given: answer(3), equal: false },
  { name: "no number", given: answer(0, { parts: new Float32Array(2 * CELLS).fill(NaN) }), equal: false },
  { name: "a centre's score", given: answer(0, { heat: new Float32Array([0.6]) }), equal: false },
  { name: "a score that is no number", given: answer(0, { heat: new Float32Array([NaN]) }), equal: false },
  { name: "half a pixel", given: answer(0, { offsets: new Float32Array([10.5, -10]) }), equal: true },
  { name: "two pixels", given: answer(0, { offsets: new Float32Array([12, -10]) }), equal: false },
];

for (const { name, given, equal } of ANSWERS) {
  test(`the chip's answer compared with WebAssembly's: ${name}`, () => assert.equal(isEqual(given, answer(), SETTINGS), equal));
}
