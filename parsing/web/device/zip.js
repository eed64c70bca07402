// A ZIP archive of files as they are, without compression (PKWARE's APPNOTE.TXT), and the checksum that it shares with PNG.
const DATE = (1 << 5) | 1; // 1 January 1980: the same parsing gives the same bytes

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let sum = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) sum = TABLE[(sum ^ bytes[i]) & 255] ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

/** The archive's bytes. @param {Record<string, Uint8Array>} files by name */
export function zip(files) {
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Uint8Array[]} */
  const entries = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const title = new TextEncoder().encode(name);
    // Version, flags, method, time, date, checksum, both sizes, length of the name, no extra field.
    /** @type {[number, number][]} */
    const sizes = [[crc32(content), 4], [content.length, 4], [content.length, 4], [title.length, 2], [0, 2]];
    /** @type {[number, number][]} */
    const facts = [[20, 2], [0, 2], [0, 2], [0, 2], [DATE, 2], ...sizes];
    entries.push(numbers([0x02014b50, 4], [20, 2], ...facts, [0, 2], [0, 2], [0, 2], [0, 4], [offset, 4]), title);
    const header = numbers([0x04034b50, 4], ...facts);
    parts.push(header, title, content);
    offset += header.length + title.length + content.length;
  }
  const size = entries.reduce((sum, { length }) => sum + length, 0);
  const count = entries.length / 2;
  const end = numbers([0x06054b50, 4], [0, 4], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2]);
  return join([...parts, ...entries, end]);
}

/** Whole numbers of two or four bytes, the lowest byte first. @param {[value: number, bytes: number][]} values */
function numbers(...values) {
  return Uint8Array.from(
    values.flatMap(([value, bytes]) => Array.from({ length: bytes }, (_, place) => (value >>> (8 * place)) & 255)),
  );
}

/** @param {Uint8Array[]} parts */
function join(parts) {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
