// Names stand beside the picture in the order of their regions, none over another, with the shortest lines.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LabelMap } from "../../parsing/web/viewer/label_map.js";
import { findSpots, placeNames } from "../../parsing/web/viewer/names.js";

const ROOM = { width: 400, top: 0, bottom: 200, pictureLeft: 100, pictureRight: 300, gap: 5, line: 20 };

/** @param {string} text @param {number} x @param {number} y @param {number} size */
const name = (text, x, y, size = 1) => ({ text, x, y, size, width: 60, color: /** @type {[number, number, number]} */ ([0, 0, 0]) });

/** @param {string[]} rows a digit a pixel, the class */
function spotsOf(rows) {
  const labels = rows.join("").split("").map(Number);
  const people = labels.map((part) => (part ? 1 : 0));
  const map = new LabelMap(rows[0].length, rows.length, new Uint32Array(labels.length), Uint8Array.from([...labels, ...people]));
  return Object.fromEntries([...findSpots(map)].map(([key, { x, y, side }]) => [key - 32, [x, y, side]]));
}

test("a spot is the middle of the largest square in a region, and background has none", () => {
  const spots = spotsOf(["111000", "001222", "001222", "000222", "000200"]);
  assert.deepEqual(spots, { 1: [0.5, 0.5, 1], 2: [4.5, 2.5, 3] });
});

test("of equal squares the topmost counts, and a region's other piece only if it is larger", () => {
  assert.deepEqual(spotsOf(["330033", "330033", "000033"]), { 3: [1, 1, 2] });
});

test("names stand on the side of their region, at its height, beside the picture", () => {
  const places = placeNames([name("Hair", 150, 50), name("Coat", 250, 120)], ROOM);
  const [hair, coat] = places;
  assert.deepEqual([hair.left, hair.top, hair.edge], [35, 40, 95]);
  assert.deepEqual([coat.left, coat.top, coat.edge], [305, 110, 305]);
});

test("names that want the same height share it evenly, above and below", () => {
  const tops = placeNames([name("Hair", 120, 100), name("Face", 130, 100), name("Hat", 110, 100)], ROOM).map(({ top }) => top);
  assert.deepEqual(tops.sort((one, other) => one - other), [70, 90, 110]);
});

test("a picture that fills its frame has the names over its sides, inside the frame", () => {
  const places = placeNames([name("Hair", 150, 50), name("Coat", 250, 120)], { ...ROOM, pictureLeft: 0, pictureRight: 400 });
  assert.deepEqual(places.map(({ left }) => left), [5, 335]);
});

for (const seed of [1, 2, 3]) {
  test(`nothing overlaps, nothing leaves the room, no lines of a side cross (${seed})`, () => {
    let state = seed;
    const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
    const names = Array.from({ length: 18 }, (_, i) => name(String(i), 100 + 200 * random(), 200 * random(), random()));
    const places = placeNames(names, ROOM);
    assert.equal(places.length, 18);
    for (const side of [95, 305]) {
      const own = places.filter(({ edge }) => edge === side).sort((one, other) => one.top - other.top);
      own.forEach(({ top }, i) => assert.ok(top >= (i ? own[i - 1].top + 20 : 0) - 1e-9 && top + 20 <= 200));
      for (const [i, one] of own.entries()) {
        for (const other of own.slice(i + 1)) assert.ok(!cross(one, other), `${one.text} crosses ${other.text}`);
      }
    }
  });
}

test("where there is not room for all, the largest regions have names", () => {
  const names = Array.from({ length: 30 }, (_, i) => name(String(i), 200 + i, 5 * i, i));
  const kept = placeNames(names, ROOM).map(({ size }) => size);
  assert.deepEqual(kept.sort((one, other) => one - other), Array.from({ length: 20 }, (_, i) => i + 10));
  assert.deepEqual(placeNames(names, { ...ROOM, bottom: -10 }), []);
});

/**
 * Whether two lines, each from a name to its spot, cross.
 * @param {import("../../parsing/web/viewer/names.js").PlacedName} one
 * @param {import("../../parsing/web/viewer/names.js").PlacedName} other
 */
function cross(one, other) {
  /** @param {typeof one} line */
  const ends = ({ edge, top, x, y }) => [[edge, top + 10], [x, y]];
  const [[a, b], [c, d]] = [ends(one), ends(other)];
  /** @param {number[]} p @param {number[]} q @param {number[]} r */
  const turn = (p, q, r) => Math.sign((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]));
  return turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0;
}
