// Weights travel in half precision (IEEE 754, binary16) and are computed with in single precision.

const [SIGN, EXPONENT, FRACTION] = [0x8000, 0x7c00, 0x03ff];

/** The number that 16 bits stand for. @param {number} bits */
function valueOf(bits) {
  const sign = bits & SIGN ? -1 : 1;
  const exponent = (bits & EXPONENT) >> 10;
  const fraction = bits & FRACTION;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24);
}

/** The same numbers in single precision, exactly. @param {Uint8Array<ArrayBuffer>} content little-endian */
export function expandHalves(content) {
  const halves = new Uint16Array(content.buffer, content.byteOffset, content.length / 2);
  const values = Float32Array.from({ length: 1 << 16 }, (_, bits) => valueOf(bits));
  const expanded = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) expanded[i] = values[halves[i]];
  return expanded;
}
