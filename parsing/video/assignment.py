"""The best pairs between two small sets: the Hungarian method, by shortest augmenting paths (Jonker and Volgenant 1987)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best_pairs(worth: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The pairs of rows and columns, each in one pair at most, that are worth most together.

    Args:
        worth: (rows, columns), what each pair is worth.

    Returns:
        As many pairs (row, column) as the smaller side has members, by row.
    """
    if worth.shape[0] > worth.shape[1]:
        return sorted((row, column) for column, row in best_pairs(worth.T))
    rows, columns = worth.shape
    costs = -worth
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    for newcomer in range(rows):
        # A shortest path from the newcomer to a free column; on it, rows change their columns.
        distance, reached_from = np.full(columns, np.inf), np.full(columns, -1)
        done = np.zeros(columns, bool)
        row, before, lowest = newcomer, -1, 0.0
        seen_rows = [(newcomer, 0.0)]
        while True:
            further = lowest + costs[row] - row_price[row] - column_price
            nearer = ~done & (further < distance)
            distance[nearer], reached_from[nearer] = further[nearer], before
            column = int(np.where(done, np.inf, distance).argmin())
            lowest, done[column] = float(distance[column]), True
            if row_of[column] < 0:
                break
            before, row = column, int(row_of[column])
            seen_rows.append((row, lowest))
        for seen, at in seen_rows:
            row_price[seen] += lowest - at
        column_price[done] -= lowest - distance[done]
        while column >= 0:
            previous = int(reached_from[column])
            row_of[column] = row_of[previous] if previous >= 0 else newcomer
            column = previous
    return sorted((int(row), column) for column, row in enumerate(row_of) if row >= 0)
