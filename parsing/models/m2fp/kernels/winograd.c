/* 3x3 convolution with stride 1 by Winograd's method F(4x4, 3x3) (Lavin and Gray, arXiv 1509.09308): 36 instead of 144
multiplications for 4x4 results.

A tile of 6x6 inputs becomes 36 frequencies, in each of which the convolution is a product over the channels; 36 frequencies of the
output become a tile of 4x4. A block of tiles passes through all three steps before the next one is begun, so that what lies between
them stays in the cache. The weights are transformed anew in every call: that takes a tenth of a millisecond, keeping them would
take four times their memory. */

#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include "vectors.h"

enum { FREQUENCIES = 36, PANEL = 2 * LANES, MOST_ROWS = REGISTERS == 32 ? 14 : 6 };

int kernel_lanes(void) { return LANES; }

/* (rows, PANEL) of c: the product of a, (rows, depth), and b, (depth, PANEL), kept in registers. */
static inline __attribute__((always_inline)) void multiply_panel(
    int rows, int depth, const float *restrict a, const float *restrict b, float *restrict c, int c_stride)
{
    floats sums[MOST_ROWS][2];
    for (int row = 0; row < rows; row++)
        sums[row][0] = sums[row][1] = (floats){0};
    for (int k = 0; k < depth; k++) {
        floats left = load(b + (size_t)k * PANEL), right = load(b + (size_t)k * PANEL + LANES);
        for (int row = 0; row < rows; row++) {
            float x = a[(size_t)row * depth + k];
            sums[row][0] += x * left;
            sums[row][1] += x * right;
        }
    }
    for (int row = 0; row < rows; row++) {
        store(c + (size_t)row * c_stride, sums[row][0]);
        store(c + (size_t)row * c_stride + LANES, sums[row][1]);
    }
}

/* c (rows, columns) = a (rows, depth) times b (columns / PANEL, depth, PANEL). */
static void multiply(int rows, int depth, int columns, const float *a, const float *b, float *c)
{
    int parts = (rows + MOST_ROWS - 1) / MOST_ROWS;
    for (int column = 0; column < columns; column += PANEL)
        for (int part = 0; part < parts; part++) {
            int first = rows * part / parts, count = rows * (part + 1) / parts - first;
            const float *a_part = a + (size_t)first * depth, *b_panel = b + (size_t)column * depth;
            float *c_part = c + (size_t)first * columns + column;
            switch (count) { /* a number of rows that the compiler knows: sums stay in registers */
#define ROWS(n) case n: multiply_panel(n, depth, a_part, b_panel, c_part, columns); break;
                ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6)
#if defined(__AVX512F__) || defined(__aarch64__)
                ROWS(7) ROWS(8) ROWS(9) ROWS(10) ROWS(11) ROWS(12) ROWS(13) ROWS(14)
#endif
#undef ROWS
            }
        }
}

/* Each of the three transforms is the same step down the columns, then along the rows. */

static inline void weight_step(floats g0, floats g1, floats g2, floats out[6])
{
    floats outer = (g0 + g2) * (-1 / 6.f), wide = g0 * (1 / 24.f) + g2 * (1 / 6.f);
    out[0] = g0 * (1 / 4.f);
    out[1] = outer - g1 * (1 / 6.f);
    out[2] = outer + g1 * (1 / 6.f);
    out[3] = wide + g1 * (1 / 12.f);
    out[4] = wide - g1 * (1 / 12.f);
    out[5] = g2;
}

static inline void input_step(const floats d[6], floats out[6])
{
    floats even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1], near = d[4] - d[2], far = 2 * (d[3] - d[1]);
    out[0] = 4 * d[0] - 5 * d[2] + d[4];
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = near + far;
    out[4] = near - far;
    out[5] = 4 * d[1] - 5 * d[3] + d[5];
}

static inline void output_step(const floats m[6], floats out[4])
{
    floats sum = m[1] + m[2], difference = m[1] - m[2], far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    out[0] = m[0] + sum + far_sum;
    out[1] = difference + 2 * far_difference;
    out[2] = sum + 4 * far_sum;
    out[3] = difference + 8 * far_difference + m[5];
}

/* weight (3, 3, inputs, outputs) to u (36, outputs / PANEL, inputs, PANEL); each thread does a share, along which it writes without
gaps. */
static void transform_weight(const float *weight, int inputs, int outputs, float *u)
{
    size_t area = (size_t)inputs * outputs;
    int shares = inputs / LANES;
#pragma omp for schedule(static)
    for (int task = 0; task < outputs / PANEL * shares; task++) {
        int panel = task / shares, first = task % shares * LANES;
        for (int input = first; input < first + LANES; input++)
            for (int lane = 0; lane < PANEL; lane += LANES) {
                const float *from = weight + (size_t)input * outputs + panel * PANEL + lane;
                float *to = u + ((size_t)panel * inputs + input) * PANEL + lane;
                floats columns[3][6], row[6];
                for (int j = 0; j < 3; j++)
                    weight_step(load(from + j * area), load(from + (3 + j) * area), load(from + (6 + j) * area), columns[j]);
                for (int i = 0; i < 6; i++) {
                    weight_step(columns[0][i], columns[1][i], columns[2][i], row);
                    for (int j = 0; j < 6; j++)
                        store(to + (i * 6 + j) * area, row[j]);
                }
            }
    }
}

/* The 6x6 pixels from (top, left) of x (height, width, channels), zero outside, to 36 rows of v, `stride` apart. */
static inline __attribute__((always_inline)) void transform_input(
    const char *x, const float *zeros, int half, int height, int width, int channels, int top, int left, float *v, size_t stride)
{
    const size_t size = half ? 2 : 4;
    const char *pixels[6][6];
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++) {
            int y = top + i, z = left + j, inside = y >= 0 && y < height && z >= 0 && z < width;
            pixels[i][j] = inside ? x + ((size_t)y * width + z) * channels * size : (const char *)zeros;
        }
    for (int channel = 0; channel < channels; channel += LANES) {
        floats columns[6][6], row[6];
        for (int j = 0; j < 6; j++) {
            floats column[6];
            for (int i = 0; i < 6; i++)
                column[i] = half ? load_half(pixels[i][j] + channel * size) : load((const float *)(pixels[i][j] + channel * size));
            input_step(column, columns[j]);
        }
        for (int i = 0; i < 6; i++) {
            floats across[6] = {columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i], columns[5][i]};
            input_step(across, row);
            for (int j = 0; j < 6; j++)
                store(v + (i * 6 + j) * stride + channel, row[j]);
        }
    }
}

/* 36 rows of m, `stride` apart, to the 4x4 pixels from (top, left) of y (height, width, channels), as far as they lie inside. */
static inline __attribute__((always_inline)) void transform_output(
    const float *m, size_t stride, const float *bias, int activate, char *y, int half, int height, int width, int channels, int top, int left)
{
    const size_t size = half ? 2 : 4;
    int rows = height - top < 4 ? height - top : 4, across = width - left < 4 ? width - left : 4;
    for (int channel = 0; channel < channels; channel += LANES) {
        floats columns[6][4], row[4], shift = bias ? load(bias + channel) : (floats){0};
        for (int j = 0; j < 6; j++) {
            floats column[6];
            for (int i = 0; i < 6; i++)
                column[i] = load(m + (i * 6 + j) * stride + channel);
            output_step(column, columns[j]);
        }
        for (int i = 0; i < rows; i++) {
            floats frequencies[6] = {columns[0][i], columns[1][i], columns[2][i], columns[3][i], columns[4][i], columns[5][i]};
            output_step(frequencies, row);
            for (int j = 0; j < across; j++) {
                floats value = row[j] + shift;
                char *to = y + (((size_t)(top + i) * width + left + j) * channels + channel) * size;
                value = activate ? relu(value) : value;
                if (half)
                    store_half(to, value);
                else
                    store((float *)to, value);
            }
        }
    }
}

/* y (pictures, height, width, outputs) from x (pictures, height, width, inputs) and weight (3, 3, inputs, outputs), with a border of
zeros, so that y is as large as x; `bias` (outputs) may be null; `activate` applies ReLU; with `half`, x and y are bfloat16.

inputs is a multiple of LANES, outputs of PANEL. `block` tiles are worked on at a time. `scratch` has room for
inputs + 36 * (inputs * outputs + threads * block * (inputs + outputs)) floats. */
void winograd_convolve(const char *x, const float *weight, const float *bias, char *y, float *scratch, int half, int pictures,
                       int height, int width, int inputs, int outputs, int activate, int block, int threads)
{
    int across = (width + 3) / 4, in_picture = across * ((height + 3) / 4), tiles = pictures * in_picture;
    size_t picture_bytes = (size_t)height * width * (half ? 2 : 4), v_stride = (size_t)block * inputs, m_stride = (size_t)block * outputs;
    float *zeros = scratch, *u = zeros + inputs, *rooms = u + (size_t)FREQUENCIES * inputs * outputs;
    memset(zeros, 0, inputs * sizeof(float));
#pragma omp parallel num_threads(threads)
    {
        int thread = 0;
#ifdef _OPENMP
        thread = omp_get_thread_num();
#endif
        float *v = rooms + thread * FREQUENCIES * (v_stride + m_stride), *m = v + FREQUENCIES * v_stride;
        transform_weight(weight, inputs, outputs, u);
#pragma omp for schedule(static)
        for (int first = 0; first < tiles; first += block) {
            int count = tiles - first < block ? tiles - first : block;
            for (int n = 0; n < count; n++) {
                const char *picture = x + (first + n) / in_picture * picture_bytes * inputs;
                int tile = (first + n) % in_picture, top = tile / across * 4 - 1, left = tile % across * 4 - 1;
                float *to = v + (size_t)n * inputs;
                if (half) /* each a copy of the function that knows which */
                    transform_input(picture, zeros, 1, height, width, inputs, top, left, to, v_stride);
                else
                    transform_input(picture, zeros, 0, height, width, inputs, top, left, to, v_stride);
            }
            for (int f = 0; f < FREQUENCIES; f++)
                multiply(count, inputs, outputs, v + f * v_stride, u + (size_t)f * inputs * outputs, m + f * m_stride);
            for (int n = 0; n < count; n++) {
                char *picture = y + (first + n) / in_picture * picture_bytes * outputs;
                int tile = (first + n) % in_picture, top = tile / across * 4, left = tile % across * 4;
                const float *from = m + (size_t)n * outputs;
                if (half)
                    transform_output(from, m_stride, bias, activate, picture, 1, height, width, outputs, top, left);
                else
                    transform_output(from, m_stride, bias, activate, picture, 0, height, width, outputs, top, left);
            }
        }
    }
}
