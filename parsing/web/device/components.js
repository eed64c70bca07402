// Connected pieces of a mask, neighbours at the corners too, as OpenCV's `connectedComponentsWithStats` gives them.

/** How many cells, and their middle. @typedef {{ cells: number, x: number, y: number }} Piece */

/**
 * Pieces of a mask, number 1 first; `pieceOf` has one number a cell, 0 outside.
 * @param {Uint8Array} mask rows of 0 or 1
 * @param {number} width
 * @param {number} height
 */
export function findPieces(mask, width, height) {
  const pieceOf = new Int32Array(mask.length);
  /** @type {Piece[]} */
  const pieces = [];
  const pending = [];
  for (let seed = 0; seed < mask.length; seed++) {
    if (!mask[seed] || pieceOf[seed]) continue;
    const number = pieces.length + 1;
    const sum = { cells: 0, x: 0, y: 0 };
    pieceOf[seed] = number;
    pending.push(seed);
    while (pending.length) {
      const cell = /** @type {number} */ (pending.pop());
      const [x, y] = [cell % width, Math.floor(cell / width)];
      sum.cells++;
      sum.x += x;
      sum.y += y;
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
        for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
          const near = row * width + column;
          if (!mask[near] || pieceOf[near]) continue;
          pieceOf[near] = number;
          pending.push(near);
        }
      }
    }
    pieces.push({ cells: sum.cells, x: sum.x / sum.cells, y: sum.y / sum.cells });
  }
  return { pieceOf, pieces };
}
