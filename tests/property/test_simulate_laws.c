/*
 * What holds of every simulation, on small random networks, machines and plans of each planner,
 * with strips and without. MBS_SEED=N repeats a run, MBS_ROUNDS=N makes it longer.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "mbsopt/mbsopt.h"
#include "random_network.h"
#include "run.h"

static uint64_t seed = 2219;
static int rounds = 30;

static void open_machine(mbs_hardware *hardware, uint64_t *state)
{
    mbs_hardware_wavecore(hardware);
    hardware->array_rows = hardware->array_cols = random_between(state, 2, 8);
    hardware->accumulator_rows = random_between(state, 1, 64);
    hardware->vector_elements_per_cycle = random_between(state, 1, 16);
    hardware->bandwidth_bytes_per_s = INT64_C(1) << random_between(state, 28, 36);
    hardware->dram_efficiency = random_between(state, 0, 1) == 0 ? 1 : 0.75;
    hardware->cycle_model = (mbs_cycle_model)random_between(state, 0, 1);
    hardware->overlap = (mbs_overlap)random_between(state, 0, MBS_OVERLAP_COUNT - 1);
    hardware->slice_bytes =
        random_between(state, 0, 2) == 0 ? 0 : INT64_C(1) << random_between(state, 4, 16);
}

static void nearly(double a, double b, const char *what, const char *label)
{
    ck_assert_msg(fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)) + 1e-18, "%s: %s: %.17g, %.17g",
                  label, what, a, b);
}

/* `twice_s`: what parts have at the same time. */
static void check_parts(const mbs_simulation *s, const mbs_simulated_part *parts, size_t count,
                        double twice_s, const char *label)
{
    mbs_simulated_part sum = {0};
    for (size_t i = 0; i < count; i++) {
        sum.time_s += parts[i].time_s;
        sum.wait_load_s += parts[i].wait_load_s;
        sum.wait_room_s += parts[i].wait_room_s;
        sum.wait_store_s += parts[i].wait_store_s;
    }
    nearly(sum.time_s, s->time_s + twice_s, "parts' time", label);
    nearly(sum.wait_load_s, s->wait_load_s, "parts' loads", label);
    nearly(sum.wait_room_s, s->wait_room_s, "parts' room", label);
    nearly(sum.wait_store_s, s->wait_store_s, "parts' stores", label);
}

static mbs_simulation simulate(const mbs_plan *plan, const mbs_hardware *hardware,
                               mbs_prefetch prefetch, const char *label)
{
    const size_t steps = mbs_program_step_count(mbs_plan_program(plan));
    const size_t groups = mbs_plan_group_count(plan);
    mbs_simulated_part *of_steps = calloc(steps, sizeof *of_steps);
    mbs_simulated_part *of_groups = calloc(groups, sizeof *of_groups);
    mbs_simulate_options options = MBS_SIMULATE_OPTIONS_INIT;
    mbs_simulation s;
    mbs_traffic traffic;
    mbs_cost cost;
    mbs_error error;
    mbs_error_clear(&error);
    options.prefetch = prefetch;
    const mbs_status status =
        mbs_simulate(&s, of_groups, of_steps, plan, hardware, &options, &error);
    ck_assert_msg(status == MBS_OK, "%s: %s", label, error.message[0]);
    mbs_plan_traffic(plan, &traffic);
    ck_assert_int_eq(mbs_plan_cost(plan, hardware, &cost), MBS_OK);
    /* what is moved and computed is what was planned, though it is counted anew */
    nearly(s.read_bytes + s.write_bytes, (double)traffic.total, "bytes", label);
    ck_assert_double_ge(s.write_bytes * (1 + 1e-9), (double)traffic.activation_write);
    nearly(s.array_s + s.vector_s, cost.compute_s, "computation", label);
    nearly(s.dram_s, cost.dram_s, "DRAM", label);
    nearly(s.estimate_s, cost.time_s, "estimate", label);
    /* no time is lost or found, and somebody is always at work */
    nearly(s.array_s + s.vector_s - s.both_s + s.wait_load_s + s.wait_room_s + s.wait_store_s,
           s.time_s, "sum", label);
    ck_assert(s.both_s >= 0 && s.both_s <= fmin(s.array_s, s.vector_s) * (1 + 1e-9));
    if (hardware->overlap != MBS_OVERLAP_GROUP)
        ck_assert(s.both_s <= 0);
    if (hardware->overlap == MBS_OVERLAP_NONE)
        nearly(s.time_s, cost.time_s, "nothing overlaps", label);
    ck_assert(s.wait_load_s >= 0 && s.wait_room_s >= 0 && s.wait_store_s >= 0);
    ck_assert_double_ge(s.time_s * (1 + 1e-9), s.dram_s);
    ck_assert_double_ge(s.time_s * (1 + 1e-9), fmax(s.array_s, s.vector_s));
    ck_assert_double_le(s.time_s, (cost.compute_s + cost.dram_s) * (1 + 1e-9));
    check_parts(&s, of_steps, steps, s.both_s, label);
    check_parts(&s, of_groups, groups, 0, label);
    free(of_steps);
    free(of_groups);
    return s;
}

/* The finest slices without a limit are no slower than whole operands, none of which comes ahead.
 */
static void check_plan(const mbs_plan *plan, mbs_hardware *hardware, const char *label)
{
    for (int prefetch = 0; prefetch < MBS_PREFETCH_COUNT; prefetch++)
        simulate(plan, hardware, (mbs_prefetch)prefetch, label);
    hardware->slice_bytes = 0;
    const double slow_s = simulate(plan, hardware, MBS_PREFETCH_NONE, label).time_s;
    hardware->slice_bytes = 1;
    const double fast_s = simulate(plan, hardware, MBS_PREFETCH_UNLIMITED, label).time_s;
    ck_assert_msg(fast_s <= slow_s * (1 + 1e-9), "%s: %g s in slices, %g s whole", label, fast_s,
                  slow_s);
}

static void check_round(int round)
{
    uint64_t state = seed + (uint64_t)round;
    char label[RANDOM_LABEL_BYTES];
    mbs_network *network =
        round % 2 == 0 ? random_network(&state, (int)random_between(&state, 2, 14), label)
                       : random_network_of_rows(&state, (int)random_between(&state, 2, 14), label);
    mbs_hardware hardware;
    mbs_options options = MBS_OPTIONS_INIT;
    options.batch = random_between(&state, 1, 9);
    options.inference = random_between(&state, 0, 3) == 0;
    options.keep_batch_norm = random_between(&state, 0, 3) == 0;
    options.work_limit = 1;
    options.optimizer = random_optimizer(&state);
    options.in_place = (int)random_between(&state, 0, 1);
    for (int planner = 0; planner < MBS_PLANNER_COUNT; planner++) {
        mbs_plan *plan;
        mbs_error error;
        mbs_error_clear(&error);
        open_machine(&hardware, &state);
        options.planner = (mbs_planner)planner;
        options.buffer_bytes = 4096 + random_between(&state, 0, 1 << random_between(&state, 5, 15));
        const mbs_status status = mbs_plan_network(&plan, network, &hardware, &options, &error);
        ck_assert_msg(status == MBS_OK, "%s: %s", label, error.message[0]);
        check_plan(plan, &hardware, label);
        mbs_plan_free(plan);
    }
    mbs_network_free(network);
}

START_TEST(laws)
{
    for (int round = 0; round < rounds; round++)
        check_round(round);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("simulate");
    TCase *all = tcase_create("all");
    run_settings(&seed, &rounds);
    tcase_set_timeout(all, 0);
    tcase_add_test(all, laws);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
