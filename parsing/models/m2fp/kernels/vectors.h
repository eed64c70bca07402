/* Vectors of floats as wide as the processor's registers, through the vector types that GCC and Clang share.

A kernel written with them is one source for AVX-512, AVX2 and Arm; the compiler picks the instructions. */

#ifndef VECTORS_H
#define VECTORS_H

#include <stddef.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { LANES = 16, REGISTERS = 32 };
#elif defined(__AVX__)
enum { LANES = 8, REGISTERS = 16 };
#elif defined(__aarch64__)
enum { LANES = 4, REGISTERS = 32 };
#else
enum { LANES = 4, REGISTERS = 16 };
#endif

typedef float floats __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int ints __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

typedef unsigned short halves __attribute__((vector_size(LANES * 2), aligned(2), may_alias));

static inline floats load(const float *from) { return *(const floats *)from; }
static inline void store(float *to, floats x) { *(floats *)to = x; }
static inline floats where(ints condition, floats x) { return (floats)(condition & (ints)x); }

/* bfloat16 is the upper half of a float. To round to the nearest, halfway to even: */
static inline ints rounded(floats x) { return (ints)x + 0x7fff + (((ints)x >> 16) & 1); }

#if defined(__AVX512F__) /* GCC takes several instructions for each of these; the processor has one */
static inline floats larger(floats x, floats y) { return _mm512_max_ps(x, y); }
static inline floats smaller(floats x, floats y) { return _mm512_min_ps(x, y); }

static inline floats load_half(const void *from)
{
    return (floats)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from)), 16);
}

static inline void store_half(void *to, floats x)
{
    _mm256_storeu_si256(to, _mm512_cvtepi32_epi16((__m512i)(rounded(x) >> 16)));
}
#else
static inline floats larger(floats x, floats y) { return where(x > y, x) + where(~(x > y), y); }
static inline floats smaller(floats x, floats y) { return where(x < y, x) + where(~(x < y), y); }
static inline floats load_half(const void *from) { return (floats)(__builtin_convertvector(*(const halves *)from, ints) << 16); }
static inline void store_half(void *to, floats x) { *(halves *)to = __builtin_convertvector(rounded(x) >> 16, halves); }
#endif

/* Number n of an array of floats or of bfloat16. */
static inline __attribute__((always_inline)) float number_at(const void *from, int n, int half)
{
    union {
        unsigned bits;
        float number;
    } upper = {half ? (unsigned)((const unsigned short *)from)[n] << 16 : 0};
    return half ? upper.number : ((const float *)from)[n];
}

/* Twice as many numbers, for sums in which their order does not matter: of bfloat16 those at even places, then those at odd. */
static inline __attribute__((always_inline)) void load_two(const void *from, int half, floats x[2])
{
    if (half) {
        ints pairs = *(const ints *)from;
        x[0] = (floats)(pairs << 16);
        x[1] = (floats)(pairs & (int)0xffff0000);
    } else {
        x[0] = load(from);
        x[1] = load((const float *)from + LANES);
    }
}

static inline __attribute__((always_inline)) void store_two(void *to, int half, const floats x[2])
{
    if (half)
        *(ints *)to = ((rounded(x[0]) >> 16) & 0xffff) | (rounded(x[1]) & (int)0xffff0000);
    else {
        store(to, x[0]);
        store((float *)to + LANES, x[1]);
    }
}

/* x, or the limit that it passes; a value that is no number becomes the lower one. */
static inline floats limited(floats x, floats low, floats high) { return smaller(larger(x, low), high); }

static inline floats relu(floats x) { return larger(x, (floats){0}); }

static inline float total(floats x)
{
    float sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += x[lane];
    return sum;
}

/* e to the power of x, to seven digits, for x from -87 to 88, beyond which it stays what it is there: two to the power of a whole
number times that of the rest by its Taylor series. Next to 3 * 2^22 a float has no fraction: adding that rounds, and leaves the whole
number in the lowest bits, which are then added to the series's exponent. */
static inline floats exponential(floats x)
{
    x = limited(x, (floats){0} - 87, (floats){0} + 88);
    floats whole = x * 1.44269504f + 12582912.f, power = whole - 12582912.f; /* 1 / ln 2 */
    floats rest = x - power * 0.693359375f + power * 2.12194440e-4f;        /* ln 2 in two parts */
    floats series = 1 + rest * (1 + rest * (1 / 2.f + rest * (1 / 6.f + rest * (1 / 24.f + rest * (1 / 120.f + rest * (1 / 720.f))))));
    return (floats)((ints)series + ((ints)whole << 23));
}

static inline floats sigmoid(floats x) { return 1 / (1 + exponential(-x)); }

#endif
