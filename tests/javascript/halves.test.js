import assert from "node:assert/strict";
import { test } from "node:test";
import { expandHalves } from "../../parsing/web/device/halves.js";

const NUMBERS = [
  { bits: 0x0000, value: 0 },
  { bits: 0x8000, value: -0 },
  { bits: 0x3c00, value: 1 },
  { bits: 0xc100, value: -2.5 },
  { bits: 0x7bff, value: 65504 }, // the largest
  { bits: 0x0400, value: 2 ** -14 }, // the smallest with all eleven bits
  { bits: 0x83ff, value: -1023 * 2 ** -24 },
  { bits: 0x0001, value: 2 ** -24 },
  { bits: 0xfc00, value: -Infinity },
  { bits: 0x7e00, value: NaN },
];

test("half precision becomes single precision exactly", () => {
  const content = new Uint8Array(NUMBERS.flatMap(({ bits }) => [bits & 255, bits >> 8]));
  const expected = NUMBERS.map(({ value }) => value);
  assert.deepEqual(Array.from(expandHalves(content)), expected);
});
