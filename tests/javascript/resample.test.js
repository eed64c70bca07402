// Resizing gives OpenCV's numbers, which the expected values were computed with.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPhoto } from "../../parsing/web/device/open.js";
import { resizePhoto, roundHalfEven } from "../../parsing/web/device/photo.js";
import { areaTapsOf, linearTapsOf, reachOf, resample, shiftTaps } from "../../parsing/web/device/resample.js";

/** @param {Iterable<number>} found @param {number[]} expected */
const close = (found, expected) => {
  assert.equal([...found].length, expected.length);
  [...found].forEach((value, index) => assert.ok(Math.abs(value - expected[index]) < 1e-4, `${value} is not ${expected[index]}`));
};

test("halving takes the mean of what is covered", () => {
  const source = Float32Array.of(0, 2, 4, 6, 8, 10, 12, 14);
  const taps = areaTapsOf({ width: 4, height: 2 }, { width: 2, height: 1 });
  close(resample(source, 4, ...taps), [5, 9]);
});

test("three pixels become two with a shared middle", () => {
  close(resample(Float32Array.of(0, 3, 9), 3, ...areaTapsOf({ width: 3, height: 1 }, { width: 2, height: 1 })), [1, 7]);
});

test("enlarging blends between pixel centres and repeats the edge", () => {
  close(resample(Float32Array.of(0, 8), 2, ...linearTapsOf({ width: 2, height: 1 }, { width: 4, height: 1 })), [0, 2, 6, 8]);
});

test("several channels of a wider pixel are resampled side by side", () => {
  const rgba = Uint8Array.of(0, 10, 20, 255, 4, 20, 40, 255);
  const taps = areaTapsOf({ width: 2, height: 1 }, { width: 1, height: 1 });
  close(resample(rgba, 2, ...taps, 3, 4), [2, 15, 30]);
});

test("taps can be moved, and say what they reach", () => {
  const [columns] = linearTapsOf({ width: 4, height: 1 }, { width: 2, height: 1 });
  assert.deepEqual(reachOf(columns), [0, 4]);
  assert.deepEqual(reachOf(shiftTaps(columns, 10)), [10, 14]);
});

test("half goes to the even neighbour, as in Python and OpenCV", () => {
  assert.deepEqual([0.5, 1.5, 2.5, 2.4, 2.6, -0.5].map(roundHalfEven), [0, 2, 2, 2, 3, 0]);
});

test("a box of a photo is cut out and resized to bytes", () => {
  const pixels = Uint8ClampedArray.from({ length: 4 * 4 * 2 }, (_, i) => (i % 4 === 3 ? 255 : 10 * Math.floor(i / 4)));
  const box = { x0: 2, y0: 0, x1: 4, y1: 2 };
  assert.deepEqual([...resizePhoto({ pixels, width: 4, height: 2 }, box, { width: 1, height: 1 })], [45, 45, 45]);
});

test("pixels that are open already are taken as they are", async () => {
  const photo = await openPhoto({ pixels: Uint32Array.of(0xff030201), width: 1, height: 1 }, 2048).catch((error) => error);
  assert.deepEqual([...photo.pixels], [1, 2, 3, 255]);
});
