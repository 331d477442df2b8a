/* Simulations that can be followed by hand: a byte and an element take a nanosecond each. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "plan/groups.h"
#include "plan/planner.h"
#include "run.h"
#include "simulate/room.h"

#define SAMPLES    4
#define OPERAND    8000 /* bytes of an input, or an output, of all samples */
#define NS         1e-9
#define WHOLE_ROOM (INT64_C(1) << 20)

/* One layer on one input; two on two inputs; one after the other. */
static const char one[] = "\"inputs\":[{\"name\":\"a\",\"shape\":[1000]}],\"layers\":["
                          "{\"name\":\"ra\",\"op\":\"relu\",\"inputs\":[\"a\"]}]}";
static const char two[] = "\"inputs\":[{\"name\":\"a\",\"shape\":[1000]},"
                          "{\"name\":\"b\",\"shape\":[1000]}],\"layers\":["
                          "{\"name\":\"ra\",\"op\":\"relu\",\"inputs\":[\"a\"]},"
                          "{\"name\":\"rb\",\"op\":\"relu\",\"inputs\":[\"b\"]}]}";
static const char chain[] = "\"inputs\":[{\"name\":\"a\",\"shape\":[1000]}],\"layers\":["
                            "{\"name\":\"ra\",\"op\":\"relu\",\"inputs\":[\"a\"]},"
                            "{\"name\":\"rb\",\"op\":\"relu\",\"inputs\":[\"ra\"]}]}";

static mbs_error error;
static mbs_hardware hardware;
static mbs_simulate_options options;
static mbs_simulated_part steps[2];

static void setup(void)
{
    mbs_error_clear(&error);
    mbs_hardware_wavecore(&hardware);
    hardware.cores = 1;
    hardware.clock_hz = hardware.bandwidth_bytes_per_s = 1000000000;
    hardware.vector_elements_per_cycle = 1;
    hardware.dram_efficiency = 1;
    hardware.slice_bytes = 0;
    options = (mbs_simulate_options)MBS_SIMULATE_OPTIONS_INIT;
}

/* Layer by layer, each on all samples. */
static mbs_simulation run(const char *layers, int64_t buffer_bytes)
{
    char text[1000] = "{\"format\":\"mbsopt-network/1\",\"name\":\"n\",";
    mbs_network *network;
    mbs_plan *plan;
    mbs_simulation result;
    mbs_simulated_part groups[2];
    mbs_options planning = MBS_OPTIONS_INIT;
    planning.planner = MBS_PLANNER_BASELINE;
    planning.inference = 1;
    planning.batch = SAMPLES;
    planning.buffer_bytes = buffer_bytes;
    strcat(text, layers);
    ck_assert_int_eq(mbs_network_load_text(&network, text, strlen(text), "n", &error), MBS_OK);
    ck_assert_int_eq(mbs_plan_network(&plan, network, &hardware, &planning, &error), MBS_OK);
    const mbs_status status =
        mbs_simulate(&result, groups, steps, plan, &hardware, &options, &error);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    mbs_plan_free(plan);
    mbs_network_free(network);
    return result;
}

static void expect_ns(double seconds, double expected)
{
    ck_assert_msg(fabs(seconds - expected * NS) < 1e-6 * NS, "%.3f ns, expected %.3f", seconds / NS,
                  expected);
}

START_TEST(whole_operands_come_one_after_another)
{
    const mbs_simulation s = run(one, WHOLE_ROOM);
    expect_ns(s.time_s, 3.0 * OPERAND); /* in, 4·2000 elements, out */
    expect_ns(s.wait_load_s, OPERAND);
    expect_ns(s.vector_s, OPERAND);
    expect_ns(s.wait_store_s, OPERAND);
    expect_ns(s.dram_s, 2.0 * OPERAND);
    expect_ns(s.estimate_s, 2.0 * OPERAND);
    ck_assert_double_eq(s.read_bytes, OPERAND);
    ck_assert_double_eq(s.write_bytes, OPERAND);
    ck_assert_int_eq(s.executions, 1);
    ck_assert_int_eq(s.transfers, 2);
}
END_TEST

/* Four slices: reads 0 to 8, the last is computed until 10, and writes go from 8 to 16 thousand. */
START_TEST(slices_overlap)
{
    hardware.slice_bytes = OPERAND / 4;
    const mbs_simulation s = run(one, WHOLE_ROOM);
    expect_ns(s.time_s, 2.0 * OPERAND);
    expect_ns(s.wait_load_s, OPERAND / 4.0);
    expect_ns(s.wait_store_s, 3 * OPERAND / 4.0);
    ck_assert_int_eq(s.transfers, 8);
}
END_TEST

/* A computation that is longer than what it moves: one slice before it and one after are seen. */
START_TEST(ends_are_seen_beside_computation)
{
    hardware.clock_hz = 100000000;
    hardware.slice_bytes = OPERAND / 4;
    const mbs_simulation s = run(one, WHOLE_ROOM);
    expect_ns(s.time_s, 10.5 * OPERAND);
}
END_TEST

START_TEST(what_was_stored_is_read_after_that)
{
    const mbs_simulation s = run(chain, WHOLE_ROOM);
    expect_ns(s.time_s, 6.0 * OPERAND);
    ck_assert_int_eq(s.executions, 2);
}
END_TEST

/* b comes while a is computed, a's result goes while b is. */
START_TEST(operands_come_ahead)
{
    const mbs_simulation s = run(two, WHOLE_ROOM);
    expect_ns(s.time_s, 4.0 * OPERAND);
    expect_ns(s.wait_load_s, OPERAND);
    expect_ns(s.wait_store_s, OPERAND);
    expect_ns(steps[0].time_s, 2.0 * OPERAND);
    expect_ns(steps[1].wait_load_s, 0);
}
END_TEST

START_TEST(nothing_comes_ahead)
{
    options.prefetch = MBS_PREFETCH_NONE;
    expect_ns(run(two, WHOLE_ROOM).time_s, 6.0 * OPERAND);
}
END_TEST

/* Each step fits, but not with b beside a's operands: b waits until a's result is stored. */
START_TEST(room_limits_what_comes_ahead)
{
    const mbs_simulation s = run(two, 20000);
    expect_ns(s.time_s, 6.0 * OPERAND);
    expect_ns(s.wait_load_s, OPERAND);
    expect_ns(s.wait_room_s, OPERAND);
    expect_ns(s.wait_store_s, 2.0 * OPERAND);
    options.prefetch = MBS_PREFETCH_UNLIMITED;
    expect_ns(run(two, 20000).time_s, 4.0 * OPERAND);
}
END_TEST

START_TEST(half_the_dram_takes_twice_the_time)
{
    hardware.dram_efficiency = 0.5;
    const mbs_simulation s = run(one, WHOLE_ROOM);
    expect_ns(s.time_s, 5.0 * OPERAND);
    expect_ns(s.estimate_s, 4.0 * OPERAND);
}
END_TEST

/*
 * Three layers on inputs of their own. The first, in 4 iterations of 2 samples, has three places
 * next to each other, the second one that leaves some of them free, the third comes into those:
 * behind all iterations of the first, whichever place they have.
 */
START_TEST(places_of_groups_before_the_last_are_in_the_way)
{
    static const char text[] = "{\"format\":\"mbsopt-network/1\",\"name\":\"n\",\"inputs\":["
                               "{\"name\":\"a\",\"shape\":[1000]},{\"name\":\"b\",\"shape\":[100]},"
                               "{\"name\":\"c\",\"shape\":[100]}],\"layers\":["
                               "{\"name\":\"ra\",\"op\":\"relu\",\"inputs\":[\"a\"]},"
                               "{\"name\":\"rb\",\"op\":\"relu\",\"inputs\":[\"b\"]},"
                               "{\"name\":\"rc\",\"op\":\"relu\",\"inputs\":[\"c\"]}]}";
    const bool stores[6] = {false, true, false, true, false, true};
    mbs_program_options of = MBS_PROGRAM_OPTIONS_INIT;
    mbs_network *network;
    mbs_program *program;
    room r;
    of.inference = 1;
    must_succeed(mbs_network_load_text(&network, text, strlen(text), "n", &error), &error, "load");
    must_succeed(mbs_program_create(&program, network, &of, &error), &error, "program");
    mbs_plan *plan = plan_allocate(program, "hand");
    plan->batch = 8;
    plan->buffer_bytes = 3 * 8192;
    for (int32_t k = 0; k < 3; k++)
        group_keep_all(plan, plan_add_group(plan, k, k + 1, k == 0 ? 4 : 1));
    hardware.overlap = MBS_OVERLAP_GROUP;
    must_succeed(room_open(&r, plan, stores, &hardware, NULL, &error), &error, "room");
    ck_assert_int_eq(r.copies[0], 3);
    ck_assert_int_eq(r.copies[1], 1);
    const room_wait second = room_before(&r, &(room_at){1, 1, 0, 4, 4});
    ck_assert_int_eq(second.used_by, 3);
    const room_wait third = room_before(&r, &(room_at){2, 2, 0, 5, 5});
    ck_assert_int_eq(third.used_by, 3);
    ck_assert_int_ge(third.stored_by, 3);
    ck_assert_int_ge(third.results_over, 3);
    ck_assert_int_ge(third.results_used, 3);
    room_close(&r);
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

START_TEST(wrong_calls_are_refused)
{
    mbs_simulation s;
    ck_assert_int_eq(mbs_simulate(&s, NULL, NULL, NULL, &hardware, NULL, &error), MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(mbs_prefetch_name(MBS_PREFETCH_COUNT));
    ck_assert_str_eq(mbs_prefetch_name(MBS_PREFETCH_NONE), "none");
    static const char text[] =
        "{\"format\":\"mbsopt-network/1\",\"name\":\"n\",\"inputs\":[{\"name\":\"a\",\"shape\":"
        "[1000]}],\"layers\":[{\"name\":\"ra\",\"op\":\"relu\",\"inputs\":[\"a\"]}]}";
    mbs_network *network;
    mbs_plan *plan;
    mbs_options planning = MBS_OPTIONS_INIT;
    planning.planner = MBS_PLANNER_BASELINE;
    ck_assert_int_eq(mbs_network_load_text(&network, text, strlen(text), "n", &error), MBS_OK);
    ck_assert_int_eq(mbs_plan_network(&plan, network, &hardware, &planning, &error), MBS_OK);
    options.progress = end_at_once;
    ck_assert_int_eq(mbs_simulate(&s, NULL, NULL, plan, &hardware, &options, &error),
                     MBS_ERR_STOPPED);
    options.progress = NULL;
    options.timeline = "/nonexistent/timeline.json";
    ck_assert_int_eq(mbs_simulate(&s, NULL, NULL, plan, &hardware, &options, &error), MBS_ERR_IO);
    ck_assert_int_eq(mbs_simulate(&s, NULL, NULL, plan, &hardware, NULL, &error), MBS_OK);
    mbs_plan_free(plan);
    mbs_network_free(network);
}
END_TEST

/* A product of 272 ns and a rectifier of 64 ns, a sample at a time, which next to nothing moves
 * for. */
static mbs_simulation run_iterations(mbs_overlap overlap, int64_t places)
{
    static const char text[] = "{\"format\":\"mbsopt-network/"
                               "1\",\"name\":\"n\",\"inputs\":[{\"name\":\"x\",\"shape\":[2,4,4]}],"
                               "\"layers\":[{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"],"
                               "\"out_channels\":2,\"kernel\":1},"
                               "{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"c\"]}]}";
    mbs_program_options programming = MBS_PROGRAM_OPTIONS_INIT;
    mbs_network *network;
    mbs_program *program;
    mbs_simulation result;
    programming.inference = 1;
    ck_assert_int_eq(mbs_network_load_text(&network, text, strlen(text), "n", &error), MBS_OK);
    ck_assert_int_eq(mbs_program_create(&program, network, &programming, &error), MBS_OK);
    mbs_plan *plan = plan_allocate(program, "hand");
    plan->batch = SAMPLES;
    plan->double_buffered = true;
    plan->buffer_bytes = places * 128; /* of 64 bytes each: x and c, c and what becomes of it */
    group_keep_all(plan, plan_add_group(plan, 0, 2, SAMPLES));
    hardware.overlap = overlap;
    hardware.bandwidth_bytes_per_s = INT64_C(1) << 52;
    ck_assert_int_eq(mbs_simulate(&result, NULL, NULL, plan, &hardware, &options, &error), MBS_OK);
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
    return result;
}

static void expect_about_ns(double seconds, double expected)
{
    ck_assert_msg(fabs(seconds - expected * NS) < 0.1 * NS, "%.3f ns, expected %.3f", seconds / NS,
                  expected);
}

/* With two places a product computes while the rectifier does for the sample before. */
START_TEST(iterations_overlap_where_there_is_room)
{
    expect_about_ns(run_iterations(MBS_OVERLAP_STEP, 2).time_s, 4 * (272 + 64));
    expect_about_ns(run_iterations(MBS_OVERLAP_GROUP, 1).time_s, 4 * (272 + 64));
    const mbs_simulation s = run_iterations(MBS_OVERLAP_GROUP, 2);
    expect_about_ns(s.time_s, 4 * 272 + 64);
    expect_about_ns(s.both_s, 3 * 64);
    options.prefetch = MBS_PREFETCH_UNLIMITED;
    expect_about_ns(run_iterations(MBS_OVERLAP_GROUP, 1).time_s, 4 * 272 + 64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulate");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, NULL);
    tcase_add_test(all, whole_operands_come_one_after_another);
    tcase_add_test(all, slices_overlap);
    tcase_add_test(all, ends_are_seen_beside_computation);
    tcase_add_test(all, what_was_stored_is_read_after_that);
    tcase_add_test(all, operands_come_ahead);
    tcase_add_test(all, nothing_comes_ahead);
    tcase_add_test(all, room_limits_what_comes_ahead);
    tcase_add_test(all, iterations_overlap_where_there_is_room);
    tcase_add_test(all, half_the_dram_takes_twice_the_time);
    tcase_add_test(all, places_of_groups_before_the_last_are_in_the_way);
    tcase_add_test(all, wrong_calls_are_refused);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
