// Edges grow, shrink and fade by the rule of parsing/effects.py, here pixel by pixel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { boxBlur, fade, grow } from "../../parsing/web/viewer/edges.js";

const [WIDTH, HEIGHT] = [23, 17];
let seed = 7;
const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
const REGIONS = Uint16Array.from({ length: WIDTH * HEIGHT }, () => (random() < 0.3 ? 1 + Math.floor(random() * 40) : 0));

/** The values of the square around a pixel, cut off at the edges. @param {number} i @param {number} reach */
function around(i, reach) {
  const values = [];
  const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
  for (let row = Math.max(y - reach, 0); row <= Math.min(y + reach, HEIGHT - 1); row++) {
    for (let column = Math.max(x - reach, 0); column <= Math.min(x + reach, WIDTH - 1); column++) values.push(REGIONS[row * WIDTH + column]);
  }
  return values;
}

for (const pixels of [1, 2, 5, 30]) {
  test(`regions grow by ${pixels}: what is added takes the largest key around it`, () => {
    const expected = REGIONS.map((key, i) => key || Math.max(...around(i, pixels)));
    assert.deepEqual(grow(REGIONS, WIDTH, HEIGHT, pixels), expected);
  });
}

test("regions shrink where anything around them is not chosen", () => {
  const full = REGIONS.map((key) => key || 3);
  full[8 * WIDTH + 11] = 0;
  const shrunk = grow(full, WIDTH, HEIGHT, -2);
  const gone = [...shrunk].flatMap((key, i) => (key ? [] : [i]));
  assert.equal(gone.length, 25);
  assert.equal(gone[12], 8 * WIDTH + 11);
});

test("0 leaves everything as it is", () => assert.equal(grow(REGIONS, WIDTH, HEIGHT, 0), REGIONS));

test("a blur is the mean of the square, the edge of the picture repeated", () => {
  const values = Uint8Array.of(0, 90, 0, 0, 0, 0);
  assert.deepEqual([...boxBlur(values, 3, 2, 1)], [20, 20, 20, 10, 10, 10]);
});

test("edges fade from 0 to 255", () => {
  const shares = fade(Uint16Array.of(0, 0, 0, 7, 7, 7, 7), 7, 1, 1);
  assert.deepEqual([...shares], [0, 0, 85, 170, 255, 255, 255]);
});
