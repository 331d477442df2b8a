/* Tables and CSV of plans and networks: what they tell, and names that would break them. */
#include <check.h>
#include <string.h>

#include "cost/schedule.h"
#include "mbsopt/mbsopt.h"
#include "run.h"

/* A plan of one convolution with a name that CSV and terminals must be protected from. */
typedef struct fixture {
    mbs_network *network;
    mbs_program *program;
    mbs_plan *plan;
    mbs_hardware hardware;
} fixture;

static fixture make_fixture(int64_t buffer_bytes)
{
    static const char source[] =
        "{\"format\":\"mbsopt-network/1\",\"name\":\"odd\",\"inputs\":[{\"name\":\"i\",\"shape\":"
        "[3,8,8]}],\"layers\":[{\"name\":\"a,\\\"b\\\"\\n\\u001b\",\"op\":\"conv\",\"inputs\":"
        "[\"i\"],\"out_channels\":4,\"kernel\":3},{\"name\":\"v\",\"op\":\"flatten\",\"inputs\":"
        "[\"a,\\\"b\\\"\\n\\u001b\"]}]}";
    fixture made = {0};
    mbs_error error;
    mbs_error_clear(&error);
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware_wavecore(&made.hardware);
    options.buffer_bytes = made.hardware.buffer_bytes = buffer_bytes;
    ck_assert_int_eq(mbs_network_load_text(&made.network, source, sizeof source - 1, "odd", &error),
                     MBS_OK);
    ck_assert_int_eq(mbs_program_create(&made.program, made.network, &program_options, &error),
                     MBS_OK);
    ck_assert_int_eq(mbs_plan_create(&made.plan, made.program, &made.hardware, &options, &error),
                     MBS_OK);
    return made;
}

static void free_fixture(fixture *made)
{
    mbs_plan_free(made->plan);
    mbs_program_free(made->program);
    mbs_network_free(made->network);
}

START_TEST(csv_quotes_names)
{
    fixture made = make_fixture(10485760);
    char *result = NULL;
    ck_assert_int_eq(mbs_report_plan_csv(&result, made.plan, NULL), MBS_OK);
    ck_assert_int_eq(strncmp(result, "group,first,last,first_step,", 28), 0);
    ck_assert_ptr_nonnull(strstr(result,
                                 "\n0,0,2,\"a,\"\"b\"\"\n\x1b\",\"a,\"\"b\"\"\n\x1b.wgrad\","
                                 "both,32,1,1,"));
    mbs_free(result);
    free_fixture(&made);
}
END_TEST

START_TEST(tables_need_no_comparison)
{
    fixture made = make_fixture(10485760);
    char *result = NULL;
    ck_assert_int_eq(mbs_report_plan_table(&result, made.plan, NULL, NULL), MBS_OK);
    ck_assert_ptr_nonnull(strstr(result, " per step and core\n"));
    ck_assert_ptr_null(strstr(result, "baseline"));
    ck_assert_ptr_null(strchr(result, '\x1b'));
    mbs_free(result);
    mbs_report_options options = {1, made.plan, made.plan, NULL, NULL, 0, NULL};
    ck_assert_int_eq(mbs_report_plan_table(&result, made.plan, &options, NULL), MBS_OK);
    ck_assert_ptr_nonnull(strstr(result, "the same"));
    ck_assert_ptr_nonnull(strchr(result, '\x1b'));
    mbs_free(result);
    free_fixture(&made);
}
END_TEST

/* A gap so small that two decimals of it would be zeros. */
START_TEST(small_gaps_are_not_none)
{
    fixture made = make_fixture(10485760);
    char *result = NULL;
    made.plan->outcome = MBS_FEASIBLE;
    made.plan->bound_bytes = made.plan->traffic.total - 1;
    ck_assert_int_gt(made.plan->bound_bytes, 10000);
    ck_assert_int_eq(mbs_report_plan_table(&result, made.plan, NULL, NULL), MBS_OK);
    ck_assert_ptr_nonnull(strstr(result, ", within 0.01 % of optimal"));
    mbs_free(result);
    free_fixture(&made);
}
END_TEST

/* No bound of one order of steps is one of others. */
START_TEST(searched_orders_are_told_beside_the_given_one)
{
    fixture made = make_fixture(10485760);
    const int64_t total = made.plan->traffic.total;
    char *result = NULL;
    const struct {
        int64_t given;
        int64_t bound;
        const char *told;
    } cases[] = {
        {2 * total, 2 * total, ", best found: 50.0 % less than the proven optimum of the given"},
        {2 * total, total, ", best found: 50.0 % less than in the given order\n"},
        {total, total, ", proven optimal in the given order, no better one found\n"},
        {total, 0, ", best found, in the given order\n"},
    };
    made.plan->outcome = MBS_HEURISTIC;
    made.plan->bound_bytes = 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        made.plan->given_bytes = cases[i].given;
        made.plan->given_bound_bytes = cases[i].bound;
        ck_assert_int_eq(mbs_report_plan_table(&result, made.plan, NULL, NULL), MBS_OK);
        ck_assert_msg(strstr(result, cases[i].told) != NULL, "%s", result);
        mbs_free(result);
    }
    free_fixture(&made);
}
END_TEST

/* r is computed again for e.wgrad, and once more for d.wgrad, which is to read no earlier copy. */
START_TEST(table_says_what_is_computed_once_more)
{
    static const char source[] =
        "{\"format\":\"mbsopt-network/"
        "1\",\"name\":\"n\",\"inputs\":[{\"name\":\"i\",\"shape\":[3,8,8]}],"
        "\"layers\":[{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"i\"],\"out_channels\":4,"
        "\"kernel\":1},"
        "{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"c\"]},"
        "{\"name\":\"d\",\"op\":\"conv\",\"inputs\":[\"r\"],\"out_channels\":4,\"kernel\":1},"
        "{\"name\":\"e\",\"op\":\"conv\",\"inputs\":[\"r\"],\"out_channels\":4,\"kernel\":1}]}";
    static const unsigned char set[] = {0, MBS_RECOMPUTE_OUTPUT, MBS_RECOMPUTE_ANEW, 0};
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_report_options report = {0};
    mbs_hardware hardware;
    mbs_network *network;
    mbs_program *program[2];
    mbs_plan *plan[2];
    char *result;
    mbs_hardware_wavecore(&hardware);
    ck_assert_int_eq(mbs_network_load_text(&network, source, strlen(source), "n", NULL), MBS_OK);
    for (int i = 0; i < 2; i++) {
        program_options.recompute_layers = i == 0 ? NULL : set;
        ck_assert_int_eq(mbs_program_create(&program[i], network, &program_options, NULL), MBS_OK);
        ck_assert_int_eq(mbs_plan_create(&plan[i], program[i], &hardware, &options, NULL), MBS_OK);
    }
    report.plain = plan[0];
    ck_assert_int_eq(mbs_report_plan_table(&result, plan[1], &report, NULL), MBS_OK);
    ck_assert_msg(strstr(result, "recomputed in the backward phase: 1 other layer; 1 step once "
                                 "more\n") != NULL,
                  "%s", result);
    mbs_free(result);
    for (int i = 0; i < 2; i++) {
        mbs_plan_free(plan[i]);
        mbs_program_free(program[i]);
    }
    mbs_network_free(network);
}
END_TEST

START_TEST(network_table_shows_views_and_totals)
{
    fixture made = make_fixture(4096);
    char *result = NULL;
    ck_assert_int_eq(
        mbs_report_network_table(&result, made.network, made.program, &made.hardware, 32, 0, NULL),
        MBS_OK);
    ck_assert_ptr_nonnull(strstr(result, "odd · training · 32 samples per core · 4 KiB buffer\n"));
    ck_assert_ptr_nonnull(strstr(result, "a,\"b\"\\x0a\\x1b  conv     4x6x6       108"));
    ck_assert_ptr_nonnull(strstr(result, "  view\n"));
    ck_assert_ptr_nonnull(strstr(result, "\n2 layers (1 of them views), 108 parameters, "));
    ck_assert_ptr_nonnull(strstr(result, "288 B of layer outputs per sample, 288 bytes\n"));
    mbs_free(result);
    free_fixture(&made);
}
END_TEST

START_TEST(network_table_of_nothing_is_refused)
{
    fixture made = make_fixture(4096);
    char *result = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    made.hardware.reserved_bytes = 4095;
    ck_assert_int_eq(
        mbs_report_network_table(&result, made.network, made.program, &made.hardware, 1, 0, NULL),
        MBS_OK);
    mbs_free(result);
    ck_assert_int_eq(
        mbs_report_network_table(&result, made.network, made.program, &made.hardware, 0, 0, &error),
        MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(result);
    made.hardware.reserved_bytes = 4096;
    ck_assert_int_eq(
        mbs_report_network_table(&result, made.network, made.program, &made.hardware, 1, 0, &error),
        MBS_ERR_ARGUMENT);
    ck_assert_uint_eq(error.count, 2);
    free_fixture(&made);
}
END_TEST

START_TEST(version_is_the_headers)
{
    ck_assert_str_eq(mbs_version(), MBS_VERSION);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("report");
    TCase *tests = tcase_create("report");
    tcase_add_test(tests, csv_quotes_names);
    tcase_add_test(tests, tables_need_no_comparison);
    tcase_add_test(tests, small_gaps_are_not_none);
    tcase_add_test(tests, searched_orders_are_told_beside_the_given_one);
    tcase_add_test(tests, table_says_what_is_computed_once_more);
    tcase_add_test(tests, network_table_shows_views_and_totals);
    tcase_add_test(tests, network_table_of_nothing_is_refused);
    tcase_add_test(tests, version_is_the_headers);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
