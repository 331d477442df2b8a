/* src/cost: what holds for the time of every planner's plans, and published figures. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "cost/schedule.h"
#include "mbsopt/mbsopt.h"
#include "no_bias.h"
#include "run.h"
#include "timed_networks.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

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
    Suite *suite = suite_create("time_laws");
    TCase *tests = tcase_create("laws");
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, every_planner, 0, (int)COUNT(zoo));
    tcase_add_test(tests, loaded_plans_cost_the_same);
    tcase_add_test(tests, published_utilisation);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
