/*
 * Random networks with random sets of recomputed layers, and the choice of sets (section 10). The
 * seed is printed; MBS_SEED=N repeats a run and MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brute_force.h"
#include "mbsopt/mbsopt.h"
#include "random_network.h"
#include "run.h"

#define MIB 1048576

static uint64_t seed = 20240229;
static int rounds = 30;
static mbs_error error;

typedef struct setting {
    mbs_network *network;
    mbs_program_options program_options;
    mbs_hardware hardware;
    mbs_plan_options options;
    unsigned char *set;
    char label[160];
} setting;

/* Whether the layer's output may be recomputed, found by asking for it alone. */
static int is_allowed(setting *s, size_t layer)
{
    mbs_program *program = NULL;
    const size_t layers = mbs_network_layer_count(s->network);
    unsigned char *one = calloc(layers, 1);
    ck_assert_ptr_nonnull(one);
    one[layer] = 1;
    mbs_program_options options = s->program_options;
    options.recompute_layers = one;
    mbs_error_clear(&error);
    mbs_status status = mbs_program_create(&program, s->network, &options, &error);
    ck_assert(status == MBS_OK || status == MBS_ERR_ARGUMENT);
    ck_assert((status == MBS_OK) == (program != NULL));
    mbs_program_free(program);
    mbs_error_clear(&error);
    free(one);
    return status == MBS_OK;
}

static void open_setting(setting *s, uint64_t *state, int layers)
{
    const uint64_t start = *state;
    network_shape shape = (network_shape)random_between(state, 0, SHAPE_COUNT - 1);
    char *json = random_network(state, shape, layers);
    snprintf(s->label, sizeof s->label, "network of shape %d from state %" PRIu64, (int)shape,
             start);
    mbs_error_clear(&error);
    must_succeed(mbs_network_load_text(&s->network, json, strlen(json), "random", &error), &error,
                 s->label);
    mbs_free(json);
    s->program_options = (mbs_program_options)MBS_PROGRAM_OPTIONS_INIT;
    s->program_options.keep_batch_norm = random_between(state, 0, 1) == 0;
    mbs_hardware_wavecore(&s->hardware);
    s->hardware.norm_passes = random_between(state, 1, 3);
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.batch = random_between(state, 1, 20);
    s->options.buffer_bytes = 5096 + random_between(state, 0, 1 << random_between(state, 5, 16));
    s->options.no_pin = random_between(state, 0, 3) == 0;
    s->options.no_stream = random_between(state, 0, 3) == 0;
    s->options.time_limit_s = 1;
    const size_t count = mbs_network_layer_count(s->network);
    const int64_t every = random_between(state, 1, 3);
    s->set = calloc(count, 1);
    ck_assert_ptr_nonnull(s->set);
    for (size_t l = 0; l < count; l++)
        if (random_between(state, 1, every) == 1 && is_allowed(s, l))
            s->set[l] = MBS_RECOMPUTE_OUTPUT;
    for (size_t l = 0; l < count && random_between(state, 0, 1) == 0; l++)
        if (random_between(state, 0, 2) == 0)
            s->set[l] |= MBS_RECOMPUTE_ANEW;
}

static void close_setting(setting *s)
{
    free(s->set);
    mbs_network_free(s->network);
}

static mbs_program *make_program(const setting *s, const unsigned char *set)
{
    mbs_program *program;
    mbs_program_options options = s->program_options;
    options.recompute_layers = set;
    must_succeed(mbs_program_create(&program, s->network, &options, &error), &error, s->label);
    return program;
}

static int64_t traffic_of(const setting *s, const mbs_program *program, mbs_planner planner)
{
    mbs_plan_options options = s->options;
    mbs_plan *plan;
    mbs_traffic planned, counted;
    options.planner = planner;
    must_succeed(mbs_plan_create(&plan, program, &s->hardware, &options, &error), &error, s->label);
    must_succeed(mbs_plan_verify(plan, &counted, &error), &error, s->label);
    mbs_plan_traffic(plan, &planned);
    ck_assert(memcmp(&planned, &counted, sizeof planned) == 0);
    mbs_plan_free(plan);
    return planned.total;
}

/* No step reads what no earlier step has written, and each layer is recomputed only if it is in the
 * set, at most once but for the layers that read nothing recomputed before. */
static void check_program(const setting *s, const mbs_program *program)
{
    const size_t layers = mbs_network_layer_count(s->network);
    size_t *again = calloc(layers, sizeof *again);
    size_t most = 1;
    ck_assert_ptr_nonnull(again);
    for (size_t l = 0; l < layers; l++)
        most += (s->set[l] & MBS_RECOMPUTE_ANEW) != 0;
    for (size_t k = 0; k < mbs_program_step_count(program); k++) {
        mbs_step_info step;
        mbs_layer_info layer;
        mbs_tensor_info tensor;
        ck_assert_int_eq(mbs_program_step(program, k, &step), MBS_OK);
        for (size_t r = 0; r < step.read_count; r++) {
            const int64_t read = mbs_program_step_read(program, k, r);
            ck_assert_int_eq(mbs_program_tensor(program, (size_t)read, &tensor), MBS_OK);
            ck_assert_msg(tensor.producer < (int64_t)k, "%s: %s reads %s too early", s->label,
                          step.name, tensor.name);
        }
        if (strstr(step.kind, ".remat") == NULL)
            continue;
        ck_assert_int_eq(step.phase, MBS_BACKWARD);
        ck_assert_uint_eq(step.write_count, 1);
        ck_assert_int_eq(step.accumulator_bytes, 0);
        for (size_t l = 0; l < layers; l++)
            if (mbs_network_layer(s->network, l, &layer) == MBS_OK &&
                strcmp(layer.name, step.layer) == 0) {
                ck_assert(s->set[l] & MBS_RECOMPUTE_OUTPUT);
                ck_assert_uint_le(++again[l], most);
            }
    }
    free(again);
}

START_TEST(any_set_is_planned)
{
    uint64_t state = seed;
    size_t remats = 0;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 3, 30));
        mbs_program *program = make_program(&s, s.set);
        mbs_program *plain = make_program(&s, NULL);
        check_program(&s, program);
        remats += mbs_program_step_count(program) - mbs_program_step_count(plain);
        const int64_t baseline = traffic_of(&s, program, MBS_PLANNER_BASELINE);
        const int64_t dp = traffic_of(&s, program, MBS_PLANNER_DP);
        ck_assert_int_le(dp, baseline);
        for (int planner = MBS_PLANNER_IL; planner < MBS_PLANNER_MBS2; planner++)
            traffic_of(&s, program, (mbs_planner)planner);
        ck_assert_int_le(dp, traffic_of(&s, program, MBS_PLANNER_MBS2));
        if (round % 10 == 0)
            ck_assert_int_le(traffic_of(&s, program, MBS_PLANNER_ILP), dp);
        mbs_program_free(plain);
        mbs_program_free(program);
        close_setting(&s);
    }
    ck_assert_uint_gt(remats, (size_t)rounds);
}
END_TEST

START_TEST(dp_equals_brute_force)
{
    uint64_t state = seed + 1;
    int compared = 0;
    for (int round = 0; round < rounds * 8; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 1, 4));
        mbs_program *program = make_program(&s, s.set);
        mbs_program *plain = make_program(&s, NULL);
        const size_t steps = mbs_program_step_count(program);
        if (steps > mbs_program_step_count(plain) && steps <= 12) {
            oracle_task task = {program,
                                s.options.batch,
                                s.options.buffer_bytes,
                                s.hardware.norm_passes,
                                !s.options.no_pin,
                                !s.options.no_stream};
            ck_assert_msg(traffic_of(&s, program, MBS_PLANNER_DP) == brute_force_dp(&task),
                          "%s: dp is not the least", s.label);
            compared++;
        }
        mbs_program_free(plain);
        mbs_program_free(program);
        close_setting(&s);
    }
    printf("dp equals brute force on %d networks that recompute\n", compared);
    ck_assert_int_gt(compared, rounds / 5);
}
END_TEST

/* ---- auto ------------------------------------------------------------------------------------ */

static double objective_of(const setting *s, const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_cost cost;
    mbs_plan_traffic(plan, &traffic);
    ck_assert_int_eq(mbs_plan_cost(plan, &s->hardware, &cost), MBS_OK);
    if (s->options.objective == MBS_TRAFFIC)
        return (double)traffic.total;
    return s->options.objective == MBS_TIME ? cost.time_s : cost.energy_j;
}

static mbs_plan *recompute_plan(const setting *s, mbs_recompute policy, double max_percent)
{
    const mbs_recompute_options recompute = {policy, max_percent};
    mbs_plan *plan;
    must_succeed(mbs_plan_create_recompute(&plan, s->network, &s->program_options, &s->hardware,
                                           &s->options, &recompute, &error),
                 &error, s->label);
    must_succeed(mbs_plan_verify(plan, NULL, &error), &error, s->label);
    return plan;
}

/* auto is within its limit, not above any other policy that is, and the same each time. */
static void check_auto(const setting *s, double max_percent)
{
    mbs_recompute_info info;
    mbs_plan *chosen = recompute_plan(s, MBS_RECOMPUTE_AUTO, max_percent);
    mbs_plan *again = recompute_plan(s, MBS_RECOMPUTE_AUTO, max_percent);
    char *text[2];
    const double found = objective_of(s, chosen);
    mbs_plan_recompute(chosen, &info);
    ck_assert(info.macs_percent <= max_percent + 1e-9);
    must_succeed(mbs_plan_to_json(&text[0], chosen, &error), &error, s->label);
    must_succeed(mbs_plan_to_json(&text[1], again, &error), &error, s->label);
    ck_assert_str_eq(text[0], text[1]);
    for (int policy = 0; policy < MBS_RECOMPUTE_AUTO; policy++) {
        mbs_plan *fixed = recompute_plan(s, (mbs_recompute)policy, 0);
        mbs_plan_recompute(fixed, &info);
        if (info.macs_percent <= max_percent)
            ck_assert_msg(found <= objective_of(s, fixed) * (1 + 1e-9), "%s: auto above %s",
                          s->label, mbs_recompute_name((mbs_recompute)policy));
        mbs_plan_free(fixed);
    }
    mbs_free(text[0]);
    mbs_free(text[1]);
    mbs_plan_free(chosen);
    mbs_plan_free(again);
}

/* dp's auto: the outcome for traffic, and that within 10 %, are starts of the search. */
static void check_starts(setting *s, double max_percent)
{
    const mbs_objective objective = s->options.objective;
    mbs_plan *chosen = recompute_plan(s, MBS_RECOMPUTE_AUTO, max_percent);
    mbs_plan *less = recompute_plan(s, MBS_RECOMPUTE_AUTO, 10);
    s->options.objective = MBS_TRAFFIC;
    mbs_plan *traffic = recompute_plan(s, MBS_RECOMPUTE_AUTO, max_percent);
    s->options.objective = objective;
    const double most = objective_of(s, chosen) * (1 - 1e-9);
    ck_assert_msg(most <= objective_of(s, traffic), "%s: worse than for traffic", s->label);
    if (max_percent > 10)
        ck_assert_msg(most <= objective_of(s, less), "%s: worse within %g %% than within 10 %%",
                      s->label, max_percent);
    mbs_plan_free(chosen);
    mbs_plan_free(less);
    mbs_plan_free(traffic);
}

START_TEST(auto_is_never_worse)
{
    static const mbs_planner planners[] = {MBS_PLANNER_DP, MBS_PLANNER_MBS2, MBS_PLANNER_ILP,
                                           MBS_PLANNER_BEST};
    uint64_t state = seed + 2;
    for (int round = 0; round < rounds / 3; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 2, 20));
        s.options.planner = planners[random_between(&state, 0, 3)];
        if (s.options.planner == MBS_PLANNER_DP)
            s.options.objective = (mbs_objective)random_between(&state, 0, 2);
        const double max_percent = (double)random_between(&state, 0, 40);
        check_auto(&s, max_percent);
        if (s.options.planner == MBS_PLANNER_DP)
            check_starts(&s, max_percent);
        close_setting(&s);
    }
}
END_TEST

/* In small and large buffers, auto moves no more than the fixed policies within its limit. */
START_TEST(auto_on_networks)
{
    static const char *const names[] = {"alexnet", "vgg16", "resnet18", "mobilenet_v2"};
    static const int64_t buffers[] = {MIB / 4, MIB, 8 * MIB, 64 * MIB};
    const char *source = getenv("MBS_SOURCE_DIR");
    setting s = {.program_options = MBS_PROGRAM_OPTIONS_INIT, .options = MBS_PLAN_OPTIONS_INIT};
    char path[2048];
    snprintf(path, sizeof path, "%s/models/networks/%s.json", source != NULL ? source : ".",
             names[_i % 4]);
    must_succeed(mbs_network_load_file(&s.network, path, &error), &error, path);
    snprintf(s.label, sizeof s.label, "%s", names[_i % 4]);
    mbs_hardware_wavecore(&s.hardware);
    s.options.buffer_bytes = buffers[_i / 4];
    mbs_plan *chosen = recompute_plan(&s, MBS_RECOMPUTE_AUTO, 10);
    for (int policy = 0; policy < MBS_RECOMPUTE_AUTO; policy++) {
        mbs_recompute_info info;
        mbs_plan *fixed = recompute_plan(&s, (mbs_recompute)policy, 0);
        mbs_plan_recompute(fixed, &info);
        if (info.macs_percent <= 10)
            ck_assert_msg(objective_of(&s, chosen) <= objective_of(&s, fixed), "%s: auto above %s",
                          s.label, mbs_recompute_name((mbs_recompute)policy));
        mbs_plan_free(fixed);
    }
    mbs_plan_free(chosen);
    mbs_network_free(s.network);
}
END_TEST

/* Where a copy is read far behind the step that it is made for, a second one pays: without such
 * copies the search comes to 1720602480 bytes. */
START_TEST(auto_recomputes_anew)
{
    const char *source = getenv("MBS_SOURCE_DIR");
    setting s = {.program_options = MBS_PROGRAM_OPTIONS_INIT,
                 .options = MBS_PLAN_OPTIONS_INIT,
                 .label = "resnet50"};
    mbs_recompute_info info;
    char path[2048];
    snprintf(path, sizeof path, "%s/models/networks/resnet50.json", source != NULL ? source : ".");
    must_succeed(mbs_network_load_file(&s.network, path, &error), &error, path);
    mbs_hardware_wavecore(&s.hardware);
    mbs_plan *plan = recompute_plan(&s, MBS_RECOMPUTE_AUTO, 10);
    mbs_plan_recompute(plan, &info);
    ck_assert_uint_gt(info.anew, 0);
    ck_assert(info.macs_percent <= 10);
    ck_assert(objective_of(&s, plan) < 1720602480);
    mbs_plan_free(plan);
    mbs_network_free(s.network);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("recompute");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, any_set_is_planned);
    tcase_add_test(tests, dp_equals_brute_force);
    tcase_add_test(tests, auto_is_never_worse);
    tcase_add_loop_test(tests, auto_on_networks, 0, 16);
    tcase_add_test(tests, auto_recomputes_anew);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
