/*
 * The bound on all programs that recompute (model, section 10; docs/exact.md): never above the
 * least over all sets of layers and all schedules, by brute force, nor above any plan of
 * larger networks, at whatever prices. The seed is printed; MBS_SEED=N repeats a run and
 * MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "brute_force_ilp.h"
#include "mbsopt/mbsopt.h"
#include "plan/joint/joint.h"
#include "plan/recompute/state.h"
#include "random_network.h"
#include "recomputing.h"
#include "run.h"

#define MOST_STEPS   12
#define MOST_ALLOWED 5
#define PRICINGS     10

static uint64_t seed = 20240301;
static int rounds = 20;
static mbs_error error;

typedef struct setting {
    recomputing base;
    mbs_program *plain;
    mbs_plan *empty;
    plan_task task;
    int64_t max_macs;
    size_t allowed[4096];
    size_t allowed_count;
} setting;

static void find_allowed(setting *s)
{
    s->allowed_count = 0;
    for (size_t l = 0; l < mbs_network_layer_count(s->base.network); l++)
        if (recomputing_allows(&s->base, l))
            s->allowed[s->allowed_count++] = l;
}

static void open_setting(setting *s, uint64_t *state, int layers, int64_t most_samples)
{
    recomputing *base = &s->base;
    recomputing_open(base, state, layers);
    base->program_options.keep_batch_norm = random_between(state, 0, 3) == 0;
    base->hardware.norm_passes = random_between(state, 1, 3);
    base->options.batch = random_between(state, 2, most_samples);
    base->options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 9, 15));
    base->options.no_pin = random_between(state, 0, 2) == 0;
    base->options.no_stream = random_between(state, 0, 2) == 0;
    base->options.in_place = random_between(state, 0, 1) == 0;
    s->plain = recomputing_program(base, NULL);
    must_succeed(
        plan_open(&s->empty, &s->task, s->plain, &base->hardware, &base->options, "", &error),
        &error, base->label);
    s->max_macs =
        (int64_t)(recompute_macs(s->plain, false) * 0.01 * (double)random_between(state, 0, 100));
    find_allowed(s);
}

static void close_setting(setting *s)
{
    mbs_plan_free(s->empty);
    mbs_program_free(s->plain);
    recomputing_close(&s->base);
}

/* ---- Any prices ------------------------------------------------------------------------------ */

static int64_t random_price(uint64_t *state, int64_t most)
{
    return random_between(state, 0, 2) == 0 || most <= 0 ? 0 : random_between(state, 0, most);
}

static void random_prices(joint *j, uint64_t *state)
{
    const int64_t unit = INT64_C(1) << j->l.shift;
    const size_t steps = (size_t)j->program->step_count;
    const int64_t part = random_between(state, 1, 50);
    for (size_t i = 0; i < (size_t)j->l.list.count * steps; i++)
        j->l.price[i] = random_price(state, j->l.highest_price[i / steps] * unit / part);
    for (int32_t i = 0; i < j->program->tensor_count; i++) {
        int64_t left = j->tensors[i].moved;
        for (int32_t k = j->tensors[i].share_begin; k < j->tensors[i].share_end; k++) {
            j->share[k] = random_price(state, left);
            left -= j->share[k];
        }
    }
    for (int32_t u = 0; u < j->use_count; u++)
        for (int32_t i = 0; i < j->uses[u].link_count; i++)
            j->service[j->uses[u].link_begin + i] =
                random_price(state, 2 * j->tensors[j->uses[u].input].moved / part);
    j->mac_price = random_price(state, 20 * unit);
    joint_update(j);
}

/* No bound at random prices is above what a plan moves. */
static void check_prices(const setting *s, uint64_t *state, int64_t moved)
{
    joint j;
    const mbs_status status =
        joint_open(&j, s->base.network, s->plain, &s->task, s->max_macs, &error);
    must_succeed(status, &error, s->base.label);
    for (int i = 0; i < PRICINGS; i++) {
        random_prices(&j, state);
        const int64_t bound = lagrange_bytes(&j.l, joint_shortest(&j));
        ck_assert_msg(bound <= moved, "%s: bound %" PRId64 " above %" PRId64, s->base.label, bound,
                      moved);
    }
    joint_close(&j);
}

static int64_t best_bound(const setting *s, int64_t incumbent)
{
    int64_t bound;
    must_succeed(
        joint_bound(&bound, s->base.network, s->plain, &s->task, s->max_macs, incumbent, &error),
        &error, s->base.label);
    return bound;
}

/* ---- Against all sets and schedules ---------------------------------------------------------- */

/* The least of all schedules, by brute force where that is quick and else by ilp. */
static int64_t least_of(const setting *s, const mbs_program *program, bool *brute)
{
    const oracle_task task = recomputing_oracle(&s->base, program);
    if (program->step_count <= MOST_STEPS &&
        brute_force_interval_count(program) <= BRUTE_FORCE_INTERVALS)
        return brute_force_ilp(&task);
    *brute = false;
    return recomputing_traffic(&s->base, program, MBS_PLANNER_ILP);
}

/* Some layers' backward steps read nothing that was recomputed before. */
static void random_anew(const setting *s, unsigned char *set, uint64_t *state)
{
    for (size_t l = 0; l < mbs_network_layer_count(s->base.network); l++)
        set[l] = (unsigned char)((set[l] & MBS_RECOMPUTE_OUTPUT) |
                                 (random_between(state, 0, 1) ? MBS_RECOMPUTE_ANEW : 0));
}

/* The least over all sets within the limit, each also with some layers anew, and all schedules. */
static int64_t least_of_all(const setting *s, uint64_t *state, bool *brute)
{
    unsigned char *set = calloc(mbs_network_layer_count(s->base.network), 1);
    int64_t least = INT64_MAX;
    ck_assert_ptr_nonnull(set);
    *brute = true;
    for (uint32_t choice = 0; choice < UINT32_C(2) << s->allowed_count; choice++) {
        memset(set, 0, mbs_network_layer_count(s->base.network));
        for (size_t i = 0; i < s->allowed_count; i++)
            set[s->allowed[i]] = choice >> (i + 1) & 1;
        if (choice & 1)
            random_anew(s, set, state);
        mbs_program *program = recomputing_program(&s->base, set);
        if (recompute_macs(program, true) <= (double)s->max_macs) {
            const int64_t bytes = least_of(s, program, brute);
            least = bytes < least ? bytes : least;
        }
        mbs_program_free(program);
    }
    free(set);
    return least;
}

/* Networks where recomputing gains something, and what else comes before enough of them. */
START_TEST(bound_is_below_every_choice)
{
    uint64_t state = seed;
    int compared = 0;
    int by_brute_force = 0;
    int met = 0;
    int gaining = 0;
    double gaps[2] = {0}; /* of all, and of those that gain */
    while (gaining < rounds) {
        setting s;
        bool brute;
        open_setting(&s, &state, (int)random_between(&state, 3, 8), 12);
        if (s.allowed_count > 0 && s.allowed_count <= MOST_ALLOWED) {
            bool plain_brute = true;
            const int64_t least = least_of_all(&s, &state, &brute);
            const bool gains = least < least_of(&s, s.plain, &plain_brute);
            const int64_t bound = best_bound(&s, 2 * least);
            const double gap = (double)(least - bound) / (double)least;
            ck_assert_msg(bound <= least, "%s: bound %" PRId64 " above %" PRId64, s.base.label,
                          bound, least);
            check_prices(&s, &state, least);
            compared++;
            by_brute_force += brute;
            met += bound == least;
            gaining += gains;
            gaps[0] += gap;
            gaps[1] += gains ? gap : 0;
        }
        close_setting(&s);
    }
    printf("%d networks, %d by brute force: bound met in %d, %.2f %% below on average; %d gain by "
           "recomputing, there %.2f %%\n",
           compared, by_brute_force, met, 100 * gaps[0] / compared, gaining,
           100 * gaps[1] / gaining);
    ck_assert_int_gt(by_brute_force, rounds / 5);
    ck_assert(gaps[0] / compared < 0.08);
}
END_TEST

/* ---- Larger networks ------------------------------------------------------------------------- */

START_TEST(bound_is_below_every_plan)
{
    uint64_t state = seed + 1;
    for (int round = 0; round < rounds; round++) {
        setting s;
        open_setting(&s, &state, (int)random_between(&state, 4, 30), 20);
        const size_t layers = mbs_network_layer_count(s.base.network);
        unsigned char *set = calloc(layers, 1);
        int64_t least = recomputing_traffic(&s.base, s.plain, MBS_PLANNER_DP);
        ck_assert_ptr_nonnull(set);
        for (int i = 0; i < 40; i++) {
            const int64_t of = random_between(&state, 1, 4);
            for (size_t a = 0; a < s.allowed_count; a++)
                set[s.allowed[a]] = random_between(&state, 1, 4) <= of;
            if (i % 2 == 1)
                random_anew(&s, set, &state);
            mbs_program *program = recomputing_program(&s.base, set);
            if (recompute_macs(program, true) <= (double)s.max_macs) {
                const int64_t bytes = recomputing_traffic(&s.base, program, MBS_PLANNER_DP);
                least = bytes < least ? bytes : least;
            }
            mbs_program_free(program);
        }
        free(set);
        const int64_t bound = best_bound(&s, 2 * least);
        ck_assert_msg(bound <= least, "%s: bound %" PRId64 " above %" PRId64, s.base.label, bound,
                      least);
        check_prices(&s, &state, least);
        close_setting(&s);
    }
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("joint");
    TCase *tests = tcase_create("bounds");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, bound_is_below_every_choice);
    tcase_add_test(tests, bound_is_below_every_plan);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
