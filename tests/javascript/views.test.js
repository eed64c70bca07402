// Drawing follows the rule that parsing/render.py states, pixel by pixel; that both give the same pictures is proven in the browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LabelMap, borders, chooseKeys } from "../../parsing/web/viewer/label_map.js";
import { changedBox, compose } from "../../parsing/web/viewer/views.js";

const COLORS = /** @type {[number, number, number][]} */ (Array.from({ length: 20 }, (_, part) => [part, 10 * part, 255 - part]));
const PHOTO = Uint32Array.of(0xff030201, 0xff060504, 0xff090807, 0xff0c0b0a);
const MAPS = Uint8Array.of(0, 1, 2, 2, 0, 1, 1, 2); // labels, then people
const SETTING = { parts: [1, 2], person: 0, view: "overlay", opacity: 0.6, colors: COLORS, grow: 0, feather: 0 };

/** @param {Partial<typeof SETTING>} setting */
function draw(setting) {
  const map = new LabelMap(4, 1, PHOTO, MAPS);
  const out = new Uint32Array(4);
  compose(map, { ...SETTING, ...setting }, out, map.whole);
  return [...out];
}

/** @param {number} photo @param {[number, number, number]} color @param {number} share */
function mix(photo, color, share) {
  const channels = color.map((value, place) => (((photo >>> (8 * place)) & 255) * (256 - share) + value * share + 128) >> 8);
  return (0xff000000 | (channels[2] << 16) | (channels[1] << 8) | channels[0]) >>> 0;
}

for (const opacity of [0, 0.35, 0.6, 1]) {
  test(`at opacity ${opacity} colours are blended by whole numbers`, () => {
    const share = Math.floor(opacity * 256 + 0.5);
    const expected = [PHOTO[0], mix(PHOTO[1], COLORS[1], share), mix(PHOTO[2], COLORS[2], share), mix(PHOTO[3], COLORS[2], share)];
    assert.deepEqual(draw({ opacity }), expected);
  });
}

test("a map has flat colours on black", () => {
  assert.deepEqual(draw({ view: "map", parts: [1] }), [0xff000000, 0xfffe0a01, 0xff000000, 0xff000000]);
});

test("a cut-out keeps what is chosen and leaves nothing else", () => {
  assert.deepEqual(draw({ view: "cutout", parts: [2], person: 2 }), [0, 0, 0, PHOTO[3]]);
});

test("outlines lie inside of a part, where another is within reach", () => {
  const flat = COLORS.map((color) => mix(0, color, 256));
  assert.deepEqual(draw({ view: "outlines" }), [PHOTO[0], flat[1], flat[2], flat[2]]);
});

test("a photo is counted by class, by person and by wearer", () => {
  const map = new LabelMap(4, 1, PHOTO, MAPS);
  assert.deepEqual(map.classCounts(0).slice(0, 3), [1, 1, 2]);
  assert.deepEqual(map.classCounts(1).slice(0, 3), [0, 1, 1]);
  assert.deepEqual(map.wearers(2).slice(0, 3), [0, 1, 2]);
  assert.deepEqual(map.boxOf([2]), { x0: 2, y0: 0, x1: 4, y1: 1 });
  assert.deepEqual(map.boxOf([2], 1), { x0: 1, y0: 0, x1: 4, y1: 1 });
  assert.equal(map.found, true);
});

test("only what a setting changes is drawn again", () => {
  const map = new LabelMap(4, 1, PHOTO, MAPS);
  assert.deepEqual(changedBox(map, null, SETTING), map.whole);
  assert.deepEqual(changedBox(map, SETTING, { ...SETTING, view: "map" }), map.whole);
  assert.deepEqual(changedBox(map, SETTING, { ...SETTING, parts: [2] }), { x0: 1, y0: 0, x1: 2, y1: 1 });
  assert.deepEqual(changedBox(map, SETTING, { ...SETTING, opacity: 0.5 }), { x0: 1, y0: 0, x1: 4, y1: 1 });
});

test("borders of one region show where it ends", () => {
  const map = new LabelMap(4, 1, PHOTO, MAPS);
  assert.deepEqual([...borders(map, chooseKeys([1, 2], 0), () => 1, map.whole)], [1, 1, 0, 0]);
});

test("what a person wears gets another colour, its light and shade kept", () => {
  const red = COLORS.map(() => /** @type {[number, number, number]} */ ([200, 0, 0]));
  const [, , second, third] = draw({ view: "recolor", colors: red, parts: [2] });
  assert.deepEqual([second, third], [0xff0000c8, 0xff0000c8]); // two people, each as bright as its own mean
});

test("a part that is blurred or pixelated takes from around it, and the rest stays", () => {
  for (const view of ["blur", "pixelate"]) {
    const drawn = draw({ view, parts: [1] });
    assert.deepEqual([drawn[0], drawn[2], drawn[3]], [PHOTO[0], PHOTO[2], PHOTO[3]]);
    assert.notEqual(drawn[1], PHOTO[1]);
  }
});

test("edges grow over what is not chosen, and fade", () => {
  assert.deepEqual(draw({ view: "map", parts: [1], grow: 1, opacity: 1 }), [0xfffe0a01, 0xfffe0a01, 0xfffe0a01, 0xff000000]);
  const [, , faded] = draw({ view: "cutout", parts: [1], feather: 1 });
  assert.equal(faded >>> 24, 85); // a third of the square
  assert.deepEqual(draw({ view: "cutout", parts: [1], grow: -1 }), [0, 0, 0, 0]);
});
