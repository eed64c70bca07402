/* Multi-scale deformable attention (Deformable DETR, arXiv 2010.04159, section 4.1): what each query and head reads at its points.

A point lies between four pixels of its level, which are mixed bilinearly; pixels outside count as zero. A head's points are prepared
side by side in vectors, then summed pixel by pixel in registers, so that memory is read once and nothing is kept for later. */

#include "vectors.h"

enum { MOST_POINTS = 64, CORNERS = 4 }; /* points of a head, on all levels together */

int sample_most_points(void) { return MOST_POINTS; }

typedef struct { /* of the level that each point reads */
    float columns[MOST_POINTS], rows[MOST_POINTS];
    int width[MOST_POINTS], first[MOST_POINTS];
} Levels;

typedef struct { /* where a head samples, and its attention weights */
    float x[MOST_POINTS], y[MOST_POINTS], weights[MOST_POINTS];
} Samples;

/* What each corner of each point counts, and how many bytes into the picture it lies. */
typedef struct {
    float weights[CORNERS][MOST_POINTS];
    int bytes[CORNERS][MOST_POINTS];
} Corners;

static inline float higher(float a, float b) { return a > b ? a : b; }

static inline ints between(ints x, ints low, ints high) { return (x >= low) & (x <= high); }

/* The whole number at or below x, and what is above it; x is -1 or more. */
static inline ints split(floats x, floats *above)
{
    ints whole = __builtin_convertvector(x, ints); /* towards zero */
    whole += __builtin_convertvector(whole, floats) > x;
    *above = x - __builtin_convertvector(whole, floats);
    return whole;
}

/* `sampling` is one query's (3, heads, points): offsets x and y, and attention logits, whose softmax is the attention weights. */
static inline __attribute__((always_inline)) void read_samples(
    const void *sampling, int half, int heads, int head, int points, Samples *samples)
{
    int x = head * points, y = x + heads * points, logits = y + heads * points;
    float first = number_at(sampling, logits, half), highest[4] = {first, first, first, first}, sums[4] = {0};
    for (int n = 0; n < points; n++) { /* four chains of comparisons, and of sums, run side by side */
        samples->x[n] = number_at(sampling, x + n, half);
        samples->y[n] = number_at(sampling, y + n, half);
        samples->weights[n] = number_at(sampling, logits + n, half);
        highest[n % 4] = higher(highest[n % 4], samples->weights[n]);
    }
    float most = higher(higher(highest[0], highest[1]), higher(highest[2], highest[3]));
    for (int n = 0; n < points; n += LANES)
        store(samples->weights + n, exponential(load(samples->weights + n) - most));
    for (int n = 0; n < points; n++)
        sums[n % 4] += samples->weights[n];
    float share = 1 / (sums[0] + sums[1] + sums[2] + sums[3]);
    for (int n = 0; n < points; n += LANES)
        store(samples->weights + n, load(samples->weights + n) * share);
}

static inline __attribute__((always_inline)) void find_corners(
    const Levels *levels, int points, const float *point, const Samples *samples, int token_bytes, Corners *corners)
{
    for (int n = 0; n < points; n += LANES) {
        floats columns = load(levels->columns + n), rows = load(levels->rows + n), right_share, bottom_share;
        floats x = point[0] * columns - 0.5f + load(samples->x + n), y = point[1] * rows - 0.5f + load(samples->y + n);
        floats share = where((x > -1.f) & (x < columns) & (y > -1.f) & (y < rows), load(samples->weights + n));
        ints left = split(limited(x, -1 + 0 * x, columns), &right_share), top = split(limited(y, -1 + 0 * y, rows), &bottom_share);
        ints width = *(const ints *)(levels->width + n), first = *(const ints *)(levels->first + n), none = {0};
        ints last_column = width - 1, last_row = __builtin_convertvector(rows, ints) - 1;
        floats bottom = share * bottom_share, top_right = (share - bottom) * right_share, bottom_right = bottom * right_share;
        floats weights[CORNERS] = {share - bottom - top_right, top_right, bottom - bottom_right, bottom_right};
        for (int corner = 0; corner < CORNERS; corner++) {
            ints column = left + (corner & 1), row = top + (corner >> 1);
            ints inside = between(column, none, last_column) & between(row, none, last_row);
            store(corners->weights[corner] + n, where(inside, weights[corner]));
            *(ints *)(corners->bytes[corner] + n) = inside & ((first + row * width + column) * token_bytes);
        }
    }
}

/* The corners' weighted sum, two vectors of channels at a time. */
static inline __attribute__((always_inline)) void sum_corners(
    const Corners *corners, int points, const char *from, int half, int channels, char *to)
{
    for (int channel = 0; channel < channels; channel += 2 * LANES) {
        size_t byte = channel * (half ? 2 : 4);
        floats sums[CORNERS][2] = {{{0}}}, read[2];
        for (int n = 0; n < points; n++)
            for (int corner = 0; corner < CORNERS; corner++) {
                load_two(from + corners->bytes[corner][n] + byte, half, read);
                sums[corner][0] += corners->weights[corner][n] * read[0];
                sums[corner][1] += corners->weights[corner][n] * read[1];
            }
        floats mean[2] = {sums[0][0] + sums[1][0] + sums[2][0] + sums[3][0], sums[0][1] + sums[1][1] + sums[2][1] + sums[3][1]};
        store_two(to + byte, half, mean);
    }
}

/* All heads of one query, whose reference point is `point`. */
static inline __attribute__((always_inline)) void sample_query(
    const char *picture, const char *sampling, const float *point, const Levels *levels, int half, int heads, int points, int channels,
    char *to)
{
    int head_bytes = channels * (half ? 2 : 4);
    Samples samples = {{0}, {0}, {0}};
    Corners corners;
    for (int head = 0; head < heads; head++) {
        read_samples(sampling, half, heads, head, points, &samples);
        find_corners(levels, points, point, &samples, heads * head_bytes, &corners);
        sum_corners(&corners, points, picture + head * head_bytes, half, channels, to + head * head_bytes);
    }
}

/* out (pictures, tokens, heads, channels) from values of the same shape.

sampling (pictures, tokens, 3, heads, levels, points): sampling offsets x and y in pixels of the level, from the reference point, and
attention logits, whose softmax over a head's points is the attention weights.
reference (tokens, 2): each token's own x and y in (0, 1).
sizes (levels, 2): height and width; the tokens are the levels' pixels, one level after the other.
channels is a multiple of 2 * LANES, levels * points at most 64; with `half`, values, sampling and out are bfloat16. */
void deformable_sample(const char *values, const char *sampling, const float *reference, const int *sizes, char *out, int half, int pictures,
                       int tokens, int heads, int level_count, int points, int channels, int threads)
{
    int all = level_count * points;
    size_t token_bytes = (size_t)heads * channels * (half ? 2 : 4), sampling_bytes = (size_t)3 * heads * all * (half ? 2 : 4);
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
        const char *picture = values + (size_t)(query / tokens) * tokens * token_bytes;
        const char *offsets = sampling + query * sampling_bytes;
        const float *point = reference + query % tokens * 2;
        char *to = out + query * token_bytes;
        if (all == 12 && channels == 32 && 32 % (2 * LANES) == 0) { /* M2FP's numbers: loops that know them are faster */
            if (half)
                sample_query(picture, offsets, point, &levels, 1, heads, 12, 32, to);
            else
                sample_query(picture, offsets, point, &levels, 0, heads, 12, 32, to);
        } else
            sample_query(picture, offsets, point, &levels, half, heads, all, channels, to);
    }
}
