// PNG, ZIP and run lengths, read again by other means than those that wrote them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";
import { compress, makeFile, outline } from "../../parsing/web/device/files.js";
import { encodeGray, encodeIndexed, encodeMask } from "../../parsing/web/device/png.js";
import { crc32, zip } from "../../parsing/web/device/zip.js";

const TABLE = ["Background", "Hat", "Hair"].map((name, index) => ({ index, name, group: "head" }));

/** The chunks of a PNG by name, each with its checksum proven. @param {Uint8Array} png */
function chunksOf(png) {
  const view = new DataView(png.buffer, png.byteOffset);
  assert.deepEqual([...png.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  /** @type {Record<string, Uint8Array>} */
  const chunks = {};
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    const name = new TextDecoder().decode(png.subarray(at + 4, at + 8));
    chunks[name] = png.subarray(at + 8, at + 8 + length);
    assert.equal(view.getUint32(at + 8 + length), crc32(png.subarray(at + 4, at + 8 + length)));
    at += 12 + length;
  }
  return chunks;
}

test("the checksum is the one that PNG and ZIP ask for", () => {
  assert.equal(crc32(new TextEncoder().encode("123456789")), 0xcbf43926);
});

test("a label map becomes an indexed PNG with its palette", async () => {
  const labels = Uint8Array.of(0, 1, 2, 2, 1, 0);
  const chunks = chunksOf(await encodeIndexed({ labels, width: 3, height: 2 }, [[0, 0, 0], [1, 2, 3], [4, 5, 6]]));
  assert.deepEqual([...chunks.IHDR], [0, 0, 0, 3, 0, 0, 0, 2, 8, 3, 0, 0, 0]);
  assert.deepEqual([...chunks.PLTE], [0, 0, 0, 1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...inflateSync(chunks.IDAT)], [0, 0, 1, 2, 0, 2, 1, 0]);
  assert.equal(chunks.IEND.length, 0);
});

test("a mask has one bit a pixel, the first in the highest", async () => {
  const chunks = chunksOf(await encodeMask((pixel) => pixel % 2 === 0, 9, 2));
  assert.deepEqual([...chunks.IHDR.subarray(8, 10)], [1, 0]);
  assert.deepEqual([...inflateSync(chunks.IDAT)], [0, 0b10101010, 0b10000000, 0, 0b01010101, 0]);
});

test("a soft mask has a byte a pixel", async () => {
  const chunks = chunksOf(await encodeGray(Uint8Array.of(0, 85, 170, 255), 2, 2));
  assert.deepEqual([...chunks.IHDR.subarray(8, 10)], [8, 0]);
  assert.deepEqual([...inflateSync(chunks.IDAT)], [0, 0, 85, 0, 170, 255]);
});

test("an archive holds the files as they are, found by its directory", () => {
  const archive = zip({ "a.txt": Uint8Array.of(1, 2, 3), "b/é.txt": new Uint8Array() });
  const view = new DataView(archive.buffer);
  const end = archive.length - 22;
  assert.equal(view.getUint32(end, true), 0x06054b50);
  assert.equal(view.getUint16(end + 10, true), 2);
  const directory = view.getUint32(end + 16, true);
  assert.equal(view.getUint32(directory, true), 0x02014b50);
  assert.equal(view.getUint32(directory + 16, true), crc32(Uint8Array.of(1, 2, 3)));
  const header = view.getUint32(directory + 42, true);
  assert.deepEqual([...archive.subarray(header + 30 + 5, header + 30 + 8)], [1, 2, 3]);
  assert.equal(new TextDecoder().decode(archive.subarray(header + 30, header + 35)), "a.txt");
});

for (const { counts, text } of [
  { counts: [6, 1, 40, 4, 5, 4, 5, 4, 21], text: "61X13mN000`0" }, // the example in COCO's own maskApi.c
  { counts: [0, 6], text: "06" },
  { counts: [100], text: "T3" },
]) {
  test(`run lengths ${counts} are written as ${text}`, () => assert.equal(compress(counts), text));
}

test("box, area and run lengths go down the columns", () => {
  const found = outline(Uint8Array.of(0, 1, 0, 0, 1, 1), Boolean, 3, 2);
  assert.deepEqual(found, { box: [1, 0, 3, 2], area: 3, rle: { size: [2, 3], counts: compress([2, 2, 1, 1]) } });
  assert.deepEqual(outline(new Uint8Array(2), Boolean, 2, 1).box, [0, 0, 0, 0]);
});

test("a file holds what is ticked of the chosen person, who becomes number 1", async () => {
  const maps = Uint8Array.of(1, 2, 2, 0, 1, 1, 2, 0); // labels, then people
  const people = [{ score: 0.9, parts: [0, 0.5, 0.6] }, { score: 0.8, parts: [0, 0.1, 0.7] }];
  const found = { maps, people, timings: { parse: 1.005 }, width: 4, height: 1 };
  const usual = /** @type {[number, number, number][]} */ ([[0, 0, 0], [1, 1, 1], [2, 2, 2]]);
  const wanted = { form: "json", parts: ["Hair"], person: 2, grow: 0, feather: 0, palette: usual, usual, table: TABLE };
  const { name, blob } = await makeFile(found, wanted);
  const said = JSON.parse(await blob.text());
  assert.equal(name, "parsing.parsing.json");
  assert.deepEqual(said.parts.map((/** @type {any} */ part) => [part.name, part.person, part.area, part.score]), [["Hair", 1, 1, 0.7]]);
  assert.deepEqual(said.people.map((/** @type {any} */ person) => person.box), [[2, 0, 3, 1]]);
});
