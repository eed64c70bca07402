/* A mask's logits brought to the photo's columns, then to its rows, and what is read from them there; the label map that grows from
them.

Row n of the photo mixes four of the network's: `rows` and `shares`, both (height, 4). */

#include "vectors.h"

enum { TAPS = 4 };

typedef unsigned char bytes __attribute__((vector_size(LANES), aligned(1), may_alias));

typedef struct {
    const float *rows[TAPS];
    float shares[TAPS];
} Mix;

static inline Mix mix_of(const float *logits, const long long *rows, const float *shares, int row, int width)
{
    Mix mix;
    for (int tap = 0; tap < TAPS; tap++) {
        mix.rows[tap] = logits + rows[row * TAPS + tap] * width;
        mix.shares[tap] = shares[row * TAPS + tap];
    }
    return mix;
}

static inline floats mixed(const Mix *mix, int column)
{
    floats sum = mix->shares[0] * load(mix->rows[0] + column);
    for (int tap = 1; tap < TAPS; tap++)
        sum += mix->shares[tap] * load(mix->rows[tap] + column);
    return sum;
}

/* 1 where the condition holds, else 0. */
static inline bytes flags(ints condition) { return __builtin_convertvector(condition & 1, bytes); }

/* wide (height, blocks * LANES) from mask (height, width): a block mixes `depth` columns from `first` (blocks) on, by shares
(blocks, depth, LANES). */
void masks_widen(const float *mask, const int *first, const float *shares, float *wide, int height, int width, int blocks, int depth)
{
    for (int row = 0; row < height; row++)
        for (int block = 0; block < blocks; block++) {
            const float *from = mask + (size_t)row * width + first[block], *share = shares + (size_t)block * depth * LANES;
            floats sum = {0};
            for (int n = 0; n < depth; n++)
                sum += from[n] * load(share + n * LANES);
            store(wide + ((size_t)row * blocks + block) * LANES, sum);
        }
}

/* mask (height, width): 1 where the logit is positive, else 0. Returned: the sum of the sigmoid there. `width` is a multiple of LANES in
all of these. */
double masks_read(const float *logits, const long long *rows, const float *shares, int height, int width, unsigned char *mask,
                  int threads)
{
    double sum = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : sum)
    for (int row = 0; row < height; row++) {
        Mix mix = mix_of(logits, rows, shares, row, width);
        floats sums = {0};
        for (int column = 0; column < width; column += LANES) {
            floats x = mixed(&mix, column);
            ints positive = x > (floats){0};
            sums += where(positive, sigmoid(x));
            *(bytes *)(mask + (size_t)row * width + column) = flags(positive);
        }
        sum += total(sums);
    }
    return sum;
}

/* Where sigmoid times score is above `least`, it is added to `sums` and 1 to `counts`, both with rows of `stride`. */
void masks_add(const float *logits, const long long *rows, const float *shares, int height, int width, float score, float least,
               float *sums, unsigned char *counts, int stride, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int row = 0; row < height; row++) {
        Mix mix = mix_of(logits, rows, shares, row, width);
        for (int column = 0; column < width; column += LANES) {
            floats value = sigmoid(mixed(&mix, column)) * score;
            ints counted = value > least;
            float *sum = sums + (size_t)row * stride + column;
            bytes *count = (bytes *)(counts + (size_t)row * stride + column);
            store(sum, load(sum) + where(counted, value));
            *count += flags(counted);
        }
    }
}

/* Ends a class: `label` takes the pixels where its mean, `sums` over `counts`, is above `best`, which becomes that mean; then both are
empty again. All have rows of `stride`. */
void masks_close(float *sums, unsigned char *counts, float *best, unsigned char *labels, int height, int width, int stride, int label,
                 int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column += LANES) {
            size_t place = (size_t)row * stride + column;
            bytes *count = (bytes *)(counts + place), *known = (bytes *)(labels + place);
            floats number = __builtin_convertvector(*count, floats), highest = load(best + place);
            floats mean = load(sums + place) / (number + where(number < 1.f, (floats){0} + 1));
            ints higher = mean > highest;
            store(best + place, where(higher, mean) + where(~higher, highest));
            bytes takes = -flags(higher);
            *known = (takes & (unsigned char)label) | (~takes & *known);
            store(sums + place, (floats){0});
            *count = (bytes){0};
        }
}
