/* src/cli/sweep: the points of a sweep, their order, shards and rows. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "small_sweep.h"

static int64_t own_buffer[] = {0};

/* ---- Points ---------------------------------------------------------------------------------- */

START_TEST(machines_count_fastest_and_networks_slowest)
{
    size_t index = 0;
    ck_assert_uint_eq(of.point_count, 2 * 3 * 2 * 3 * 4);
    for (size_t network = 0; network < 2; network++)
        for (size_t buffer = 0; buffer < 3; buffer++)
            for (size_t batch = 0; batch < 2; batch++)
                for (size_t planner = 0; planner < 3; planner++)
                    for (size_t machine = 0; machine < 4; machine++) {
                        const sweep_point at = sweep_point_at(&of, index);
                        ck_assert_uint_eq(at.index, index++);
                        ck_assert_uint_eq(at.network, network);
                        ck_assert_uint_eq(at.buffer, buffer);
                        ck_assert_uint_eq(at.batch, batch);
                        ck_assert_uint_eq(at.planner, planner);
                        ck_assert_uint_eq(at.machine, machine);
                    }
}
END_TEST

START_TEST(points_are_limited)
{
    of.machine_count = of.network_count = 1;
    of.planners.count = 10;
    of.buffers.count = of.batches.count = 1000;
    ck_assert(sweep_count_points(&of));
    ck_assert_uint_eq(of.point_count, MOST_POINTS);
    of.network_count = 2;
    ck_assert(!sweep_count_points(&of));
    of.network_count = SIZE_MAX; /* products that overflow are no way around it */
    ck_assert(!sweep_count_points(&of));
}
END_TEST

/* Every point is in one shard, which lists its own in order. */
START_TEST(shards_part_the_points)
{
    for (of.point_count = 1; of.point_count <= 30; of.point_count++)
        for (of.shards = 1; of.shards <= 33; of.shards++) {
            int taken[30] = {0};
            for (of.shard = 0; of.shard < of.shards; of.shard++)
                for (size_t position = 0; position < sweep_shard_size(&of); position++) {
                    const size_t index = sweep_shard_index(&of, position);
                    ck_assert_uint_lt(index, of.point_count);
                    ck_assert(position == 0 || index > sweep_shard_index(&of, position - 1));
                    taken[index]++;
                }
            for (size_t index = 0; index < of.point_count; index++)
                ck_assert_int_eq(taken[index], 1);
        }
}
END_TEST

/* ---- What points have in common -------------------------------------------------------------- */

static sweep_point point_of(size_t planner, size_t machine)
{
    sweep_point at = {.planner = planner, .machine = machine};
    return at;
}

START_TEST(machines_share_programs_and_plans)
{
    const size_t with_buffers[] = {0, 0, 0, 3};
    const size_t with_own[] = {0, 0, 2, 3};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(machines[i].same_words, with_buffers[i]);
        ck_assert_uint_eq(machines[i].same_plans, with_buffers[i]);
    }
    of.buffers.values = own_buffer;
    of.buffers.count = 1;
    for (size_t i = 0; i < 4; i++) {
        sweep_relate_machine(&of, i);
        ck_assert_uint_eq(machines[i].same_words, with_buffers[i]);
        ck_assert_uint_eq(machines[i].same_plans, with_own[i]);
        const sweep_point at = point_of(0, i);
        ck_assert_int_eq(sweep_buffer_bytes(&of, &at), machines[i].hardware.buffer_bytes);
    }
    machines[1].hardware.reserved_bytes = 4096;
    machines[2].hardware = machines[0].hardware;
    machines[2].hardware.norm_passes++;
    for (size_t i = 1; i < 3; i++) {
        sweep_relate_machine(&of, i);
        ck_assert_uint_eq(machines[i].same_words, 0);
        ck_assert_uint_eq(machines[i].same_plans, i);
    }
}
END_TEST

/* A plan of dp is for one machine, since it decides between equals by time at least. */
START_TEST(plans_that_time_decides_are_not_shared)
{
    enum { BASELINE, IL, DP };
    for (int objective = MBS_TRAFFIC; objective <= MBS_ENERGY; objective++) {
        of.objective = (mbs_objective)objective;
        const sweep_point at[] = {point_of(BASELINE, 1), point_of(IL, 1), point_of(DP, 1)};
        ck_assert_uint_eq(sweep_plan_machine(&of, &at[BASELINE]), 0);
        ck_assert_uint_eq(sweep_plan_machine(&of, &at[IL]), 0);
        ck_assert_uint_eq(sweep_plan_machine(&of, &at[DP]), 1);
    }
    of.planners.values[IL] = MBS_PLANNER_MBS2;
    of.recompute.recompute = MBS_RECOMPUTE_AUTO;
    const sweep_point mbs2 = point_of(IL, 1);
    ck_assert_uint_eq(sweep_plan_machine(&of, &mbs2), 0);
}
END_TEST

/* A planner with strips and without is two; those that know none are there once. */
START_TEST(strips_are_of_the_planners_that_take_them)
{
    const bool both[] = {true, false};
    sweep_add_strips(&of, both, 2);
    const mbs_planner planners[] = {MBS_PLANNER_BASELINE, MBS_PLANNER_IL, MBS_PLANNER_DP,
                                    MBS_PLANNER_DP};
    ck_assert_uint_eq(of.planners.count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(of.planners.values[i], planners[i]);
        ck_assert_int_eq(of.strips[i], i == 2);
    }
    make_sweep();
    sweep_add_strips(&of, &both[1], 1);
    ck_assert_uint_eq(of.planners.count, 3);
    ck_assert(!of.strips[2]);
    of.planners.count = 0;
    for (int i = 0; i < MBS_PLANNER_COUNT; i++)
        of.planners.values[of.planners.count++] = (mbs_planner)i;
    sweep_add_strips(&of, both, 2);
    ck_assert_uint_le(of.planners.count, sizeof of.strips / sizeof of.strips[0]);
}
END_TEST

START_TEST(conventional_planners_keep_batch_norms)
{
    static char marks[8]; /* stand for programs, which nothing here looks into */
    mbs_program *programs[8];
    for (size_t i = 0; i < 8; i++)
        programs[i] = (mbs_program *)&marks[i];
    networks[0].programs = programs;
    for (size_t machine = 0; machine < 4; machine++)
        for (size_t planner = 0; planner < 3; planner++) {
            const sweep_point at = point_of(planner, machine);
            const bool keeps = planner == 0;
            ck_assert_int_eq(sweep_keeps_batch_norms(&of, &at), keeps);
            ck_assert_int_eq(sweep_program_options(&of, &at).keep_batch_norm, keeps);
            ck_assert_ptr_eq(sweep_program(&of, &at), programs[(machine == 3 ? 6 : 0) + keeps]);
        }
    of.keep_batch_norm = 1;
    const sweep_point dp = point_of(2, 0);
    ck_assert(sweep_keeps_batch_norms(&of, &dp));
}
END_TEST

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The row of point 5 of a network whose name needs quotes, without its newline. */
static char *make_row(void)
{
    mbs_error error;
    mbs_program *program;
    mbs_plan *plan;
    mbs_error_clear(&error);
    const sweep_point at = sweep_point_at(&of, 5);
    const mbs_program_options program_options = sweep_program_options(&of, &at);
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.planner = of.planners.values[at.planner];
    options.batch = of.batches.values[at.batch];
    options.buffer_bytes = sweep_buffer_bytes(&of, &at);
    load_network_of(0);
    must_succeed(mbs_program_create(&program, networks[0].network, &program_options, &error),
                 &error, "program");
    must_succeed(mbs_plan_create(&plan, program, &machines[at.machine].hardware, &options, &error),
                 &error, "plan");
    char *row = sweep_row(&of, &at, plan);
    ck_assert_ptr_nonnull(row);
    const size_t length = strlen(row);
    ck_assert_int_eq(row[length - 1], '\n');
    row[length - 1] = '\0';
    mbs_plan_free(plan);
    mbs_program_free(program);
    return row;
}

/* A row begins with what is known before it is planned, and tells whether its end is missing. */
START_TEST(rows_are_known_by_their_start)
{
    static const char *const starts[] = {
        "5,\"a,b \"\"c\"\"\",training,replace,1048576,16,wavecore,il,none,off,",
        "{\"index\": 5, \"network\": \"a,b \\\"c\\\"\", \"phase\": \"training\", \"batch_norm\": "
        "\"replace\", \"buffer_bytes\": 1048576, \"batch\": 16, \"hardware\": \"wavecore\", "
        "\"planner\": \"il\", \"recompute\": \"none\", \"strips\": \"off\", "};
    for (int json = 0; json < 2; json++) {
        of.json = json == 1;
        char *row = make_row();
        const sweep_point at = sweep_point_at(&of, 5);
        char *start = sweep_row_start(&of, &at);
        ck_assert_str_eq(start, starts[json]);
        const size_t length = strlen(start);
        ck_assert_int_eq(strncmp(row, start, length), 0);
        ck_assert(sweep_row_is_whole(&of, row, length));
        /* figures of the last column may be cut anywhere without a trace, but for the newline */
        char *last = json == 1 ? row + strlen(row) - 1 : strrchr(row, ',');
        for (char *end = last; end >= row + length; end--) {
            *end = '\0';
            ck_assert_msg(!sweep_row_is_whole(&of, row, length), "%s", row);
        }
        free(start);
        free(row);
        mbs_network_free(networks[0].network);
    }
}
END_TEST

START_TEST(header_has_a_name_for_each_column)
{
    char *row = make_row();
    char *header = sweep_header(&of);
    /* the name, the second column, has a comma of its own */
    const char *behind_name = strchr(strstr(row, "\"\"\"") + 3, ',');
    ck_assert_uint_eq(count_items(header), count_items(behind_name + 1) + 2);
    free(header);
    free(row);
    mbs_network_free(networks[0].network);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep points");
    TCase *tests = tcase_create("points");
    tcase_add_checked_fixture(tests, make_sweep, NULL);
    tcase_add_test(tests, machines_count_fastest_and_networks_slowest);
    tcase_add_test(tests, points_are_limited);
    tcase_add_test(tests, shards_part_the_points);
    tcase_add_test(tests, machines_share_programs_and_plans);
    tcase_add_test(tests, plans_that_time_decides_are_not_shared);
    tcase_add_test(tests, strips_are_of_the_planners_that_take_them);
    tcase_add_test(tests, conventional_planners_keep_batch_norms);
    tcase_add_test(tests, rows_are_known_by_their_start);
    tcase_add_test(tests, header_has_a_name_for_each_column);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
