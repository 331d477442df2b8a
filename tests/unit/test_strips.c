/* cost/strips: what strip groups of programs made by hand need of the buffer, counted by hand. */
#include <check.h>
#include <string.h>

#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/peak.h"
#include "cost/strips.h"
#include "cost/traffic.h"
#include "mbsopt/cost.h"
#include "plan/groups.h"
#include "run.h"

enum { MAP_CONV = 2, MAP_POOL, MAP_COUNT };
static mbs_row_map maps[MAP_COUNT] = {
    [ROW_MAP_SAME] = {.kind = ROWS_SAME},
    [ROW_MAP_WHOLE] = {.kind = ROWS_WHOLE},
    [MAP_CONV] = {ROWS_WINDOW, 3, 1, 1},
    [MAP_POOL] = {ROWS_WINDOW, 2, 2, 0},
};

static mbs_step steps[4];
static mbs_tensor tensors[6];
static mbs_touch touches[12];
static mbs_program program;

static void start(void)
{
    memset(steps, 0, sizeof steps);
    memset(tensors, 0, sizeof tensors);
    program = (mbs_program){.has_rows = true,
                            .maps = maps,
                            .map_count = MAP_COUNT,
                            .steps = steps,
                            .tensors = tensors,
                            .touches = touches};
}

static int32_t add_tensor(int64_t bytes, int64_t rows)
{
    tensors[program.tensor_count] =
        (mbs_tensor){.bytes = bytes, .rows = rows, .producer = -1, .running = -1};
    return program.tensor_count++;
}

static void add_step(int64_t rows, int64_t weight_bytes)
{
    steps[program.step_count++] = (mbs_step){.rows = rows,
                                             .weight_bytes = weight_bytes,
                                             .coupled_to = -1,
                                             .weight_use = {-1, -1, 0},
                                             .accumulator_use = {-1, -1, 0},
                                             .touch_begin = program.touch_count,
                                             .write_begin = program.touch_count,
                                             .touch_end = program.touch_count};
}

static void touch(int32_t tensor, int32_t map)
{
    const int32_t step = program.step_count - 1;
    touches[program.touch_count++] = (mbs_touch){.tensor = tensor, .step = step, .map = map};
    steps[step].touch_end = program.touch_count;
}

static void reads(int32_t tensor, int32_t map)
{
    touch(tensor, map);
    steps[program.step_count - 1].write_begin = program.touch_count;
}

static void writes(int32_t tensor)
{
    touch(tensor, ROW_MAP_SAME);
    tensors[tensor].producer = program.step_count - 1;
}

/* x of 8 rows of 10 bytes, conv (3, pad 1) to y of 8 rows of 20, pool (2, stride 2) to z of 4. */
static void conv_and_pool(int64_t weight_bytes)
{
    start();
    const int32_t x = add_tensor(80, 8);
    const int32_t y = add_tensor(160, 8);
    const int32_t z = add_tensor(80, 4);
    add_step(8, weight_bytes);
    reads(x, MAP_CONV);
    writes(y);
    add_step(4, 0);
    reads(y, MAP_POOL);
    writes(z);
    program_link(&program);
}

static void assert_extent(const strip_extent *extent, int64_t size, int64_t kept)
{
    ck_assert_int_eq(extent->size, size);
    ck_assert_int_eq(extent->kept, kept);
}

START_TEST(windows_overlap)
{
    conv_and_pool(15);
    ck_assert_int_eq(strips_tallest(&program, 0, 2), 8);
    ck_assert_int_eq(strips_tallest(&program, 1, 2), 8);
    strip_extent *extent = strips_find(&program, 0, 2, 4);
    ck_assert_ptr_nonnull(extent);
    /* conv does 2, 4, 6, 8 rows: x has 3, 5, 7, 8 rows, of which 0, 1, 3, 5 are the first used */
    assert_extent(&extent[0], 4 * 10, 2 * 10);
    assert_extent(&extent[1], 2 * 20, 0);
    assert_extent(&extent[3], 20, 0);
    const strip_group group = {&program, 0, 2, extent, 0, NULL};
    int64_t bytes[2];
    /* conv is streamed: its 15 bytes instead of the 20 of x that are new in each strip */
    ck_assert(strips_streams(&group, 0));
    ck_assert(strips_streams(&group, 1));
    ck_assert_int_eq(strips_footprints(&group, NULL, true, bytes), 20 + 40 + 15);
    ck_assert_int_eq(bytes[1], 20 + 40);
    ck_assert_int_eq(strips_footprints(&group, NULL, false, bytes), 40 + 40 + 20);
    ck_assert_int_eq(bytes[0], 40 + 40);
    steps[0].weight_bytes = 20;
    ck_assert(!strips_streams(&group, 0));
    ck_assert_int_eq(strips_footprints(&group, NULL, true, bytes), 40 + 40);
    mem_free(extent);
}
END_TEST

START_TEST(modes_and_pinned_bytes_of_a_plan)
{
    conv_and_pool(15);
    bool resident[4] = {false, true, false, false};
    mbs_mode mode[2] = {MBS_STAGED, MBS_STREAMED};
    int32_t over[2] = {-1, -1};
    int64_t weight[2] = {7, 0};
    int64_t accumulator[2] = {0};
    mbs_group group = {.end = 2, .iterations = 4, .sub_batch = 1, .strips = 4, .passes = 1};
    const mbs_plan plan = {.program = &program,
                           .batch = 1,
                           .groups = &group,
                           .group_count = 1,
                           .resident = resident,
                           .mode = mode,
                           .over = over,
                           .pinned_weight = weight,
                           .pinned_accumulator = accumulator};
    int64_t peak;
    ck_assert_int_eq(plan_find_peak(&peak, &plan, &group, NULL), MBS_OK);
    ck_assert_int_eq(peak, 40 + 40 + 7);
    mode[0] = MBS_STREAMED;
    ck_assert_int_eq(plan_find_peak(&peak, &plan, &group, NULL), MBS_OK);
    ck_assert_int_eq(peak, 20 + 40 + 15 + 7);
    group = (mbs_group){.end = 2, .iterations = 1, .sub_batch = 1, .strips = 1, .passes = 1};
    ck_assert_int_eq(plan_find_peak(&peak, &plan, &group, NULL), MBS_OK);
    ck_assert_int_eq(peak, plan_group_peak(&plan, &group));
}
END_TEST

/*
 * Two samples in four strips each. conv brings 3, 2, 2 and 1 rows of x (10 bytes) and 8 of its 15
 * bytes of weights with each strip, the pinned 7 with the first; two rows are a product of 2 x 3 by
 * 3 x 2 in 3 + 256 cycles, a second. The pool writes a row of 20 bytes in each.
 */
START_TEST(time_of_strips)
{
    conv_and_pool(15);
    program.has_shapes = true;
    steps[0].gemm = (mbs_gemm){.m = 8, .k = 3, .n = 2, .groups = 1};
    tensors[1].elements = 160;
    tensors[2].elements = 80;
    tensors[2].kept = true;
    bool resident[4] = {false, true, false, false};
    mbs_mode mode[2] = {MBS_STAGED, MBS_STAGED};
    int32_t over[2] = {-1, -1};
    int64_t weight[2] = {7, 0};
    int64_t accumulator[2] = {0};
    mbs_group group = {.end = 2, .iterations = 8, .sub_batch = 1, .strips = 4, .passes = 1};
    mbs_plan plan = {.program = &program,
                     .batch = 2,
                     .double_buffered = true,
                     .groups = &group,
                     .group_count = 1,
                     .resident = resident,
                     .mode = mode,
                     .over = over,
                     .pinned_weight = weight,
                     .pinned_accumulator = accumulator};
    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    hardware.cores = 1;
    hardware.clock_hz = 259;
    hardware.bandwidth_bytes_per_s = 10;
    hardware.dram_efficiency = 1;
    hardware.vector_elements_per_cycle = 1;
    mbs_cost cost;
    ck_assert_int_eq(mbs_plan_step_cost(&plan, &hardware, 0, &cost), MBS_OK);
    assert_near(cost.time_s, 4.5 + 3.8 + 4 * 2.8 + 2 * 1.8, "time");
    assert_near(cost.compute_s, 8, "compute");
    assert_near(cost.macs, 8 * 12, "macs");
    ck_assert_int_eq(mbs_plan_cost(&plan, &hardware, &cost), MBS_OK);
    assert_near(cost.time_s, 4.5 + 3.8 + 4 * 2.8 + 2 * 1.8 + 8 * 2, "time");
    assert_near(cost.vector_elements, 2 * 240, "elements");
    assert_near(cost.dram_bytes, (double)plan_count(&plan).total, "bytes");
    assert_near(cost.dram_bytes, 160 + 15 + 7 * 8 + 160, "bytes");
    /* accumulators: all but the first strip read them, the last one writes what was pinned */
    steps[0].accumulator_bytes = 100;
    accumulator[0] = 40;
    ck_assert_int_eq(mbs_plan_cost(&plan, &hardware, &cost), MBS_OK);
    assert_near(cost.dram_bytes, 391 + 15 * 60 + 40, "bytes");
    assert_near(cost.dram_bytes, (double)plan_count(&plan).total, "bytes");
}
END_TEST

/* conv, then a norm in two steps: all of what conv makes is there before the first row is applied.
 */
START_TEST(statistics_need_the_whole_sample)
{
    start();
    const int32_t x = add_tensor(40, 4);
    const int32_t y = add_tensor(81, 4);
    const int32_t statistics = add_tensor(0, 1);
    const int32_t z = add_tensor(81, 4);
    add_step(4, 50);
    reads(x, MAP_CONV);
    writes(y);
    add_step(4, 0);
    reads(y, ROW_MAP_SAME);
    writes(statistics);
    add_step(4, 3);
    reads(y, ROW_MAP_SAME);
    reads(statistics, ROW_MAP_WHOLE);
    writes(z);
    program_link(&program);
    strip_extent *extent = strips_find(&program, 0, 3, 4);
    ck_assert_ptr_nonnull(extent);
    assert_extent(&extent[0], 40, 0);
    assert_extent(&extent[1], 81, 61);
    assert_extent(&extent[3], 0, 0);
    assert_extent(&extent[6], 21, 0); /* a row: a quarter of 81 bytes, rounded up */
    const strip_group group = {&program, 0, 3, extent, 0, NULL};
    int64_t bytes[3];
    ck_assert_int_eq(strips_footprints(&group, NULL, true, bytes), 81 + 40);
    ck_assert_int_eq(bytes[1], 81);
    ck_assert_int_eq(bytes[2], 81 + 3);
    mem_free(extent);
    /* cut before the application, conv goes on row by row */
    extent = strips_find(&program, 0, 2, 4);
    assert_extent(&extent[0], 30, 20);
    assert_extent(&extent[1], 21, 0);
    assert_extent(&extent[3], 0, 0); /* the statistics take no bytes */
    mem_free(extent);
    /* and statistics from DRAM are there from the first strip to the last */
    tensors[statistics].bytes = 6;
    extent = strips_find(&program, 2, 3, 2);
    assert_extent(&extent[0], 41, 0);
    assert_extent(&extent[1], 6, 6);
    mem_free(extent);
}
END_TEST

/*
 * Of the strips that move as little the longest are taken. conv_and_pool needs 115 bytes in 2
 * strips and 75 in 4 or 8 (every other of 8 has no row of the pool's 4), and 15 more for the
 * weights to be read once.
 */
START_TEST(no_more_strips_than_pay)
{
    static const struct {
        int64_t capacity;
        int64_t strips;
        int64_t pinned;
    } cases[] = {{130, 2, 15}, {129, 4, 15}, {90, 4, 15}, {89, 4, 14}, {75, 4, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        conv_and_pool(15);
        tensors[2].kept = true;
        mbs_plan *plan = plan_allocate(&program, "test");
        ck_assert_ptr_nonnull(plan);
        plan->batch = 3;
        const plan_task task = {.program = &program,
                                .batch = 3,
                                .capacity = cases[i].capacity,
                                .pin = true,
                                .stream = true};
        ck_assert_int_eq(plan_add_strips(plan, &task, 0, 2, 8, NULL), MBS_OK);
        ck_assert_msg(plan->groups[0].strips == cases[i].strips, "%d bytes: %d strips",
                      (int)cases[i].capacity, (int)plan->groups[0].strips);
        ck_assert_int_eq(plan->groups[0].iterations, 3 * cases[i].strips);
        ck_assert_int_eq(plan->pinned_weight[0], cases[i].pinned);
        ck_assert_int_eq(plan->mode[0], MBS_STREAMED);
        mbs_plan_free(plan);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("strips");
    TCase *tests = tcase_create("strips");
    tcase_add_test(tests, windows_overlap);
    tcase_add_test(tests, modes_and_pinned_bytes_of_a_plan);
    tcase_add_test(tests, time_of_strips);
    tcase_add_test(tests, no_more_strips_than_pay);
    tcase_add_test(tests, statistics_need_the_whole_sample);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
