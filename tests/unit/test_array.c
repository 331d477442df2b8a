/* src/cost/array: cycles of the array, against cases counted by hand and SCALE-Sim's own. */
#include <check.h>

#include "cost/array.h"
#include "mbsopt/mbsopt.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* On 128x128 cells with 256 accumulator rows; each product takes 256 cycles beside its waves. */
typedef struct array_case {
    const char *what;
    mbs_gemm gemm;
    int64_t samples;
    double double_buffered;
    double single;
    double macs;
} array_case;

static const array_case array_cases[] = {
    /* one wave of max(256, 128), or 256 + 128 */
    {"one exact tile", {256, 128, 128, 1, false, false}, 1, 256 + 256, 384 + 256, 4194304},
    /* 2 x 2 x 2 tiles */
    {"exact tiles", {512, 256, 256, 1, false, false}, 1, 8 * 256 + 256, 8 * 384 + 256, 33554432},
    /* M 256 + 44, K 128 + 72, N in 2 tiles */
    {"ragged tiles",
     {300, 200, 130, 1, false, false},
     1,
     2 * ((256 + 128) + (256 + 72)) + 256,
     2 * ((384 + 172) + (328 + 116)) + 256,
     7800000},
    {"depthwise", {196, 9, 1, 32, false, false}, 1, 32 * (196 + 256), 32 * (205 + 256), 56448},
    {"M smaller than the array", {10, 128, 128, 1, false, false}, 1, 128 + 256, 138 + 256, 163840},
    {"all smaller", {10, 3, 5, 1, false, false}, 1, 10 + 256, 13 + 256, 150},
    {"one of each", {1, 1, 1, 1, false, false}, 1, 1 + 256, 2 + 256, 1},
    /* M 343 = 256 + 87 */
    {"samples in M", {49, 128, 128, 1, false, false}, 7, 256 + 128 + 256, 384 + 215 + 256, 5619712},
    /* M 256 + 256 + 64, K 147 = 128 + 19 */
    {"samples in K",
     {576, 49, 64, 1, true, false},
     3,
     (256 + 256 + 128) + (256 + 256 + 64) + 256,
     (384 + 384 + 192) + (275 + 275 + 83) + 256,
     5419008},
    /* 12 products per sample of 197 x 64 by 64 x 197: in samples they grow in number alone. Each
     * has K in one tile of 64, M in one of 197, Nn in two */
    {"samples in groups",
     {197, 64, 197, 12, false, true},
     3,
     36 * (2 * 197 + 256),
     36 * (2 * 261 + 256),
     36.0 * 197 * 64 * 197},
    {"none", {0, 0, 0, 0, false, false}, 5, 0, 0, 0},
};

START_TEST(cycles_by_hand)
{
    const array_case *c = &array_cases[_i];
    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    assert_near(array_cycles(&c->gemm, c->samples, &hardware, true), c->double_buffered, c->what);
    assert_near(array_cycles(&c->gemm, c->samples, &hardware, false), c->single, c->what);
    assert_near(array_macs(&c->gemm, c->samples), c->macs, c->what);
}
END_TEST

/* Another array: 4x8 cells, waves of 16 rows. M 20 = 16 + 4, K 6 = 4 + 2, N 9 in 2 tiles. */
START_TEST(cycles_of_another_array)
{
    const mbs_gemm gemm = {20, 6, 9, 3, false, false};
    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    hardware.array_rows = 4;
    hardware.array_cols = 8;
    hardware.accumulator_rows = 16;
    assert_near(array_cycles(&gemm, 1, &hardware, true), 3 * (2 * (16 + 4 + 16 + 4) + 12), "");
    assert_near(array_cycles(&gemm, 1, &hardware, false), 3 * (2 * (20 + 8 + 18 + 6) + 12), "");
}
END_TEST

/* Figures of SCALE-Sim itself: weight-stationary on 128 x 128, M, N, K and total cycles. */
START_TEST(scalesim_cycles)
{
    static const struct {
        int64_t m, n, k;
        double cycles;
    } runs[] = {{784, 128, 512, 4663},  {3136, 128, 512, 14071}, {196, 256, 2304, 20807},
                {49, 2048, 512, 27583}, {12544, 64, 147, 25851}, {1, 1000, 2048, 49023}};
    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    hardware.cycle_model = MBS_CYCLES_SCALESIM;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        mbs_gemm gemm = {runs[i].m, runs[i].k, runs[i].n, 1, false, false};
        ck_assert_double_eq(array_cycles(&gemm, 1, &hardware, true), runs[i].cycles);
        ck_assert_double_eq(array_cycles(&gemm, 1, &hardware, false), runs[i].cycles);
        gemm.groups = 3;
        ck_assert_double_eq(array_cycles(&gemm, 1, &hardware, true), 3 * runs[i].cycles);
    }
    /* samples lengthen M, or K of a weight gradient */
    const mbs_gemm forward = {784, 512, 128, 1, false, false};
    ck_assert_double_eq(array_cycles(&forward, 4, &hardware, true), 14071);
    const mbs_gemm wgrad = {196, 576, 256, 1, true, false};
    ck_assert_double_eq(array_cycles(&wgrad, 4, &hardware, true), 20807);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("array");
    TCase *tests = tcase_create("cycles");
    tcase_add_loop_test(tests, cycles_by_hand, 0, (int)COUNT(array_cases));
    tcase_add_test(tests, cycles_of_another_array);
    tcase_add_test(tests, scalesim_cycles);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
