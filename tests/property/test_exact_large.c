/*
 * The ilp planner where brute force does not reach: larger random networks and the zoo. Its plans
 * are replayed, never worse than dp's, never below their bound, the same each time, and a larger
 * buffer never makes an optimum worse. MBS_SEED=N, MBS_ROUNDS=N; MBS_SOURCE_DIR: the checkout.
 */
#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "random_network.h"
#include "run.h"

static uint64_t seed = 19720207;
static int rounds = 12;
static mbs_error error;

static void must(mbs_status status, const char *label)
{
    ck_assert_msg(status == MBS_OK, "%s: %s: %s", label, mbs_status_text(status), error.message[0]);
}

typedef struct answer {
    int64_t dp_bytes;
    int64_t bytes;
    int64_t bound;
    bool optimal;
} answer;

static mbs_plan *make(const mbs_program *program, const mbs_plan_options *options,
                      const char *label)
{
    mbs_hardware hardware;
    mbs_plan *plan = NULL;
    mbs_traffic planned;
    mbs_traffic counted;
    mbs_hardware_wavecore(&hardware);
    mbs_error_clear(&error);
    must(mbs_plan_create(&plan, program, &hardware, options, &error), label);
    must(mbs_plan_verify(plan, &counted, &error), label);
    mbs_plan_traffic(plan, &planned);
    ck_assert_int_eq(planned.total, counted.total);
    return plan;
}

/* Plans with dp and with ilp and compares the two. *json, if wanted, is ilp's plan file. */
static answer ask(const mbs_program *program, mbs_plan_options options, const char *label,
                  char **json)
{
    mbs_traffic dp_traffic;
    mbs_traffic traffic;
    options.planner = MBS_PLANNER_DP;
    mbs_plan *dp = make(program, &options, label);
    options.planner = MBS_PLANNER_ILP;
    mbs_plan *ilp = make(program, &options, label);
    mbs_plan_traffic(dp, &dp_traffic);
    mbs_plan_traffic(ilp, &traffic);
    const answer a = {dp_traffic.total, traffic.total, mbs_plan_bound_bytes(ilp),
                      mbs_plan_outcome(ilp) == MBS_OPTIMAL};
    ck_assert_msg(a.bytes <= a.dp_bytes, "%s: above dp", label);
    ck_assert_msg(a.bound <= a.bytes && a.bound > 0, "%s: bound", label);
    ck_assert_msg(a.optimal == (a.bound == a.bytes), "%s: outcome", label);
    if (json != NULL)
        must(mbs_plan_to_json(json, ilp, &error), label);
    mbs_plan_free(dp);
    mbs_plan_free(ilp);
    return a;
}

static mbs_program *random_training(uint64_t *state, char *label, size_t room)
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_network *network = NULL;
    mbs_program *program = NULL;
    const uint64_t start = *state;
    network_shape shape = (network_shape)random_between(state, 0, SHAPE_COUNT - 1);
    char *json = random_network(state, shape, (int)random_between(state, 10, 30));
    snprintf(label, room, "network of shape %d from state %" PRIu64, (int)shape, start);
    must(mbs_network_load_text(&network, json, strlen(json), "random", &error), label);
    must(mbs_program_create(&program, network, &options, &error), label);
    mbs_network_free(network);
    free(json);
    return program;
}

START_TEST(larger_networks)
{
    uint64_t state = seed;
    int below_dp = 0;
    int proven = 0;
    for (int round = 0; round < rounds; round++) {
        char label[80];
        char *once = NULL;
        char *again = NULL;
        mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
        mbs_program *program = random_training(&state, label, sizeof label);
        options.batch = random_between(&state, 2, 16);
        options.no_pin = random_between(&state, 0, 1) != 0;
        options.time_limit_s = 20;
        options.buffer_bytes = MBS_MIN_BUFFER_BYTES + random_between(&state, 0, 4000);
        answer a = ask(program, options, label, &once);
        below_dp += a.bytes < a.dp_bytes;
        proven += a.optimal;
        if (a.optimal) { /* a search that ended by itself depends on no clock */
            ask(program, options, label, &again);
            ck_assert_str_eq(once, again);
        }
        options.buffer_bytes += random_between(&state, 1, 1500);
        answer larger = ask(program, options, label, NULL);
        if (larger.optimal)
            ck_assert_msg(larger.bytes <= a.bytes, "%s: a larger buffer is worse", label);
        if (a.optimal)
            ck_assert_msg(larger.bound <= a.bytes, "%s: the bound rises with the buffer", label);
        mbs_free(once);
        mbs_free(again);
        mbs_program_free(program);
    }
    printf("%d larger networks: %d proven, %d below dp\n", rounds, proven, below_dp);
    ck_assert_int_gt(proven, 0);
    ck_assert_int_gt(below_dp, 0);
}
END_TEST

static const char *const zoo[] = {"alexnet",      "vgg16",    "resnet18",
                                  "mobilenet_v2", "resnet50", "inception_v3"};

START_TEST(zoo_from_small_to_large_buffers)
{
    const char *root = getenv("MBS_SOURCE_DIR");
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    char path[4096];
    mbs_network *network = NULL;
    mbs_program *program = NULL;
    ck_assert_ptr_nonnull(root);
    snprintf(path, sizeof path, "%s/models/networks/%s.json", root, zoo[_i]);
    must(mbs_network_load_file(&network, path, &error), path);
    must(mbs_program_create(&program, network, &program_options, &error), path);
    for (int64_t buffer = INT64_C(256) << 10; buffer <= INT64_C(64) << 20; buffer *= 4) {
        mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
        options.buffer_bytes = buffer;
        options.time_limit_s = 0.2;
        ask(program, options, path, NULL);
        options.no_pin = 1;
        ask(program, options, path, NULL);
    }
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("exact_large");
    TCase *tests = tcase_create("ilp");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, larger_networks);
    tcase_add_loop_test(tests, zoo_from_small_to_large_buffers, 0, sizeof zoo / sizeof zoo[0]);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
