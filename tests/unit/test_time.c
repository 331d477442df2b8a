/* src/cost: time and energy of plans, against cases counted by hand. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cost/footprint.h"
#include "cost/group_time.h"
#include "cost/time.h"
#include "mbsopt/mbsopt.h"
#include "no_bias.h"
#include "plan/groups.h"
#include "plan/planner.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static mbs_error error;

/* ---- A step by hand -------------------------------------------------------------------------- */

/* x [2,4,4] -> c [2,4,4], 64 bytes per sample each, 8 bytes of weights: 16 x 2 by 2 x 2. */
static const char one_conv[] =
    "{\"format\":\"mbsopt-network/1\",\"name\":\"one\","
    "\"inputs\":[{\"name\":\"x\",\"shape\":[2,4,4]}],\"layers\":["
    "{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"],\"out_channels\":2,\"kernel\":1}]}";

static mbs_program *make_program(const mbs_network *network, int inference, int keep_batch_norm)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program;
    options.inference = inference;
    options.keep_batch_norm = keep_batch_norm;
    must_succeed(mbs_program_create(&program, network, &options, &error), &error, "program");
    return program;
}

static mbs_network *load_text(const char *text)
{
    mbs_network *network;
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_text(&network, text, strlen(text), "network", &error), &error,
                 "network");
    return network;
}

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

/* ---- Every planner --------------------------------------------------------------------------- */

static void add(mbs_cost *sum, const mbs_cost *part)
{
    sum->time_s += part->time_s;
    sum->dram_bytes += part->dram_bytes;
    sum->macs += part->macs;
    sum->gemm_cycles += part->gemm_cycles;
    sum->energy_j += part->energy_j;
}

static void assert_same(const mbs_cost *sum, const mbs_cost *whole)
{
    ck_assert_double_eq(sum->dram_bytes, whole->dram_bytes);
    ck_assert_double_eq(sum->macs, whole->macs);
    ck_assert_double_eq(sum->gemm_cycles, whole->gemm_cycles);
    ck_assert_double_eq_tol(sum->time_s / whole->time_s, 1, 1e-9);
    ck_assert_double_eq_tol(sum->energy_j / whole->energy_j, 1, 1e-9);
}

/* What holds of the cost of any part of a plan. */
static void check_laws(const mbs_cost *cost, const mbs_hardware *hardware)
{
    const double nearly = 1 - 1e-12;
    const double clock = (double)hardware->clock_hz;
    const double cells = (double)(hardware->array_rows * hardware->array_cols);
    const double bandwidth = hardware->dram_efficiency * (double)hardware->bandwidth_bytes_per_s /
                             (double)hardware->cores;
    ck_assert_double_ge(cost->time_s, nearly * cost->dram_bytes / bandwidth);
    ck_assert_double_ge(cost->time_s, nearly * cost->macs / (cells * clock));
    ck_assert_double_ge(cost->time_s, nearly * cost->vector_elements /
                                          (double)hardware->vector_elements_per_cycle / clock);
    ck_assert_double_ge(cost->time_s, nearly * cost->compute_s);
    ck_assert_double_ge(cost->time_s, nearly * cost->dram_s);
    ck_assert_double_le(nearly * cost->time_s, cost->compute_s + cost->dram_s);
    ck_assert_double_le(nearly * cost->compute_bound_s, fmin(cost->compute_s, cost->time_s));
    ck_assert_double_ge(cost->buffer_bytes, cost->dram_bytes);
    ck_assert(cost->utilisation >= 0 && cost->utilisation <= 1);
    assert_near(cost->dram_j, cost->dram_bytes * 8e-12 * hardware->dram_pj_per_bit, "DRAM");
    assert_near(cost->buffer_j, cost->buffer_bytes * 1e-12 * hardware->buffer_pj_per_byte,
                "buffer");
    assert_near(cost->mac_j, cost->macs * 1e-12 * hardware->mac_pj, "MACs");
    assert_near(cost->vector_j, cost->vector_elements * 1e-12 * hardware->vector_pj, "vector");
    assert_near(cost->static_j, cost->time_s * hardware->static_w, "static");
    assert_near(cost->energy_j,
                cost->dram_j + cost->buffer_j + cost->mac_j + cost->vector_j + cost->static_j,
                "energy");
}

static void check_parts(const mbs_plan *plan, const mbs_hardware *hardware, const mbs_cost *whole)
{
    mbs_cost groups = {0};
    mbs_cost phases = {0};
    mbs_cost steps = {0};
    mbs_cost part;
    for (size_t g = 0; g < mbs_plan_group_count(plan); g++) {
        mbs_traffic traffic;
        must_succeed(mbs_plan_group_cost(plan, hardware, g, &part), &error, "group");
        must_succeed(mbs_plan_group_traffic(plan, g, &traffic), &error, "traffic");
        ck_assert_double_eq(part.dram_bytes, (double)traffic.total);
        check_laws(&part, hardware);
        add(&groups, &part);
    }
    for (int phase = 0; phase < 2; phase++) {
        must_succeed(mbs_plan_phase_cost(plan, hardware, (mbs_phase)phase, &part), &error, "phase");
        check_laws(&part, hardware);
        add(&phases, &part);
    }
    for (size_t k = 0; k < mbs_program_step_count(mbs_plan_program(plan)); k++) {
        must_succeed(mbs_plan_step_cost(plan, hardware, k, &part), &error, "step");
        check_laws(&part, hardware);
        add(&steps, &part);
    }
    assert_same(&groups, whole);
    assert_same(&phases, whole);
    assert_same(&steps, whole);
}

/* A group's time where nothing overlaps, where its executions' transfers do, and where iterations
 * do. */
static void check_overlap(const mbs_plan *plan, const mbs_hardware *hardware)
{
    mbs_hardware other = *hardware;
    mbs_cost costs[MBS_OVERLAP_COUNT];
    mbs_cost whole;
    mbs_cost part;
    const double nearly = 1 - 1e-12;
    double steps_s = 0;
    double phases_s = 0;
    for (size_t g = 0; g < mbs_plan_group_count(plan); g++) {
        for (int i = 0; i < MBS_OVERLAP_COUNT; i++) {
            other.overlap = (mbs_overlap)i;
            must_succeed(mbs_plan_group_cost(plan, &other, g, &costs[i]), &error, "group");
        }
        const mbs_cost *group = &costs[MBS_OVERLAP_GROUP];
        const double clock = (double)hardware->clock_hz;
        const double vector_s =
            group->vector_elements / (double)hardware->vector_elements_per_cycle / clock;
        assert_near(costs[MBS_OVERLAP_NONE].time_s, group->compute_s + group->dram_s, "none");
        ck_assert_double_le(nearly * group->time_s, costs[MBS_OVERLAP_STEP].time_s);
        ck_assert_double_ge(group->time_s, nearly * group->dram_s);
        ck_assert_double_ge(group->time_s, nearly * vector_s);
        ck_assert_double_ge(group->time_s, nearly * group->gemm_cycles / clock);
        ck_assert_double_le(nearly * group->compute_bound_s, group->time_s);
        if (plan->groups[g].iterations == 1)
            assert_near(group->time_s, costs[MBS_OVERLAP_STEP].time_s, "one iteration");
    }
    must_succeed(mbs_plan_cost(plan, &other, &whole), &error, "cost");
    for (int phase = 0; phase < 2; phase++) {
        must_succeed(mbs_plan_phase_cost(plan, &other, (mbs_phase)phase, &part), &error, "phase");
        phases_s += part.time_s;
    }
    for (size_t k = 0; k < mbs_program_step_count(mbs_plan_program(plan)); k++) {
        must_succeed(mbs_plan_step_cost(plan, &other, k, &part), &error, "step");
        steps_s += part.time_s;
    }
    ck_assert_double_eq_tol(phases_s / whole.time_s, 1, 1e-9);
    ck_assert_double_eq_tol(steps_s / whole.time_s, 1, 1e-9);
}

static void check_planner(const mbs_program *program, const mbs_hardware *hardware,
                          mbs_planner planner, int64_t batch)
{
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_plan *plan;
    mbs_cost cost;
    mbs_traffic traffic;
    options.planner = planner;
    options.batch = batch;
    options.time_limit_s = 0;
    must_succeed(mbs_plan_create(&plan, program, hardware, &options, &error), &error, "plan");
    must_succeed(mbs_plan_cost(plan, hardware, &cost), &error, "cost");
    mbs_plan_traffic(plan, &traffic);
    ck_assert_double_eq(cost.dram_bytes, (double)traffic.total);
    check_laws(&cost, hardware);
    check_parts(plan, hardware, &cost);
    check_overlap(plan, hardware);
    ck_assert_int_eq(mbs_plan_group_cost(plan, hardware, mbs_plan_group_count(plan), &cost),
                     MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_plan_step_cost(plan, hardware, mbs_program_step_count(program), &cost),
                     MBS_ERR_ARGUMENT);
    mbs_plan_free(plan);
}

static const char *const zoo[] = {"alexnet", "resnet18", "mobilenet_v2", "densenet121"};

START_TEST(every_planner)
{
    static const int64_t buffers[] = {1 << 18, 1 << 22, 10 << 20};
    static const int64_t batches[] = {1, 7, 32};
    const char *path = source_path("models/networks/%s.json", zoo[_i]);
    mbs_network *network;
    mbs_hardware hardware;
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_file(&network, path, &error), &error, path);
    mbs_hardware_wavecore(&hardware);
    for (int inference = 0; inference < 2; inference++) {
        mbs_program *program = make_program(network, inference, 0);
        for (size_t i = 0; i < COUNT(buffers); i++) {
            hardware.buffer_bytes = buffers[i];
            for (int planner = 0; planner < MBS_PLANNER_COUNT; planner++)
                check_planner(program, &hardware, (mbs_planner)planner, batches[i]);
        }
        mbs_program_free(program);
    }
    mbs_network_free(network);
}
END_TEST

/* Takes every `, "name": {…}` or `, "name": 12` out of a plan file's text. */
static void strip_member(char *text, const char *name)
{
    char key[40];
    snprintf(key, sizeof key, ", \"%s\": ", name);
    for (char *at = strstr(text, key); at != NULL; at = strstr(at, key)) {
        char *value = at + strlen(key);
        char *end = *value == '{' ? strchr(value, '}') + 1 : value + strspn(value, "0123456789");
        memmove(at, end, strlen(end) + 1);
    }
}

/* A plan file tells of shapes; without that its costs are not known. */
START_TEST(loaded_plans_cost_the_same)
{
    mbs_network *network = load_text(one_conv);
    mbs_program *program = make_program(network, 0, 0);
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware hardware;
    mbs_plan *plan;
    mbs_plan *loaded;
    mbs_cost cost;
    mbs_cost again;
    char *text;
    mbs_hardware_wavecore(&hardware);
    for (int planner = 0; planner < MBS_PLANNER_ILP; planner++) {
        options.planner = (mbs_planner)planner;
        must_succeed(mbs_plan_create(&plan, program, &hardware, &options, &error), &error, "plan");
        must_succeed(mbs_plan_cost(plan, &hardware, &cost), &error, "cost");
        must_succeed(mbs_plan_to_json(&text, plan, &error), &error, "text");
        must_succeed(mbs_plan_load_text(&loaded, text, strlen(text), "plan", &error), &error,
                     "load");
        must_succeed(mbs_plan_cost(loaded, &hardware, &again), &error, "cost");
        ck_assert_mem_eq(&cost, &again, sizeof cost);
        mbs_plan_free(loaded);
        mbs_plan_free(plan);
        if (planner < MBS_PLANNER_ILP - 1)
            mbs_free(text);
    }
    strip_member(text, "elements");
    must_succeed(mbs_plan_load_text(&loaded, text, strlen(text), "plan", &error), &error, "load");
    ck_assert_int_eq(mbs_plan_cost(loaded, &hardware, &cost), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_plan_group_cost(loaded, &hardware, 0, &cost), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_plan_phase_cost(loaded, &hardware, MBS_FORWARD, &cost), MBS_ERR_ARGUMENT);
    ck_assert_int_eq(mbs_plan_step_cost(loaded, &hardware, 0, &cost), MBS_ERR_ARGUMENT);
    mbs_free(text);
    mbs_plan_free(loaded);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

/* ---- Published figures (model, section 8) ---------------------------------------------------- */

static mbs_network *load_resnet50(void)
{
    static const char *const names[] = {"resnet50", NULL};
    no_bias networks;
    char path[1200];
    mbs_network *network;
    ck_assert(no_bias_open(&networks, names));
    snprintf(path, sizeof path, "%s/resnet50.json", networks.folder);
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_file(&network, path, &error), &error, path);
    no_bias_close(&networks);
    return network;
}

START_TEST(published_utilisation)
{
    static const struct {
        mbs_planner planner;
        double utilisation;
    } expected[] = {
        {MBS_PLANNER_BASELINE, 0.546}, {MBS_PLANNER_ARCHOPT, 0.808}, {MBS_PLANNER_MBS2, 0.770}};
    mbs_network *network = load_resnet50();
    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    for (size_t i = 0; i < COUNT(expected); i++) {
        mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
        mbs_program *program = make_program(network, 0, expected[i].planner != MBS_PLANNER_MBS2);
        mbs_plan *plan;
        mbs_cost cost;
        options.planner = expected[i].planner;
        must_succeed(mbs_plan_create(&plan, program, &hardware, &options, &error), &error, "plan");
        must_succeed(mbs_plan_cost(plan, &hardware, &cost), &error, "cost");
        ck_assert_double_eq_tol(cost.utilisation, expected[i].utilisation, 0.0005);
        /* the baseline waits for DRAM, mbs2 mostly does not */
        if (expected[i].planner == MBS_PLANNER_MBS2)
            ck_assert_double_ge(cost.compute_bound_s, 0.5 * cost.time_s);
        if (expected[i].planner == MBS_PLANNER_BASELINE)
            ck_assert_double_ge(cost.time_s, 1.2 * cost.compute_s);
        mbs_plan_free(plan);
        mbs_program_free(program);
    }
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
    tcase_add_loop_test(tests, every_planner, 0, (int)COUNT(zoo));
    tcase_add_test(tests, loaded_plans_cost_the_same);
    tcase_add_test(tests, published_utilisation);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
