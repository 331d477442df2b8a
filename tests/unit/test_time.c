/* src/cost: time and energy of plans, against cases counted by hand. */
#include <check.h>

#include "cost/footprint.h"
#include "cost/group_time.h"
#include "mbsopt/mbsopt.h"
#include "plan/groups.h"
#include "run.h"
#include "timed_networks.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- A step by hand -------------------------------------------------------------------------- */

/* The first step, on ten samples. */
static mbs_plan *four_iterations(const mbs_program *program)
{
    mbs_plan *plan = plan_allocate(program, "hand");
    ck_assert_ptr_nonnull(plan);
    plan->batch = 10;
    plan->buffer_bytes = 1 << 20;
    plan->norm_passes = 2;
    plan_add_group(plan, 0, 1, 4);
    return plan;
}

/* Ten samples in iterations of 3, 3, 3 and 1; times in ns, for a clock of 1 GHz. */
START_TEST(last_iteration_is_short)
{
    mbs_network *network = load_text(one_conv);
    mbs_program *program = make_program(network, 1, 0);
    mbs_plan *plan = four_iterations(program);
    mbs_hardware hardware;
    mbs_cost cost;
    mbs_hardware_wavecore(&hardware);
    hardware.clock_hz = 1000000000;
    hardware.bandwidth_bytes_per_s = 2000000000; /* a byte per ns and core */
    hardware.dram_efficiency = 1;
    ck_assert_int_eq(plan->groups[0].sub_batch, 3);
    must_succeed(mbs_plan_cost(plan, &hardware, &cost), &error, "cost");
    assert_near(cost.gemm_cycles, 3 * (48 + 256) + (16 + 256), "cycles");
    assert_near(cost.macs, 640, "macs");
    assert_near(cost.dram_bytes, 3 * (3 * 128 + 8) + (128 + 8), "bytes");
    assert_near(cost.compute_s, 1184e-9, "compute");
    assert_near(cost.dram_s, 1312e-9, "dram");
    assert_near(cost.time_s, (3 * 392 + 272) * 1e-9, "time");
    assert_near(cost.compute_bound_s, 272e-9, "compute-bound");
    assert_near(cost.utilisation, 640 / (16384.0 * 1184), "utilisation");
    plan->double_buffered = false;
    must_succeed(mbs_plan_cost(plan, &hardware, &cost), &error, "cost");
    assert_near(cost.gemm_cycles, 3 * (48 + 2 + 256) + (16 + 2 + 256), "cycles");
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

/* The same as above, and a rectifier behind it, by hand: samples of 64 bytes and 32 elements. */
static const char conv_relu[] =
    "{\"format\":\"mbsopt-network/1\",\"name\":\"two\","
    "\"inputs\":[{\"name\":\"x\",\"shape\":[2,4,4]}],\"layers\":["
    "{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"],\"out_channels\":2,\"kernel\":1},"
    "{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"c\"]}]}";

/*
 * Ten samples in iterations of 3, 3, 3 and 1. In ns the product takes 304, 304, 304 and 272, the
 * rectifier with its 64 elements a sample 192, 192, 192 and 64; at a byte per ns x comes in 192 and
 * 64 with weights of 8 each time, and what the rectifier makes goes in 192 and 64.
 */
START_TEST(overlap_by_hand)
{
    const double in_two = (1328 + (880.0 * 880 + 448.0 * 448) / 1328) / 2;
    const struct {
        mbs_overlap overlap;
        int64_t bytes_per_s;
        int64_t under_way; /* so many times a footprint is what the buffer has room for */
        double time_ns;
        double compute_bound_ns;
    } expected[] = {
        {MBS_OVERLAP_NONE, 2000000000, 3, 1184 + 640 + 672 + 640, 3 * (504 + 384) + (344 + 128)},
        {MBS_OVERLAP_STEP, 2000000000, 3, 1184 + 640, 1184 + 640},
        /* beyond the first iteration the array has 880, the vector unit 448, DRAM 472 + 448 */
        {MBS_OVERLAP_GROUP, 2000000000, 1, 1184 + 640, 1184 + 640},
        {MBS_OVERLAP_GROUP, 2000000000, 2, (304 + 192) + in_two, (304 + 192) + in_two},
        /* or 920 + 920, when the first iteration has 400 and 384 */
        {MBS_OVERLAP_GROUP, 1000000000, 2, (400 + 384) + 1840, 0}};
    mbs_network *network = load_text(conv_relu);
    mbs_program *program = make_program(network, 1, 0);
    mbs_plan *plan = plan_allocate(program, "hand");
    mbs_hardware hardware;
    mbs_cost cost;
    mbs_cost step;
    plan->batch = 10;
    plan->buffer_bytes = 1 << 20;
    group_keep_all(plan, plan_add_group(plan, 0, 2, 4));
    const int64_t footprint = plan_group_peak(plan, &plan->groups[0]);
    mbs_hardware_wavecore(&hardware);
    hardware.clock_hz = 1000000000;
    hardware.vector_elements_per_cycle = 1;
    hardware.dram_efficiency = 1;
    for (size_t i = 0; i < COUNT(expected); i++) {
        hardware.bandwidth_bytes_per_s = expected[i].bytes_per_s;
        hardware.overlap = expected[i].overlap;
        plan->buffer_bytes = expected[i].under_way * footprint;
        must_succeed(mbs_plan_cost(plan, &hardware, &cost), &error, "cost");
        assert_near(cost.time_s, 1e-9 * expected[i].time_ns, "time");
        assert_near(cost.compute_bound_s, 1e-9 * expected[i].compute_bound_ns, "compute-bound");
        assert_near(cost.static_j, cost.time_s * hardware.static_w, "static");
        if (hardware.overlap != MBS_OVERLAP_GROUP || cost.compute_s < cost.dram_s)
            continue;
        must_succeed(mbs_plan_step_cost(plan, &hardware, 1, &step), &error, "step");
        assert_near(step.time_s, cost.time_s * 640 / (1184 + 640), "the rectifier's share");
    }
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

/*
 * Iterations that meet at the array and the vector unit: a mean value analysis by hand. With one
 * under way 300 and 100 of 400 are spent there; so a second finds it there three times of four, and
 * takes 525 + 125 = 650, two 325 each. A third finds 2 * 525 / 650 and 2 * 125 / 650 there.
 */
START_TEST(places_limit_overlap)
{
    const double at_array = 2 * 525.0 / 650;
    const double at_vector = 2 * 125.0 / 650;
    assert_near(cost_in_places_s(300, 100, 400, 1), 400, "one");
    assert_near(cost_in_places_s(300, 100, 400, 2), 325, "two");
    assert_near(cost_in_places_s(300, 100, 400, 3),
                (300 * (1 + at_array) + 100 * (1 + at_vector)) / 3, "three");
    assert_near(cost_in_places_s(300, 0, 300, 3), 300, "one unit alone");
    assert_near(cost_in_places_s(100, 100, 300, 2), 200, "DRAM as busy as each");
    ck_assert_double_eq(cost_in_places_s(0, 0, 0, 3), 0);
    ck_assert_int_eq(cost_iterations_in(1000, 501), 1);
    ck_assert_int_eq(cost_iterations_in(1000, 500), 2);
    ck_assert_int_eq(cost_iterations_in(999, 333), 3);
    ck_assert_int_eq(cost_iterations_in(999, 1), 3);
    ck_assert_int_eq(cost_iterations_in(0, 0), 3);
}
END_TEST

/* Of the four weight reads of 8 bytes, 6 bytes are pinned: 8, 2, 2 and 2. */
START_TEST(pinned_weights_come_once)
{
    mbs_network *network = load_text(one_conv);
    mbs_program *program = make_program(network, 1, 0);
    mbs_plan *plan = four_iterations(program);
    mbs_hardware hardware;
    mbs_cost cost;
    mbs_hardware_wavecore(&hardware);
    plan->pinned_weight[0] = 6;
    must_succeed(mbs_plan_cost(plan, &hardware, &cost), &error, "cost");
    assert_near(cost.dram_bytes, 1280 + 8 + 3 * 2, "bytes");
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("time");
    TCase *tests = tcase_create("time");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, last_iteration_is_short);
    tcase_add_test(tests, overlap_by_hand);
    tcase_add_test(tests, places_limit_overlap);
    tcase_add_test(tests, pinned_weights_come_once);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
