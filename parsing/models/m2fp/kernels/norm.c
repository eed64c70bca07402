/* Layer normalisation (arXiv 1607.06450) of a sum, in one pass. */

#include <math.h>
#include "vectors.h"

/* out (rows, width): x + added, less its mean in each row, over its deviation, times weight, plus bias.

width is a multiple of LANES; with `half`, `added` is bfloat16. */
void norm_of_sum(const float *x, const char *added, const float *weight, const float *bias, float *out, int half, float epsilon, int rows,
                 int width, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int row = 0; row < rows; row++) {
        size_t start = (size_t)row * width;
        float *sum = out + start;
        floats sums = {0}, squares = {0};
        for (int n = 0; n < width; n += LANES) {
            floats value = load(x + start + n) + (half ? load_half(added + (start + n) * 2) : load((const float *)added + start + n));
            store(sum + n, value);
            sums += value;
        }
        float mean = total(sums) / width;
        for (int n = 0; n < width; n += LANES) {
            floats difference = load(sum + n) - mean;
            squares += difference * difference;
        }
        float scale = 1 / sqrtf(total(squares) / width + epsilon);
        for (int n = 0; n < width; n += LANES)
            store(sum + n, (load(sum + n) - mean) * scale * load(weight + n) + load(bias + n));
    }
}
