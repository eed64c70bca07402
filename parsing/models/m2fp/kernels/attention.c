/* Masked attention (Mask2Former, arXiv 2112.01527, section 3.2.1) of a few queries to many keys, in one pass over the keys.

A block of keys at a time: products with the queries, their softmax so far, products with the values; what was summed before is scaled
when a larger product turns up (arXiv 2205.14135). Queries lie side by side in vectors, so that each has its softmax in a lane of its
own. */

#include <math.h>
#include <string.h>
#include "vectors.h"

enum { VECTORS = REGISTERS == 32 ? 7 : 3, SPAN = VECTORS * LANES, ROWS = 3, BLOCK = 24, MOST_CHANNELS = 64 };

int attention_most_channels(void) { return MOST_CHANNELS; }

/* c (rows, SPAN) += a times b (depth, SPAN); a's rows are `stride` apart, and the entries of a row `step`. */
static inline __attribute__((always_inline)) void add_rows(int rows, int depth, const float *a, int stride, int step, const float *b, float *c)
{
    floats sums[ROWS][VECTORS];
    for (int row = 0; row < rows; row++)
        for (int n = 0; n < VECTORS; n++)
            sums[row][n] = load(c + row * SPAN + n * LANES);
    for (int k = 0; k < depth; k++)
        for (int n = 0; n < VECTORS; n++) {
            floats right = load(b + k * SPAN + n * LANES);
            for (int row = 0; row < rows; row++)
                sums[row][n] += a[row * stride + k * step] * right;
        }
    for (int row = 0; row < rows; row++)
        for (int n = 0; n < VECTORS; n++)
            store(c + row * SPAN + n * LANES, sums[row][n]);
}

static void add_product(int rows, int depth, const float *a, int stride, int step, const float *b, float *c)
{
    int row = 0;
    for (; row + ROWS <= rows; row += ROWS)
        add_rows(ROWS, depth, a + row * stride, stride, step, b, c + row * SPAN);
    for (; row < rows; row++)
        add_rows(1, depth, a + row * stride, stride, step, b, c + row * SPAN);
}

/* `count` rows of `channels`, `width` entries apart, to float32 without gaps. */
static void gather(const char *from, int half, int count, int width, int channels, float *to)
{
    for (int row = 0; row < count; row++)
        for (int channel = 0; channel < channels; channel += LANES) {
            size_t place = (size_t)row * width + channel;
            store(to + row * channels + channel, half ? load_half(from + place * 2) : load((const float *)from + place));
        }
}

static const float HIDDEN = -1e30f;

typedef struct {
    float queries[MOST_CHANNELS * SPAN], sums[MOST_CHANNELS * SPAN]; /* (channels, SPAN) */
    float highest[SPAN], weights[SPAN];                              /* of each query: its largest product, the sum of its weights */
    float products[BLOCK * SPAN], keys[BLOCK * MOST_CHANNELS], values[BLOCK * MOST_CHANNELS];
} __attribute__((aligned(64))) Scratch;

/* The products of one block become weights, and what was summed before is scaled to match. `mask_logits` has rows of `stride`.

A hidden place has a product so low that its weight is 1e-38 as soon as a query has seen another, and what it counted until then is
scaled by as much. */
static void update_softmax(Scratch *scratch, const float *mask_logits, int stride, const float *threshold, int keys, int queries,
                           int channels)
{
    const floats hidden = (floats){0} + HIDDEN;
    for (int n = 0; n < SPAN; n += LANES) {
        floats before = load(scratch->highest + n), highest = before, limit = load(threshold + n);
        int known = queries - n < LANES ? queries - n : LANES;
        for (int key = 0; key < keys; key++) {
            float part[LANES] = {0};
            const float *row = mask_logits + (size_t)key * stride + n;
            if (known < LANES) {
                for (int lane = 0; lane < known; lane++)
                    part[lane] = row[lane];
                row = part;
            }
            floats product = load(scratch->products + key * SPAN + n);
            product += where(load(row) < limit, hidden);
            highest = larger(product, highest);
            store(scratch->products + key * SPAN + n, product);
        }
        floats scale = exponential(before - highest), weights = load(scratch->weights + n) * scale;
        for (int key = 0; key < keys; key++) {
            floats weight = exponential(load(scratch->products + key * SPAN + n) - highest);
            weights += weight;
            store(scratch->products + key * SPAN + n, weight);
        }
        for (int channel = 0; channel < channels; channel++)
            store(scratch->sums + channel * SPAN + n, load(scratch->sums + channel * SPAN + n) * scale);
        store(scratch->highest + n, highest);
        store(scratch->weights + n, weights);
    }
}

/* out (pictures, queries, heads * channels) float32 from queries likewise and keys and values (pictures, places, heads * channels),
bfloat16 with `half`.

mask_logits (pictures, places, queries): a query sees the places where these are at least `threshold` (pictures, queries); there must
be some.
channels is a multiple of LANES, at most MOST_CHANNELS. */
void masked_attention(const char *queries, const char *keys, const char *values, const float *mask_logits, const float *threshold,
                      float *out, int half, int pictures, int query_count, int places, int heads, int channels, int threads)
{
    int width = heads * channels, groups = (query_count + SPAN - 1) / SPAN, size = half ? 2 : 4;
    float shrink = 1 / sqrtf(channels);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int task = 0; task < pictures * groups * heads; task++) {
        int head = task % heads, first = task / heads % groups * SPAN, picture = task / heads / groups;
        int count = query_count - first < SPAN ? query_count - first : SPAN;
        size_t row = (size_t)picture * query_count + first;
        float own[MOST_CHANNELS], limits[SPAN] = {0};
        Scratch scratch;
        memset(&scratch, 0, sizeof scratch);
        memcpy(limits, threshold + row, count * sizeof(float));
        for (int query = 0; query < count; query++) {
            gather(queries + ((row + query) * width + head * channels) * size, half, 1, width, channels, own);
            for (int channel = 0; channel < channels; channel++)
                scratch.queries[channel * SPAN + query] = own[channel] * shrink;
        }
        for (int n = 0; n < SPAN; n++)
            scratch.highest[n] = HIDDEN;
        for (int place = 0; place < places; place += BLOCK) {
            int here = places - place < BLOCK ? places - place : BLOCK;
            size_t start = (size_t)picture * places + place, byte = (start * width + head * channels) * size;
            gather(keys + byte, half, here, width, channels, scratch.keys);
            gather(values + byte, half, here, width, channels, scratch.values);
            memset(scratch.products, 0, here * SPAN * sizeof(float));
            add_product(here, channels, scratch.keys, channels, 1, scratch.queries, scratch.products);
            update_softmax(&scratch, mask_logits + start * query_count + first, query_count, limits, here, count, channels);
            add_product(channels, here, scratch.values, 1, channels, scratch.products, scratch.sums);
        }
        for (int query = 0; query < count; query++)
            for (int channel = 0; channel < channels; channel++)
                out[(row + query) * width + head * channels + channel] = scratch.sums[channel * SPAN + query] / scratch.weights[query];
    }
}
