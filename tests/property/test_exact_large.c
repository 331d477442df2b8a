/*
 * The ilp planner where brute force does not reach: larger random networks and the zoo. Its plans
 * are replayed, never worse than dp's, never below their bound, the same each time, and a larger
 * buffer never makes an optimum worse. MBS_SEED=N, MBS_ROUNDS=N.
 */
#include <check.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbsopt/mbsopt.h"
#include "planned.h"
#include "random_network.h"
#include "run.h"

static uint64_t seed = 19720207;
static int rounds = 12;
static mbs_error error;

typedef struct answer {
    int64_t dp_bytes;
    int64_t bytes;
    int64_t bound;
    bool optimal;
} answer;

/* Plans with dp and with ilp and compares the two. *json, if wanted, is ilp's plan file. */
static answer ask(const mbs_program *program, mbs_plan_options options, const char *label,
                  char **json)
{
    mbs_hardware hardware;
    mbs_traffic dp_traffic;
    mbs_traffic traffic;
    mbs_hardware_wavecore(&hardware);
    options.planner = MBS_PLANNER_DP;
    mbs_plan *dp = replayed_plan(program, &hardware, &options, label);
    options.planner = MBS_PLANNER_ILP;
    mbs_plan *ilp = replayed_plan(program, &hardware, &options, label);
    mbs_plan_traffic(dp, &dp_traffic);
    mbs_plan_traffic(ilp, &traffic);
    const answer a = {dp_traffic.total, traffic.total, mbs_plan_bound_bytes(ilp),
                      mbs_plan_outcome(ilp) == MBS_OPTIMAL};
    ck_assert_msg(a.bytes <= a.dp_bytes, "%s: above dp", label);
    ck_assert_msg(a.bound <= a.bytes && a.bound > 0, "%s: bound", label);
    ck_assert_msg(a.optimal == (a.bound == a.bytes), "%s: outcome", label);
    if (json != NULL)
        must_succeed(mbs_plan_to_json(json, ilp, &error), &error, label);
    mbs_plan_free(dp);
    mbs_plan_free(ilp);
    return a;
}

static mbs_program *random_training(uint64_t *state, char label[RANDOM_LABEL_BYTES])
{
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_program *program = NULL;
    mbs_network *network = random_network(state, (int)random_between(state, 10, 30), label);
    must_succeed(mbs_program_create(&program, network, &options, &error), &error, label);
    mbs_network_free(network);
    return program;
}

START_TEST(larger_networks)
{
    uint64_t state = seed;
    int below_dp = 0;
    int proven = 0;
    for (int round = 0; round < rounds; round++) {
        char label[RANDOM_LABEL_BYTES];
        char *once = NULL;
        char *again = NULL;
        mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
        mbs_program *program = random_training(&state, label);
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

#define MOST_NETWORKS 64

static char *zoo[MOST_NETWORKS];
static int zoo_count;

/* Every network file of the checkout. */
static void find_zoo(void)
{
    const char *folder = source_path("models/networks");
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    while (listing != NULL && (entry = readdir(listing)) != NULL && zoo_count < MOST_NETWORKS) {
        if (strstr(entry->d_name, ".json") == NULL)
            continue;
        const size_t room = strlen(folder) + strlen(entry->d_name) + 2;
        zoo[zoo_count] = malloc(room);
        if (zoo[zoo_count] != NULL)
            snprintf(zoo[zoo_count++], room, "%s/%s", folder, entry->d_name);
    }
    if (listing != NULL)
        closedir(listing);
}

/* By turns with and without pinning; the search is given hardly any work, for a limit of time would
 * hold for dp too, under sanitizers on a busy machine. */
START_TEST(zoo_from_small_to_large_buffers)
{
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_network *network = NULL;
    mbs_program *program = NULL;
    must_succeed(mbs_network_load_file(&network, zoo[_i], &error), &error, zoo[_i]);
    must_succeed(mbs_program_create(&program, network, &program_options, &error), &error, zoo[_i]);
    int turn = _i;
    for (int64_t buffer = INT64_C(256) << 10; buffer <= INT64_C(64) << 20; buffer *= 2) {
        mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
        options.buffer_bytes = buffer;
        options.work_limit = 0.001;
        options.no_pin = turn++ % 2;
        ask(program, options, zoo[_i], NULL);
    }
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

START_TEST(zoo_is_there)
{
    ck_assert_int_gt(zoo_count, 5);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    find_zoo();
    Suite *suite = suite_create("exact_large");
    TCase *tests = tcase_create("ilp");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, larger_networks);
    tcase_add_test(tests, zoo_is_there);
    tcase_add_loop_test(tests, zoo_from_small_to_large_buffers, 0, zoo_count);
    suite_add_tcase(suite, tests);
    const int failed = run_suite(suite);
    for (int i = 0; i < zoo_count; i++)
        free(zoo[i]);
    return failed;
}
