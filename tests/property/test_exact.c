/*
 * The ilp planner: against brute force on small programs, against its own promises on larger ones.
 * The seed is printed; MBS_SEED=N repeats a run and MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>

#include "brute_force_ilp.h"
#include "mbsopt/mbsopt.h"
#include "planned.h"
#include "random_network.h"
#include "random_program.h"
#include "run.h"

#define MOST_STEPS RANDOM_PROGRAM_STEPS

static uint64_t seed = 20190331;
static int rounds = 100;

typedef struct setting {
    mbs_network *network; /* null if the program was made directly */
    mbs_program *program;
    mbs_hardware hardware;
    mbs_plan_options options;
    char label[RANDOM_LABEL_BYTES];
} setting;

/* ---- Random programs ------------------------------------------------------------------------- */

static void random_options(setting *s, uint64_t *state, int64_t most_samples)
{
    mbs_hardware_wavecore(&s->hardware);
    s->hardware.norm_passes = random_between(state, 1, 3);
    s->hardware.reserved_bytes = random_between(state, 0, 3) == 0 ? 1000 : 0;
    s->options = (mbs_plan_options)MBS_PLAN_OPTIONS_INIT;
    s->options.planner = MBS_PLANNER_ILP;
    s->options.batch = random_between(state, 1, most_samples);
    s->options.buffer_bytes =
        random_buffer(state, s->program, s->options.batch) + s->hardware.reserved_bytes;
    s->options.no_pin = random_between(state, 0, 2) == 0;
    s->options.no_stream = random_between(state, 0, 2) == 0;
    s->options.in_place = random_between(state, 0, 1) == 0;
}

static void open_network(setting *s, uint64_t *state, int layers, int64_t most_samples)
{
    static mbs_error error;
    mbs_program_options options = MBS_PROGRAM_OPTIONS_INIT;
    s->network = random_network(state, layers, s->label);
    mbs_error_clear(&error);
    options.optimizer = random_optimizer(state);
    options.inference = random_between(state, 0, 2) == 0;
    options.keep_batch_norm = random_between(state, 0, 1) == 0;
    must_succeed(mbs_program_create(&s->program, s->network, &options, &error), &error, s->label);
    random_options(s, state, most_samples);
}

static void open_program(setting *s, uint64_t *state)
{
    snprintf(s->label, sizeof s->label, "program from state %" PRIu64, *state);
    s->network = NULL;
    s->program = random_program(state);
    random_options(s, state, 24);
}

static void close_setting(setting *s)
{
    mbs_program_free(s->program);
    mbs_network_free(s->network);
}

static bool small_enough(const mbs_program *program)
{
    return program->step_count <= MOST_STEPS &&
           brute_force_interval_count(program) <= BRUTE_FORCE_INTERVALS;
}

/* ---- Planning -------------------------------------------------------------------------------- */

typedef struct answer {
    int64_t bytes;
    int64_t bound;
    mbs_outcome outcome;
    char *json; /* or null */
} answer;

/* Plans, replays once more, and checks what holds for every plan. */
static answer ask(const setting *s, bool with_json)
{
    static mbs_error error;
    mbs_traffic planned;
    answer a = {.json = NULL};
    mbs_plan *plan = replayed_plan(s->program, &s->hardware, &s->options, s->label);
    mbs_error_clear(&error);
    mbs_plan_traffic(plan, &planned);
    if (with_json)
        must_succeed(mbs_plan_to_json(&a.json, plan, &error), &error, s->label);
    a.bytes = planned.total;
    a.bound = mbs_plan_bound_bytes(plan);
    a.outcome = mbs_plan_outcome(plan);
    ck_assert_int_ge(a.bound, 0);
    if (s->options.planner == MBS_PLANNER_ILP)
        ck_assert_msg((a.outcome == MBS_OPTIMAL) == (a.bound == a.bytes) &&
                          a.outcome != MBS_HEURISTIC,
                      "%s: %s with bound %" PRId64 " of %" PRId64, s->label,
                      mbs_outcome_name(a.outcome), a.bound, a.bytes);
    mbs_plan_free(plan);
    return a;
}

static int64_t ask_dp(setting *s)
{
    s->options.planner = MBS_PLANNER_DP;
    int64_t bytes = ask(s, false).bytes;
    s->options.planner = MBS_PLANNER_ILP;
    return bytes;
}

/* ---- Against brute force --------------------------------------------------------------------- */

typedef struct tally {
    int compared;
    int below_dp;
    int searched; /* dp's plan was not obviously optimal */
} tally;

static void compare(setting *s, tally *t)
{
    oracle_task task = oracle_of(s->program, &s->hardware, &s->options);
    int64_t expected = brute_force_ilp(&task);
    int64_t dp = ask_dp(s);
    const int64_t in_its_space = brute_force_dp(&task);
    ck_assert_msg(dp == in_its_space, "%s: dp %" PRId64 ", brute force %" PRId64, s->label, dp,
                  in_its_space);
    answer found = ask(s, false);
    ck_assert_msg(found.bytes == expected,
                  "%s: ilp %" PRId64 ", brute force %" PRId64 ", dp %" PRId64, s->label,
                  found.bytes, expected, dp);
    ck_assert_msg(found.bound == expected && found.outcome == MBS_OPTIMAL,
                  "%s: %s, bound %" PRId64 ", optimum %" PRId64, s->label,
                  mbs_outcome_name(found.outcome), found.bound, expected);
    s->options.time_limit_s = 0;
    answer at_once = ask(s, false);
    ck_assert_int_eq(at_once.bytes, dp);
    ck_assert_int_le(at_once.bound, expected);
    t->compared++;
    t->below_dp += expected < dp;
    t->searched += at_once.outcome == MBS_FEASIBLE;
}

static void print_tally(const char *what, const tally *t)
{
    printf("ilp equals brute force on %d %s: below dp on %d, searched for on %d\n", t->compared,
           what, t->below_dp, t->searched);
    fflush(stdout);
}

START_TEST(equals_brute_force_on_networks)
{
    uint64_t state = seed;
    tally t = {0};
    while (t.compared < 3 * rounds) {
        setting s;
        open_network(&s, &state, (int)random_between(&state, 1, 5), 40);
        if (small_enough(s.program))
            compare(&s, &t);
        close_setting(&s);
    }
    print_tally("networks", &t);
    ck_assert_int_gt(t.below_dp, 0);
}
END_TEST

START_TEST(equals_brute_force_on_programs)
{
    uint64_t state = seed + 2;
    tally t = {0};
    while (t.compared < 5 * rounds) {
        setting s;
        open_program(&s, &state);
        if (small_enough(s.program))
            compare(&s, &t);
        close_setting(&s);
    }
    print_tally("programs", &t);
    ck_assert_int_gt(t.below_dp, t.compared / 20);
}
END_TEST

/* ---- Stopped --------------------------------------------------------------------------------- */

typedef struct canceller {
    int calls;
    int cancel_at; /* 0: never */
    mbs_progress last;
    bool sane;
} canceller;

static int cancel(const mbs_progress *progress, void *context)
{
    canceller *c = context;
    c->sane = c->sane && progress->bound_bytes >= 0 &&
              progress->bound_bytes <= progress->incumbent_bytes && progress->elapsed_s >= 0;
    if (c->calls > 0)
        c->sane =
            c->sane && progress->elapsed_s >= c->last.elapsed_s &&
            progress->bound_bytes >= c->last.bound_bytes &&
            (c->last.incumbent_bytes == 0 || progress->incumbent_bytes <= c->last.incumbent_bytes);
    c->last = *progress;
    return ++c->calls == c->cancel_at;
}

static answer ask_cancelled(setting *s, canceller *c, int cancel_at)
{
    *c = (canceller){.cancel_at = cancel_at, .sane = true};
    s->options.progress = cancel;
    s->options.progress_context = c;
    answer a = ask(s, false);
    s->options.progress = NULL;
    ck_assert_msg(c->sane, "%s: progress makes no sense, call %d", s->label, c->calls);
    ck_assert_msg(cancel_at == 0 || c->calls <= cancel_at, "%s: went on after call %d", s->label,
                  cancel_at);
    return a;
}

/* Wherever it is cancelled, the optimum lies between the bound and the plan. */
START_TEST(cancelled_anywhere)
{
    uint64_t state = seed + 4;
    int places = 0;
    for (int round = 0; round < rounds / 2;) {
        setting s;
        canceller c;
        open_program(&s, &state);
        s.options.time_limit_s = 60;
        int64_t dp = ask_dp(&s);
        answer best = ask_cancelled(&s, &c, 0);
        const int calls = c.calls;
        if (calls > 0 && best.bytes < dp) {
            for (int i = 1; i <= calls; i += 1 + calls / 64 + (calls > 16 && i < calls - 40)) {
                answer a = ask_cancelled(&s, &c, i);
                ck_assert_msg(a.bound <= best.bytes && best.bytes <= a.bytes && a.bytes <= dp,
                              "%s: cancelled at call %d of %d: %" PRId64 " to %" PRId64
                              ", the optimum is %" PRId64,
                              s.label, i, calls, a.bound, a.bytes, best.bytes);
                places++;
            }
            round++;
        }
        close_setting(&s);
    }
    printf("cancelled at %d places\n", places);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("exact");
    TCase *tests = tcase_create("ilp");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, equals_brute_force_on_networks);
    tcase_add_test(tests, equals_brute_force_on_programs);
    tcase_add_test(tests, cancelled_anywhere);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
