/* src/cli/compare: which rows a comparison has, their ratios and means, and their texts. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "run.h"

static char names[2][8] = {"first", "second"};
static compare_network networks[2];
static comparison of;

/* baseline, mbs2 and dp on two networks. */
static void make_comparison(void)
{
    memset(networks, 0, sizeof networks);
    memset(&of, 0, sizeof of);
    networks[0].name = names[0];
    networks[1].name = names[1];
    of.networks = networks;
    of.network_count = 2;
    of.planners = (planner_list){{MBS_PLANNER_BASELINE, MBS_PLANNER_MBS2, MBS_PLANNER_DP}, 3};
    mbs_hardware_wavecore(&of.setup.hardware);
    of.setup.batch = 32;
}

static compare_row row_of(const char *name, int64_t bytes, double time_s, double energy_j)
{
    compare_row row = {.traffic = {.total = bytes},
                       .cost = {.time_s = time_s, .energy_j = energy_j, .utilisation = 0.5}};
    strcpy(row.name, name);
    return row;
}

/* dp also without strips where it takes them; nothing is recomputed unless asked for. */
START_TEST(dp_gets_a_row_without_strips)
{
    const mbs_planner planners[] = {MBS_PLANNER_BASELINE, MBS_PLANNER_MBS2, MBS_PLANNER_DP,
                                    MBS_PLANNER_DP};
    compare_add_rows(&of);
    ck_assert_uint_eq(of.planners.count, 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(of.planners.values[i], planners[i]);
        ck_assert_int_eq(of.strips[i], i == 3);
        ck_assert(!of.recomputes[i]);
    }
}
END_TEST

START_TEST(a_row_may_have_an_objective_of_its_own)
{
    of.options.objective = MBS_ENERGY;
    compare_add_rows(&of);
    compare_add_row(&of, MBS_PLANNER_DP, MBS_TIME);
    compare_add_row(&of, MBS_PLANNER_MBS2, MBS_TRAFFIC);
    ck_assert_uint_eq(of.planners.count, 6);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(of.objectives[i], MBS_ENERGY);
    ck_assert_int_eq(of.planners.values[4], MBS_PLANNER_DP);
    ck_assert_int_eq(of.objectives[4], MBS_TIME);
    ck_assert(of.strips[4] && !of.strips[5]);
    ck_assert(!of.recomputes[4]);
}
END_TEST

START_TEST(what_recomputes_gets_another_row)
{
    of.recompute.recompute = MBS_RECOMPUTE_AUTO;
    compare_add_rows(&of);
    const mbs_planner planners[] = {MBS_PLANNER_BASELINE, MBS_PLANNER_MBS2, MBS_PLANNER_MBS2,
                                    MBS_PLANNER_DP,       MBS_PLANNER_DP,   MBS_PLANNER_DP};
    ck_assert_uint_eq(of.planners.count, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_int_eq(of.planners.values[i], planners[i]);
        ck_assert_int_eq(of.recomputes[i], i == 2 || i == 5);
        ck_assert_int_eq(of.strips[i], i >= 4);
    }
}
END_TEST

/* There is room for the rows of all planners. */
START_TEST(all_planners_fit)
{
    of.planners.count = 0;
    for (int i = 0; i < MBS_PLANNER_COUNT; i++)
        of.planners.values[of.planners.count++] = (mbs_planner)i;
    of.recompute.recompute = MBS_RECOMPUTE_AUTO;
    compare_add_rows(&of);
    ck_assert_uint_gt(of.planners.count, MBS_PLANNER_COUNT);
    ck_assert_uint_le(of.planners.count, COMPARE_ROWS);
}
END_TEST

START_TEST(ratios_are_to_the_baseline)
{
    const compare_row baseline = row_of("baseline", 4000, 2, 3);
    compare_row row = row_of("dp", 1000, 0.5, 6);
    compare_relate(&row, &baseline);
    ck_assert_double_eq(row.traffic_ratio, 0.25);
    ck_assert_double_eq(row.speedup, 4);
    ck_assert_double_eq(row.energy_ratio, 2);
    ck_assert_double_eq(row.utilisation, 0.5);
    const compare_row nothing = row_of("baseline", 0, 0, 0);
    row = row_of("dp", 0, 0, 0);
    compare_relate(&row, &nothing);
    ck_assert_double_eq(row.traffic_ratio, 1);
    ck_assert_double_eq(row.speedup, 1);
    ck_assert_double_eq(row.energy_ratio, 1);
}
END_TEST

static void relate_all(void)
{
    const compare_row rows[2][3] = {
        {row_of("baseline", 8000, 1, 1), row_of("mbs2", 4000, 1, 1), row_of("dp", 1000, 0.5, 1)},
        {row_of("baseline", 8000, 9, 1), row_of("mbs2", 8000, 9, 4), row_of("dp", 4000, 4.5, 9)}};
    for (size_t n = 0; n < 2; n++)
        for (size_t i = 0; i < 3; i++) {
            networks[n].rows[i] = rows[n][i];
            compare_relate(&networks[n].rows[i], &rows[n][0]);
        }
}

START_TEST(means_are_geometric)
{
    relate_all();
    networks[1].rows[2].utilisation = 0; /* a network without matrix products */
    compare_average(&of);
    ck_assert_double_eq_tol(of.means[0].traffic_ratio, 1, 1e-12);
    ck_assert_double_eq_tol(of.means[2].traffic_ratio, 0.25, 1e-12);
    ck_assert_double_eq_tol(of.means[2].speedup, 2, 1e-12);
    ck_assert_double_eq_tol(of.means[2].energy_ratio, 3, 1e-12);
    ck_assert_double_eq_tol(of.means[1].utilisation, 0.5, 1e-12);
    ck_assert_double_eq(of.means[2].utilisation, 0);
    ck_assert_str_eq(of.means[2].name, "dp");
    ck_assert_int_eq(of.means[2].planner, MBS_PLANNER_DP);
}
END_TEST

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        found++;
    return found;
}

/* A row per network and planner, and one per planner for the means, in the order of the lists. */
START_TEST(texts_hold_every_row)
{
    relate_all();
    compare_average(&of);
    char *csv = compare_text(&of, COMPARE_CSV);
    ck_assert_uint_eq(count(csv, "\n"), 1 + 2 * 3 + 3);
    const char *first = strstr(csv, "\nfirst,dp,");
    const char *second = strstr(csv, "\nsecond,baseline,");
    const char *mean = strstr(csv, "\n(geometric mean),baseline,");
    ck_assert(first != NULL && second > first && mean > second);
    ck_assert_ptr_nonnull(strstr(first, ",1000,")); /* bytes */
    free(csv);
    char *json = compare_text(&of, COMPARE_JSON);
    ck_assert_uint_eq(count(json, "{\"planner\": \"dp\""), 3);
    ck_assert_uint_eq(count(json, "\"traffic_ratio\": 0.125"), 1);
    free(json);
    char *table = compare_text(&of, COMPARE_TABLE);
    ck_assert_uint_eq(count(table, "\ndp "), 3);
    ck_assert_uint_eq(count(table, "geometric means over the 2 networks"), 1);
    free(table);
    of.network_count = 1;
    table = compare_text(&of, COMPARE_TABLE);
    ck_assert_uint_eq(count(table, "geometric"), 0);
    free(table);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("comparison");
    TCase *tests = tcase_create("comparison");
    tcase_add_checked_fixture(tests, make_comparison, NULL);
    tcase_add_test(tests, dp_gets_a_row_without_strips);
    tcase_add_test(tests, a_row_may_have_an_objective_of_its_own);
    tcase_add_test(tests, what_recomputes_gets_another_row);
    tcase_add_test(tests, all_planners_fit);
    tcase_add_test(tests, ratios_are_to_the_baseline);
    tcase_add_test(tests, means_are_geometric);
    tcase_add_test(tests, texts_hold_every_row);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
