/* src/cli/advise: knees, which memories are enough, and what is advised. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "advise/advise.h"
#include "run.h"

#define BUFFERS  5
#define MACHINES 3

static int64_t buffers[] = {1 << 20, 2 << 20, 4 << 20, 8 << 20, 16 << 20};
static int64_t batches[] = {32};
static sweep_machine machines[MACHINES];
static sweep_network networks[1];
static compare_row rows[BUFFERS * 2 * MACHINES];
static advise_run run;

/* Machines of 300, 100 and 200 GB/s; the baseline moves 1000 bytes in 10 s everywhere. */
static void make_run(void)
{
    static const int64_t bandwidths[] = {300, 100, 200};
    memset(rows, 0, sizeof rows);
    for (size_t m = 0; m < MACHINES; m++) {
        mbs_hardware_wavecore(&machines[m].hardware);
        machines[m].hardware.bandwidth_bytes_per_s = bandwidths[m] * 1000000000;
    }
    run = (advise_run){.rows = rows};
    run.sweep = (sweep){.networks = networks,
                        .network_count = 1,
                        .buffers = {buffers, BUFFERS},
                        .batches = {batches, 1},
                        .planners = {{MBS_PLANNER_BASELINE, MBS_PLANNER_DP}, 2},
                        .machines = machines,
                        .machine_count = MACHINES,
                        .shards = 1};
    ck_assert(sweep_count_points(&run.sweep));
    for (size_t i = 0; i < BUFFERS * 2 * MACHINES; i++)
        rows[i] = (compare_row){.traffic = {.total = 1000}, .cost = {.time_s = 10, .energy_j = 1}};
}

/* What dp moves and takes at the buffer on machine m. */
static void set(size_t buffer, size_t machine, int64_t bytes, double time_s)
{
    compare_row *row = &rows[(2 * buffer + 1) * MACHINES + machine];
    row->traffic.total = bytes;
    row->cost.time_s = time_s;
}

/* Traffic by buffer on all machines, and the time on each. */
static void set_all(const int64_t bytes[BUFFERS], double times[MACHINES][BUFFERS])
{
    for (size_t b = 0; b < BUFFERS; b++)
        for (size_t m = 0; m < MACHINES; m++)
            set(b, m, bytes[b], times[m][b]);
    advise_relate(&run);
}

START_TEST(the_knee_is_farthest_below_the_line)
{
    const double early[] = {100, 40, 30, 20, 10};
    const double late[] = {100, 90, 80, 20, 10};
    const double line[] = {90, 70, 50, 30, 10};
    const double above[] = {100, 99, 98, 97, 10};
    const double flat[] = {7, 7, 7, 7, 7};
    const double twice[] = {100, 50, 50, 25, 20};
    ck_assert_uint_eq(advise_knee(buffers, early, BUFFERS), 1);
    ck_assert_uint_eq(advise_knee(buffers, late, BUFFERS), 3);
    ck_assert_uint_eq(advise_knee(buffers, line, BUFFERS), ADVISE_NONE);
    ck_assert_uint_eq(advise_knee(buffers, above, BUFFERS), ADVISE_NONE);
    ck_assert_uint_eq(advise_knee(buffers, flat, BUFFERS), ADVISE_NONE);
    ck_assert_uint_eq(advise_knee(buffers, early, 2), ADVISE_NONE);
    ck_assert_uint_eq(advise_knee(buffers, early, 1), ADVISE_NONE);
    /* the line falls by 20 for each doubling: 30 below it at 2 MiB, 15 at 8 MiB */
    ck_assert_uint_eq(advise_knee(buffers, twice, BUFFERS), 1);
    /* on a logarithmic scale: 3 MiB lies behind half of the way from 1 MiB to 4 MiB */
    const int64_t three[] = {1 << 20, 3 << 20, 4 << 20};
    const double half[] = {100, 50, 0};
    const double below[] = {100, 20, 0};
    ck_assert_uint_eq(advise_knee(three, half, 3), ADVISE_NONE);
    ck_assert_uint_eq(advise_knee(three, below, 3), 1);
}
END_TEST

START_TEST(enough_is_said_of_all_larger_buffers)
{
    const int64_t bytes[BUFFERS] = {900, 400, 350, 300, 250};
    double times[MACHINES][BUFFERS] = {{8.0, 4.0, 3.5, 3.0, 2.5},
                                       /* near at 1 MiB, but not at 2 MiB; and at 8 MiB exactly */
                                       {8.1, 5.0, 4.0, 3.15, 2.5},
                                       {8.4, 4.2, 3.6, 3.1, 2.7}};
    advice found;
    set_all(bytes, times);
    ck_assert(advise_find(&found, &run, 0, 0));
    ck_assert_uint_eq(found.enough_from[0], 0);
    ck_assert_uint_eq(found.enough_from[1], 3);
    ck_assert_uint_eq(found.enough_from[2], ADVISE_NONE); /* 8 % longer at the largest */
    /* at 2 MiB the second takes 25 % longer; the third 5 %, but more with a larger buffer */
    ck_assert_uint_eq(found.traffic_knee, 1);
    ck_assert_uint_eq(found.buffer, 1);
    ck_assert_uint_eq(found.machine, 0);
    ck_assert_uint_eq(found.time_knee[0], 1);
    advise_free(&found);
}
END_TEST

START_TEST(without_a_knee_the_smallest_near_the_least)
{
    const int64_t bytes[BUFFERS] = {1000, 900, 800, 105, 100};
    double times[MACHINES][BUFFERS] = {{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}};
    advice found;
    set_all(bytes, times);
    run.sweep.buffers.count = 2; /* two are too few for a knee */
    run.sweep.point_count = 2 * 2 * MACHINES;
    ck_assert(advise_find(&found, &run, 0, 0));
    ck_assert_uint_eq(found.traffic_knee, ADVISE_NONE);
    ck_assert_uint_eq(found.buffer, 1);
    ck_assert_uint_eq(found.machine, 1); /* the least bandwidth of equals */
    ck_assert_uint_eq(found.enough_from[1], 0);
    advise_free(&found);
}
END_TEST

START_TEST(what_is_slow_is_not_advised)
{
    const int64_t bytes[BUFFERS] = {900, 800, 300, 290, 280};
    double slower[MACHINES][BUFFERS] = {
        {13, 12, 11, 10.5, 10.2}, {13, 12, 11, 10.5, 10.2}, {13, 12, 11, 10.5, 10.2}};
    double quick[MACHINES][BUFFERS] = {
        {7.2, 7, 7.5, 7.1, 6.9}, {7.2, 7, 7.5, 7.1, 6.9}, {7.2, 7, 7.5, 7.1, 6.9}};
    advice found;
    set_all(bytes, slower); /* than the baseline's 10 at the knee */
    ck_assert(advise_find(&found, &run, 0, 0));
    ck_assert_uint_eq(found.traffic_knee, 2);
    ck_assert_uint_eq(found.sparing, 2);
    ck_assert_uint_eq(found.buffer, 3);
    advise_free(&found);
    set_all(bytes, quick); /* but 2 MiB is 7 % quicker than the knee */
    ck_assert(advise_find(&found, &run, 0, 0));
    ck_assert_uint_eq(found.sparing, 2);
    ck_assert_uint_eq(found.buffer, 0);
    advise_free(&found);
    for (size_t m = 0; m < MACHINES; m++)
        quick[m][2] = 7.3;
    set_all(bytes, quick);
    ck_assert(advise_find(&found, &run, 0, 0));
    ck_assert_uint_eq(found.buffer, 2);
    advise_free(&found);
}
END_TEST

START_TEST(ratios_are_to_the_baseline_of_the_same_point)
{
    const int64_t bytes[BUFFERS] = {500, 250, 200, 100, 100};
    double times[MACHINES][BUFFERS] = {{5, 4, 4, 2, 2}, {8, 8, 8, 8, 8}, {20, 10, 5, 4, 1}};
    set_all(bytes, times);
    ck_assert_double_eq(advise_row(&run, 0, 0, 1, 0, 1)->traffic_ratio, 0.25);
    ck_assert_double_eq(advise_row(&run, 0, 0, 0, 2, 1)->speedup, 0.5);
    ck_assert_double_eq(advise_row(&run, 0, 0, 4, 2, 1)->speedup, 10);
    ck_assert_double_eq(advise_row(&run, 0, 0, 4, 2, 0)->speedup, 1);
    ck_assert_double_eq(advise_saving(&run, 0, 0, 0, 1), 0.5);
    ck_assert_uint_eq(advise_fastest(&run, 0, 0, 0), 0);
    ck_assert_uint_eq(advise_fastest(&run, 0, 0, 4), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("advise");
    TCase *tests = tcase_create("figures");
    tcase_add_checked_fixture(tests, make_run, NULL);
    tcase_add_test(tests, the_knee_is_farthest_below_the_line);
    tcase_add_test(tests, enough_is_said_of_all_larger_buffers);
    tcase_add_test(tests, without_a_knee_the_smallest_near_the_least);
    tcase_add_test(tests, what_is_slow_is_not_advised);
    tcase_add_test(tests, ratios_are_to_the_baseline_of_the_same_point);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
