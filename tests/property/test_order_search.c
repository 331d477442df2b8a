/*
 * Orders of steps on random networks: every order that steps may have is planned and replayed, the
 * search finds none that is worse than the given one, none better than the best of all, and mostly
 * that; steps that move are linked as those of a program built so. MBS_SEED=N, MBS_ROUNDS=N.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mbsopt/emit.h"
#include "order_plans.h"
#include "plan/order/moves.h"
#include "recomputing.h"
#include "run.h"

static uint64_t seed = 20261201;
static int rounds = 40;

/* Of programs with more orders not all are tried. */
#define MOST_ORDERS 300

/* ---- All orders ------------------------------------------------------------------------------ */

typedef struct enumeration {
    const recomputing *of;
    const mbs_program *own;
    int32_t *order; /* the steps so far */
    bool *placed;   /* per step's number: whether it is among them */
    int32_t count;  /* of steps that are no updates */
    int64_t orders;
    int64_t least; /* traffic of dp's plans of them */
} enumeration;

static mbs_program *program_in(const recomputing *r, const int32_t *order, int32_t count)
{
    mbs_program_options options = r->program_options;
    mbs_program *program;
    options.order = order;
    options.order_count = (size_t)count;
    must_succeed(mbs_program_create(&program, r->network, &options, &error), &error, r->label);
    return program;
}

/* Whether step k may come next. */
static bool may_come(const enumeration *e, int32_t k, int32_t place)
{
    const mbs_program *p = e->own;
    const mbs_step *step = &p->steps[k];
    if (step->given < 0 || e->placed[step->given])
        return false;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        const int32_t producer = p->tensors[p->touches[t].tensor].producer;
        if (producer >= 0 && !e->placed[p->steps[producer].given])
            return false;
    }
    return step->phase == MBS_FORWARD || place >= program_forward_end(p);
}

static void try_orders(enumeration *e, int32_t place, bool plan)
{
    if (e->orders > MOST_ORDERS)
        return;
    if (place == e->count) {
        e->orders++;
        if (!plan)
            return;
        mbs_program *program = program_in(e->of, e->order, e->count);
        const int64_t traffic = recomputing_traffic(e->of, program, MBS_PLANNER_DP);
        if (traffic < e->least)
            e->least = traffic;
        mbs_program_free(program);
        return;
    }
    for (int32_t k = 0; k < e->own->step_count; k++) {
        if (!may_come(e, k, place))
            continue;
        const int32_t given = e->own->steps[k].given;
        e->order[place] = given;
        e->placed[given] = true;
        try_orders(e, place + 1, plan);
        e->placed[given] = false;
    }
}

/* The least traffic of all orders, or -1 if they are too many. */
static int64_t least_of_all(const recomputing *r, const mbs_program *own)
{
    enumeration e = {.of = r, .own = own, .least = INT64_MAX};
    e.order = calloc((size_t)own->step_count, sizeof *e.order);
    e.placed = calloc((size_t)own->step_count, sizeof *e.placed);
    for (int32_t k = 0; k < own->step_count; k++)
        e.count += own->steps[k].given >= 0;
    try_orders(&e, 0, false);
    const bool few = e.orders <= MOST_ORDERS;
    e.orders = 0;
    if (few)
        try_orders(&e, 0, true);
    free(e.order);
    free(e.placed);
    return few ? e.least : -1;
}

static mbs_plan *search_plan(const recomputing *r, mbs_recompute recompute)
{
    mbs_plan_options options = r->options;
    const mbs_recompute_options what = {recompute, 10, 0, 1};
    mbs_plan *plan;
    options.order = MBS_ORDER_SEARCH;
    must_succeed(mbs_plan_create_recompute(&plan, r->network, &r->program_options, &r->hardware,
                                           &options, &what, &error),
                 &error, r->label);
    must_succeed(mbs_plan_verify(plan, NULL, &error), &error, r->label);
    return plan;
}

START_TEST(search_mostly_finds_the_best_order)
{
    uint64_t state = seed;
    int searched = 0;
    int best = 0;
    int gains = 0;
    for (int round = 0; round < 20 * rounds && searched < rounds; round++) {
        recomputing r;
        recomputing_open_varied(&r, &state, (int)random_between(&state, 2, 6));
        r.options.no_strips = 1;
        r.program_options.inference = random_between(&state, 0, 1) == 0;
        mbs_program *own = recomputing_program(&r, NULL);
        const int64_t given = recomputing_traffic(&r, own, MBS_PLANNER_DP);
        const int64_t least = least_of_all(&r, own);
        if (least >= 0 && least < given) {
            mbs_plan *plan = search_plan(&r, MBS_RECOMPUTE_NONE);
            const int64_t found = plan_total(plan);
            ck_assert_msg(found <= given && found >= least,
                          "%s: %" PRId64 " in the order found, %" PRId64
                          " in the given one, %" PRId64 " in the best",
                          r.label, found, given, least);
            searched++;
            gains += found < given;
            best += found == least;
            mbs_plan_free(plan);
        }
        mbs_program_free(own);
        recomputing_close(&r);
    }
    printf("of %d networks that gain by an order, %d with the best, %d with some gain\n", searched,
           best, gains);
    ck_assert_int_gt(searched, rounds / 4);
    ck_assert_int_ge(10 * best, 8 * searched);
}
END_TEST

/* ---- Whatever is planned --------------------------------------------------------------------- */

/* Building the program in the order that the plan tells gives the plan's program, and dp's plan. */
static void check_rebuilt(const recomputing *r, const mbs_plan *plan)
{
    const mbs_program *p = mbs_plan_program(plan);
    int32_t *order = calloc((size_t)p->step_count, sizeof *order);
    int32_t count = 0;
    for (int32_t k = 0; k < p->step_count; k++)
        if (p->steps[k].given >= 0)
            order[count++] = p->steps[k].given;
    mbs_program *again = program_in(r, order, count);
    ck_assert_int_eq(again->step_count, p->step_count);
    for (int32_t t = 0; t < p->touch_count; t++) {
        ck_assert_int_eq(again->touches[t].tensor, p->touches[t].tensor);
        ck_assert_str_eq(again->tensors[p->touches[t].tensor].name,
                         p->tensors[p->touches[t].tensor].name);
    }
    ck_assert_int_eq(recomputing_traffic(r, again, MBS_PLANNER_DP), plan_total(plan));
    mbs_program_free(again);
    free(order);
}

START_TEST(no_plan_is_worse)
{
    static const mbs_recompute policies[] = {MBS_RECOMPUTE_NONE, MBS_RECOMPUTE_EXPAND,
                                             MBS_RECOMPUTE_AUTO};
    static const mbs_planner planners[] = {MBS_PLANNER_DP, MBS_PLANNER_BEST};
    uint64_t state = seed + 1;
    int reordered = 0;
    for (int round = 0; round < rounds; round++) {
        recomputing r;
        recomputing_open_varied(&r, &state, (int)random_between(&state, 3, 16));
        const mbs_recompute policy = policies[round % 3];
        r.options.planner = planners[round / 3 % 2];
        r.options.no_strips = round % 4 < 2;
        r.options.time_limit_s = INFINITY;
        r.options.work_limit = 0.02;
        r.program_options.inference = random_between(&state, 0, 3) == 0;
        const mbs_recompute_options what = {policy, 10, 0, 1};
        mbs_plan *given;
        must_succeed(mbs_plan_create_recompute(&given, r.network, &r.program_options, &r.hardware,
                                               &r.options, &what, &error),
                     &error, r.label);
        mbs_plan *plan = search_plan(&r, policy);
        ck_assert_msg(plan_total(plan) <= plan_total(given), "%s: %" PRId64 ", given %" PRId64,
                      r.label, plan_total(plan), plan_total(given));
        ck_assert_int_le(mbs_plan_bound_bytes(plan), mbs_plan_bound_bytes(given) > 0
                                                         ? mbs_plan_bound_bytes(given)
                                                         : plan_total(plan));
        check_file(plan, r.label);
        const bool is_exact = r.options.planner == MBS_PLANNER_BEST;
        ck_assert_int_eq(mbs_plan_given_bytes(plan), plan_total(given));
        ck_assert_int_eq(mbs_plan_given_bound_bytes(plan),
                         is_exact ? mbs_plan_bound_bytes(given) : 0);
        const bool is_other = program_is_reordered(mbs_plan_program(plan));
        ck_assert(is_other == (plan_total(plan) < plan_total(given)));
        reordered += is_other;
        r.program_options.split_norms = mbs_plan_program(plan)->split;
        if (policy == MBS_RECOMPUTE_NONE && r.options.planner == MBS_PLANNER_DP)
            check_rebuilt(&r, plan);
        mbs_plan_free(given);
        mbs_plan_free(plan);
        recomputing_close(&r);
    }
    ck_assert_int_ge(reordered, rounds / 10);
}
END_TEST

/* ---- Steps that move ------------------------------------------------------------------------- */

static void check_same_links(const mbs_program *a, const mbs_program *b, const char *label)
{
    ck_assert_int_eq(a->touch_count, b->touch_count);
    for (int32_t t = 0; t < a->touch_count; t++) {
        ck_assert_msg(a->touches[t].tensor == b->touches[t].tensor &&
                          a->touches[t].step == b->touches[t].step &&
                          a->touches[t].previous == b->touches[t].previous &&
                          a->touches[t].next == b->touches[t].next,
                      "%s: touch %d", label, t);
    }
    for (int32_t i = 0; i < a->tensor_count; i++)
        ck_assert_msg(a->tensors[i].producer == b->tensors[i].producer &&
                          a->tensors[i].first_touch == b->tensors[i].first_touch &&
                          a->tensors[i].last_touch == b->tensors[i].last_touch,
                      "%s: tensor %d", label, i);
    for (int32_t k = 0; k < a->step_count; k++)
        ck_assert_msg(a->steps[k].touch_begin == b->steps[k].touch_begin &&
                          a->steps[k].write_begin == b->steps[k].write_begin &&
                          a->steps[k].touch_end == b->steps[k].touch_end &&
                          a->steps[k].replaceable == b->steps[k].replaceable &&
                          a->steps[k].coupled_to == b->steps[k].coupled_to &&
                          a->steps[k].given == b->steps[k].given &&
                          a->steps[k].weight_use.previous == b->steps[k].weight_use.previous &&
                          a->steps[k].weight_use.next == b->steps[k].weight_use.next &&
                          a->steps[k].accumulator_use.previous ==
                              b->steps[k].accumulator_use.previous &&
                          a->steps[k].accumulator_use.next == b->steps[k].accumulator_use.next,
                      "%s: step %d", label, k);
}

/* Exchanges two blocks at random if they may be; whether they were. */
static bool move_at_random(mbs_program *p, uint64_t *state)
{
    int32_t order[64];
    int32_t count = 0;
    const int32_t first = (int32_t)random_between(state, 0, p->step_count - 2);
    const int32_t middle = first + (int32_t)random_between(state, 1, 4);
    const int32_t end = middle + (int32_t)random_between(state, 1, 8);
    if (end > p->step_count || !move_may_cut(p, first) || !move_may_cut(p, middle) ||
        !move_may_cut(p, end) || p->steps[first].phase != p->steps[end - 1].phase)
        return false;
    for (int32_t k = middle; k < end; k++)
        if (move_depends(p, k, first, middle))
            return false;
    for (int32_t k = middle; k < end; k++)
        order[count++] = k;
    for (int32_t k = first; k < middle; k++)
        order[count++] = k;
    ck_assert(program_permute(p, first, end, order));
    return true;
}

START_TEST(steps_that_move_are_linked_as_if_built_so)
{
    uint64_t state = seed + 2;
    int moves = 0;
    for (int round = 0; round < 2 * rounds; round++) {
        recomputing r;
        recomputing_open_varied(&r, &state, (int)random_between(&state, 3, 20));
        r.program_options.split_norms = round % 2;
        mbs_program *own = recomputing_program(&r, NULL);
        mbs_program *moved = program_copy(own);
        int32_t *order = calloc((size_t)own->step_count, sizeof *order);
        int32_t count = 0;
        for (int i = 0; i < 60 && own->step_count > 2; i++)
            moves += move_at_random(moved, &state);
        ck_assert(program_renumber(moved));
        for (int32_t k = 0; k < moved->step_count; k++)
            if (moved->steps[k].given >= 0)
                order[count++] = moved->steps[k].given;
        mbs_program *built = program_in(&r, order, count);
        check_same_links(moved, built, r.label);
        mbs_program_free(built);
        mbs_program_free(moved);
        mbs_program_free(own);
        free(order);
        recomputing_close(&r);
    }
    ck_assert_int_gt(moves, rounds);
}
END_TEST

/* ---- Refusals -------------------------------------------------------------------------------- */

START_TEST(one_order_is_of_one_program)
{
    static const int32_t order[] = {0};
    uint64_t state = seed + 3;
    recomputing r;
    recomputing_open_varied(&r, &state, 4);
    const mbs_recompute_options none = {MBS_RECOMPUTE_NONE, 10, 0, 1};
    mbs_program *program = recomputing_program(&r, NULL);
    mbs_plan *plan;
    r.program_options.order = order;
    r.program_options.order_count = 1;
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_plan_create_recompute(&plan, r.network, &r.program_options, &r.hardware,
                                               &r.options, &none, &error),
                     MBS_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message[0], "an order of steps is of one program"));
    r.options.order = MBS_ORDER_SEARCH;
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_plan_create(&plan, program, &r.hardware, &r.options, &error),
                     MBS_ERR_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message[0], "the steps of a program are in an order"));
    r.options.order = MBS_ORDER_AUTO;
    must_succeed(mbs_plan_create(&plan, program, &r.hardware, &r.options, &error), &error, r.label);
    ck_assert(!program_is_reordered(mbs_plan_program(plan)));
    mbs_plan_free(plan);
    mbs_program_free(program);
    recomputing_close(&r);
}
END_TEST

int main(void)
{
    run_settings(&seed, &rounds);
    Suite *suite = suite_create("order search");
    TCase *tests = tcase_create("random networks");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, search_mostly_finds_the_best_order);
    tcase_add_test(tests, no_plan_is_worse);
    tcase_add_test(tests, steps_that_move_are_linked_as_if_built_so);
    tcase_add_test(tests, one_order_is_of_one_program);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
