/* Multi-scale deformable attention (Deformable DETR, arXiv 2010.04159, section 4.1): what each query and head reads at its points.

A point lies between four pixels of its level, which are mixed bilinearly; pixels outside count as zero. A head's points are prepared
side by side in vectors, then summed pixel by pixel in registers, so that memory is read once and nothing is kept for later. */

#include "vectors.h"

enum { MOST_POINTS = 64, CORNERS = 4 }; /* points of a head, on all levels together */

typedef struct { /* of the level that each point reads */
    float columns[MOST_POINTS], rows[MOST_POINTS];
    int width[MOST_POINTS], first[MOST_POINTS];
} Levels;

/* What each corner of each point counts, and which of the picture's tokens it is. */
typedef struct {
    float weights[CORNERS][MOST_POINTS];
    int tokens[CORNERS][MOST_POINTS];
} Corners;

static inline ints between(ints x, ints low, ints high) { return (x >= low) & (x <= high); }

/* The whole number at or below x, and what is above it; x is -1 or more. */
static inline ints split(floats x, floats *above)
{
    ints whole = __builtin_convertvector(x, ints); /* towards zero */
    whole += __builtin_convertvector(whole, floats) > x;
    *above = x - __builtin_convertvector(whole, floats);
    return whole;
}

static void find_corners(const Levels *levels, int points, const float *place, const float *x_offsets, const float *y_offsets,
                         const float *shares, Corners *corners)
{
    for (int n = 0; n < points; n += LANES) {
        floats columns = load(levels->columns + n), rows = load(levels->rows + n), right_share, bottom_share;
        floats x = place[0] * columns - 0.5f + load(x_offsets + n), y = place[1] * rows - 0.5f + load(y_offsets + n);
        floats share = where((x > -1.f) & (x < columns) & (y > -1.f) & (y < rows), load(shares + n));
        ints left = split(limited(x, -1 + 0 * x, columns), &right_share), top = split(limited(y, -1 + 0 * y, rows), &bottom_share);
        ints width = *(const ints *)(levels->width + n), first = *(const ints *)(levels->first + n), none = {0};
        ints last_column = width - 1, last_row = __builtin_convertvector(rows, ints) - 1;
        floats bottom = share * bottom_share, top_right = (share - bottom) * right_share, bottom_right = bottom * right_share;
        floats weights[CORNERS] = {share - bottom - top_right, top_right, bottom - bottom_right, bottom_right};
        for (int corner = 0; corner < CORNERS; corner++) {
            ints column = left + (corner & 1), row = top + (corner >> 1);
            ints inside = between(column, none, last_column) & between(row, none, last_row);
            store(corners->weights[corner] + n, where(inside, weights[corner]));
            *(ints *)(corners->tokens[corner] + n) = inside & (first + row * width + column);
        }
    }
}

/* out (pictures, tokens, heads, channels) from values of the same shape.

asked (pictures, tokens, 3, heads, levels, points): x and y in pixels of the level, from the query's own place, and a score, whose
softmax over a head's points is what the point counts.
places (tokens, 2): each token's own x and y in (0, 1).
sizes (levels, 2): height and width; the tokens are the levels' pixels, one level after the other.
channels is a multiple of LANES, levels * points at most 64. */
void deformable_sample(const float *values, const float *asked, const float *places, const int *sizes, float *out, int pictures,
                       int tokens, int heads, int level_count, int points, int channels, int threads)
{
    int all = level_count * points, width = heads * channels;
    Levels levels = {{0}, {0}, {0}, {0}};
    for (int level = 0, n = 0, first = 0; level < level_count; level++) {
        for (int end = n + points; n < end; n++) {
            levels.rows[n] = sizes[2 * level];
            levels.columns[n] = levels.width[n] = sizes[2 * level + 1];
            levels.first[n] = first;
        }
        first += sizes[2 * level] * sizes[2 * level + 1];
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int query = 0; query < pictures * tokens; query++) {
        const float *picture = values + (size_t)(query / tokens) * tokens * width, *request = asked + (size_t)query * 3 * heads * all;
        for (int head = 0; head < heads; head++) {
            float x[MOST_POINTS] = {0}, y[MOST_POINTS] = {0}, shares[MOST_POINTS] = {0};
            const float *scores = request + (2 * heads + head) * all;
            float highest = scores[0], sum = 0;
            for (int n = 0; n < all; n++) {
                x[n] = request[head * all + n];
                y[n] = request[(heads + head) * all + n];
                highest = scores[n] > highest ? scores[n] : highest;
            }
            for (int n = 0; n < all; n++)
                shares[n] = scores[n] - highest;
            for (int n = 0; n < all; n += LANES)
                store(shares + n, exponential(load(shares + n)));
            for (int n = 0; n < all; n++)
                sum += shares[n];
            Corners corners;
            find_corners(&levels, all, places + query % tokens * 2, x, y, shares, &corners);

            for (int channel = 0; channel < channels; channel += LANES) {
                const float *from = picture + head * channels + channel;
                floats mean = {0}, other = {0};
                for (int n = 0; n < all; n++) {
                    mean += corners.weights[0][n] * load(from + (size_t)corners.tokens[0][n] * width);
                    other += corners.weights[1][n] * load(from + (size_t)corners.tokens[1][n] * width);
                    mean += corners.weights[2][n] * load(from + (size_t)corners.tokens[2][n] * width);
                    other += corners.weights[3][n] * load(from + (size_t)corners.tokens[3][n] * width);
                }
                store(out + ((size_t)query * heads + head) * channels + channel, (mean + other) / sum);
            }
        }
    }
}
