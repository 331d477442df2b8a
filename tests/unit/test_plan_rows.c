/* Plan files of version 2: rows, maps and strips are read back as they were; faults are named. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cost/schedule.h"
#include "mbsopt/mbsopt.h"
#include "property/random_network.h"
#include "run.h"

static mbs_error error;

/*
 * Two samples of 8 rows, counted by hand. In strips of a row c holds 2 rows of x and its 9 bytes of
 * weights, and makes a row of c: 20 + 9 + 10 bytes; p, a sample of n and of its own: 80 + 100.
 */
static const char canonical[] =
    "{\"format\": \"mbsopt-plan/2\", \"network\": \"hand\", \"batch\": 2, \"phase\": "
    "\"inference\",\n"
    "\"buffer_bytes\": 4096, \"planner\": \"hand\", \"outcome\": \"heuristic\", \"tensors\": [\n"
    "{\"id\": 0, \"name\": \"x\", \"bytes\": 80, \"rows\": 8},\n"
    "{\"id\": 1, \"name\": \"c\", \"bytes\": 80, \"rows\": 8},\n"
    "{\"id\": 2, \"name\": \"n.statistics\", \"bytes\": 0, \"rows\": 1},\n"
    "{\"id\": 3, \"name\": \"n\", \"bytes\": 80, \"rows\": 8},\n"
    "{\"id\": 4, \"name\": \"p\", \"bytes\": 100, \"rows\": 10}],\n"
    "\"steps\": [\n"
    "{\"id\": 0, \"name\": \"c\", \"phase\": \"forward\", \"kind\": \"conv\", \"reads\": [0],\n"
    " \"writes\": [1], \"weight_bytes\": 9, \"accumulator_bytes\": 0, \"rows\": 8, \"maps\": [\n"
    " {\"tensor\": 0, \"kind\": \"window\", \"window\": 3, \"stride\": 1, \"pad\": 1}]},\n"
    "{\"id\": 1, \"name\": \"n.stat\", \"phase\": \"forward\", \"kind\": \"batch_norm.stat\",\n"
    " \"reads\": [1], \"writes\": [2], \"weight_bytes\": 0, \"accumulator_bytes\": 0,\n"
    " \"rows\": 8},\n"
    "{\"id\": 2, \"name\": \"n\", \"phase\": \"forward\", \"kind\": \"batch_norm\", \"reads\":\n"
    " [1, 2], \"writes\": [3], \"weight_bytes\": 4, \"accumulator_bytes\": 0, \"rows\": 8,\n"
    " \"maps\": [{\"tensor\": 2, \"kind\": \"whole\"}]},\n"
    "{\"id\": 3, \"name\": \"p\", \"phase\": \"forward\", \"kind\": \"pad\", \"reads\": [3],\n"
    " \"writes\": [4], \"weight_bytes\": 0, \"accumulator_bytes\": 0, \"rows\": 10, \"maps\": [\n"
    " {\"tensor\": 3, \"kind\": \"shifted\", \"pad\": 1}]}],\n"
    "\"groups\": [\n"
    "{\"first\": 0, \"last\": 1, \"iterations\": 16, \"sub_batch\": 1, \"passes\": 1,\n"
    " \"peak_bytes\": 39, \"strips\": 8},\n"
    "{\"first\": 2, \"last\": 3, \"iterations\": 2, \"sub_batch\": 1, \"passes\": 1,\n"
    " \"peak_bytes\": 180}],\n"
    "\"streamed\": [0], \"resident\": [{\"tensor\": 1, \"from\": 0, \"to\": 1}, {\"tensor\": 3, "
    "\"from\": 2, \"to\": "
    "3}],\n"
    "\"traffic_bytes\": {\"activation_read\": 320, \"activation_write\": 360, \"weight_read\": "
    "152,\n"
    " \"weight_gradient\": 0, \"total\": 832}}\n";

/* ---- What is written is read ----------------------------------------------------------------- */

static void assert_same_map(const mbs_program *a, const mbs_program *b, int32_t t)
{
    const mbs_row_map *one = &a->maps[a->touches[t].map];
    const mbs_row_map *two = &b->maps[b->touches[t].map];
    ck_assert_int_eq(one->kind, two->kind);
    ck_assert_int_eq(one->pad, two->pad);
    ck_assert_int_eq(one->window, two->window);
    ck_assert_int_eq(one->stride, two->stride);
}

static void assert_same_program(const mbs_program *a, const mbs_program *b)
{
    ck_assert_int_eq(a->split, b->split);
    ck_assert_int_eq(a->split, b->has_rows); /* version 1 tells of none */
    ck_assert_int_eq(a->has_shapes, b->has_shapes);
    ck_assert_int_eq(a->tensor_count, b->tensor_count);
    for (int32_t id = 0; id < a->tensor_count && a->split; id++)
        ck_assert_int_eq(a->tensors[id].rows, b->tensors[id].rows);
    for (int32_t k = 0; k < a->step_count; k++) {
        const mbs_step *one = &a->steps[k];
        const mbs_step *two = &b->steps[k];
        ck_assert_str_eq(one->name, two->name);
        if (strcmp(one->kind, "gsum") != 0) /* of a part of a tensor it is the part's */
            ck_assert_str_eq(one->layer, two->layer);
        ck_assert_msg(one->coupled == two->coupled && one->coupled_to == two->coupled_to &&
                          one->whole_sample == two->whole_sample,
                      "%s: coupled %d %d, to %d %d, whole sample %d %d", one->name, one->coupled,
                      two->coupled, one->coupled_to, two->coupled_to, one->whole_sample,
                      two->whole_sample);
        ck_assert_int_eq(two->rows, a->split ? one->rows : 0);
        for (int32_t t = one->touch_begin; t < one->touch_end && a->split; t++)
            assert_same_map(a, b, t);
    }
}

/* Writes the plan, reads it, and writes it again; returns how many of its groups are in strips. */
static int round_trip(const mbs_plan *plan, const char *label)
{
    char *first;
    char *second;
    mbs_plan *loaded;
    int stripped = 0;
    must_succeed(mbs_plan_to_json(&first, plan, &error), &error, label);
    must_succeed(mbs_plan_load_text(&loaded, first, strlen(first), "p.json", &error), &error,
                 label);
    assert_same_program(plan->program, loaded->program);
    for (int32_t g = 0; g < plan->group_count; g++) {
        mbs_group_info info;
        ck_assert_int_eq(mbs_plan_group(loaded, (size_t)g, &info), MBS_OK);
        ck_assert_int_eq(info.strips, plan->groups[g].strips);
        stripped += info.strips > 1;
    }
    must_succeed(mbs_plan_verify(loaded, NULL, &error), &error, label);
    must_succeed(mbs_plan_to_json(&second, loaded, &error), &error, label);
    ck_assert_str_eq(first, second);
    ck_assert_int_eq(strncmp(first, "{\n  \"format\": \"mbsopt-plan/2\"", 29) == 0,
                     plan->program->split);
    mbs_free(first);
    mbs_free(second);
    mbs_plan_free(loaded);
    return stripped;
}

/* Plans the network, its norms in two steps or one. */
static int plan_and_back(const mbs_network *network, uint64_t *state, bool split, const char *label)
{
    mbs_program_options how = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware hardware;
    mbs_program *program;
    mbs_plan *plan;
    mbs_error_clear(&error);
    how.inference = random_between(state, 0, 3) == 0;
    how.keep_batch_norm = random_between(state, 0, 1) == 0;
    how.split_norms = split;
    how.recompute = random_between(state, 0, 3) == 0 ? MBS_RECOMPUTE_EXPAND : MBS_RECOMPUTE_NONE;
    mbs_hardware_wavecore(&hardware);
    options.batch = random_between(state, 1, 8);
    options.buffer_bytes = 4096 + random_between(state, 0, 1 << random_between(state, 1, 13));
    must_succeed(mbs_program_create(&program, network, &how, &error), &error, label);
    must_succeed(mbs_plan_create(&plan, program, &hardware, &options, &error), &error, label);
    const int stripped = round_trip(plan, label);
    mbs_plan_free(plan);
    mbs_program_free(program);
    return stripped;
}

START_TEST(random_plans_come_back)
{
    uint64_t state = 20261129;
    int stripped = 0;
    for (int round = 0; round < 400; round++) {
        char label[RANDOM_LABEL_BYTES];
        mbs_network *network = random_network(&state, (int)random_between(&state, 2, 25), label);
        stripped += plan_and_back(network, &state, round % 4 != 0, label);
        mbs_network_free(network);
    }
    ck_assert_int_gt(stripped, 40);
}
END_TEST

START_TEST(networks_of_the_zoo_come_back)
{
    static const char *const names[] = {"resnet18", "vit_b_16", "fcn_resnet50", "swin_t"};
    mbs_network *network;
    mbs_program *program;
    mbs_plan *plan;
    mbs_hardware hardware;
    mbs_error_clear(&error);
    must_succeed(
        mbs_network_load_file(&network, source_path("models/networks/%s.json", names[_i]), &error),
        &error, names[_i]);
    mbs_program_options how = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    how.split_norms = 1;
    how.keep_batch_norm = 1;
    options.batch = 2;
    options.buffer_bytes = 1 << 20;
    mbs_hardware_wavecore(&hardware);
    must_succeed(mbs_program_create(&program, network, &how, &error), &error, names[_i]);
    must_succeed(mbs_plan_create(&plan, program, &hardware, &options, &error), &error, names[_i]);
    ck_assert_int_gt(round_trip(plan, names[_i]), 0);
    mbs_plan_free(plan);
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

START_TEST(reports_strips)
{
    mbs_plan *plan;
    char *report;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_load_text(&plan, canonical, strlen(canonical), "p.json", &error), &error,
                 "p.json");
    must_succeed(mbs_report_plan_table(&report, plan, NULL, &error), &error, "table");
    ck_assert_ptr_nonnull(strstr(report, "n.stat fwd     1/8    16 "));
    mbs_free(report);
    must_succeed(mbs_report_plan_csv(&report, plan, &error), &error, "csv");
    ck_assert_ptr_nonnull(
        strstr(report, ",total_bytes,strips\n0,0,1,c,n.stat,forward,1,16,1,39,0,"));
    ck_assert_ptr_nonnull(strstr(report, ",464,8\n1,2,3,n,p,forward,1,2,1,180,0,"));
    mbs_free(report);
    must_succeed(mbs_report_plan_rows(&report, plan, NULL, &error), &error, "rows");
    ck_assert_ptr_nonnull(strstr(report, "0  c           1    1/8     8  x 8 window 3/1-1\n"));
    ck_assert_ptr_nonnull(
        strstr(report, "2  n           2      1     8  c 8, n.statistics 1 whole\n"));
    ck_assert_ptr_nonnull(strstr(report, "3  p           2      1    10  n 8 shifted 1\n"));
    mbs_free(report);
    plan->owned_program->has_rows = false; /* as of version 1 */
    must_succeed(mbs_report_plan_rows(&report, plan, NULL, &error), &error, "rows");
    ck_assert_str_eq(report, "");
    mbs_free(report);
    mbs_plan_free(plan);
}
END_TEST

/* ---- Faults ---------------------------------------------------------------------------------- */

START_TEST(reads_every_member)
{
    mbs_plan *plan;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_load_text(&plan, canonical, strlen(canonical), "p.json", &error), &error,
                 "p.json");
    const mbs_program *p = plan->program;
    must_succeed(mbs_plan_verify(plan, NULL, &error), &error, "p.json");
    ck_assert(p->split && p->has_rows);
    ck_assert_int_eq(p->tensors[4].rows, 10);
    ck_assert_int_eq(p->steps[3].rows, 10);
    const mbs_row_map *window = &p->maps[p->touches[p->steps[0].touch_begin].map];
    ck_assert_int_eq(window->kind, ROWS_WINDOW);
    ck_assert_int_eq(window->window, 3);
    ck_assert_int_eq(window->stride, 1);
    ck_assert_int_eq(window->pad, 1);
    ck_assert_int_eq(p->touches[p->steps[1].touch_begin].map, ROW_MAP_SAME);
    ck_assert_int_eq(p->touches[p->steps[2].touch_begin + 1].map, ROW_MAP_WHOLE);
    ck_assert_int_eq(p->maps[p->touches[p->steps[3].touch_begin].map].pad, 1);
    ck_assert_int_eq(plan->groups[0].strips, 8);
    ck_assert_int_eq(plan->groups[1].strips, 1);
    /* a batch norm is coupled to its statistics alone, and needs no whole sample */
    ck_assert_int_eq(p->steps[2].coupled_to, 1);
    ck_assert_int_eq(p->steps[1].coupled_to, -1);
    for (int32_t k = 0; k < 4; k++)
        ck_assert(!p->steps[k].coupled && !p->steps[k].whole_sample);
    mbs_plan_free(plan);
}
END_TEST

typedef struct fault {
    const char *from;
    const char *to;
    const char *message;
} fault;

static const fault faults[] = {
    {"mbsopt-plan/2", "mbsopt-plan/3",
     "p.json: format: found \"mbsopt-plan/3\", expected \"mbsopt-plan/1\" or \"mbsopt-plan/2\""},
    {"mbsopt-plan/2", "mbsopt-plan/1", "p.json: tensors[0]: unknown member \"rows\""},
    {"mbsopt-plan/2", "mbsopt-plan/1", "p.json: steps[0]: unknown member \"maps\""},
    {"mbsopt-plan/2", "mbsopt-plan/1", "p.json: groups[0]: unknown member \"strips\""},
    {", \"rows\": 8},\n{\"id\": 1, \"name\": \"c\"", "},\n{\"id\": 1, \"name\": \"c\"",
     "p.json: tensors[0].rows: is missing, expected a whole number from 1 to 2147483647"},
    {"\"bytes\": 80, \"rows\": 8},\n{\"id\": 1,", "\"bytes\": 80, \"rows\": 0},\n{\"id\": 1,",
     "p.json: tensors[0].rows: found 0, expected"},
    {"\"bytes\": 100, \"rows\": 10", "\"bytes\": 100, \"rows\": 2147483648",
     "p.json: tensors[4].rows: found 2147483648, expected"},
    {"\"accumulator_bytes\": 0, \"rows\": 10", "\"accumulator_bytes\": 0",
     "p.json: steps[3].rows: is missing"},
    {"\"accumulator_bytes\": 0, \"rows\": 10", "\"accumulator_bytes\": 0, \"rows\": -10",
     "p.json: steps[3].rows: found -10, expected"},
    {"\"maps\": [{\"tensor\": 2,", "\"maps\": 7, \"x_m\": [{\"tensor\": 2,",
     "p.json: steps[2].maps: found 7, expected an array"},
    {"\"maps\": [{\"tensor\": 2,", "\"maps\": [7, {\"tensor\": 2,",
     "p.json: steps[2].maps[0]: found 7, expected an object"},
    {"{\"tensor\": 2, \"kind\"", "{\"kind\"", "p.json: steps[2].maps[0].tensor: is missing"},
    {"{\"tensor\": 2,", "{\"tensor\": 5,",
     "p.json: steps[2].maps[0].tensor: found 5, expected a whole number from 0 to 4"},
    {"{\"tensor\": 2,", "{\"tensor\": 3,",
     "p.json: steps[2].maps[0].tensor: the step does not read tensor 3 \"n\""},
    {"{\"tensor\": 2,", "{\"tensor\": 0,",
     "p.json: steps[2].maps[0].tensor: the step does not read tensor 0 \"x\""},
    {"\"whole\"}]", "\"whole\"}, {\"tensor\": 2, \"kind\": \"whole\"}]",
     "p.json: steps[2].maps[1].tensor: tensor 2 \"n.statistics\" has a map already"},
    {"\"kind\": \"whole\"", "\"kind\": \"same\"",
     "p.json: steps[2].maps[0].kind: found \"same\", expected \"window\", \"transposed\", "
     "\"shifted\", \"scaled\", \"transposed_scaled\" or \"whole\""},
    {"\"kind\": \"whole\"", "\"kind\": 1", "p.json: steps[2].maps[0].kind: found 1, expected"},
    {"\"kind\": \"whole\"", "\"x_kind\": 1", "p.json: steps[2].maps[0].kind: is missing"},
    {"\"kind\": \"whole\"", "\"kind\": \"whole\", \"pad\": 0",
     "p.json: steps[2].maps[0]: unknown member \"pad\""},
    {"\"kind\": \"whole\"", "\"kind\": \"scaled\", \"stride\": 2",
     "p.json: steps[2].maps[0]: unknown member \"stride\""},
    {"\"shifted\", \"pad\": 1", "\"shifted\", \"pad\": 1, \"window\": 1",
     "p.json: steps[3].maps[0]: unknown member \"window\""},
    {"\"shifted\", \"pad\": 1", "\"shifted\"", "p.json: steps[3].maps[0].pad: is missing"},
    {"\"shifted\", \"pad\": 1", "\"shifted\", \"pad\": 1e300",
     "p.json: steps[3].maps[0].pad: found 1e+300"},
    {"\"window\": 3, ", "", "p.json: steps[0].maps[0].window: is missing"},
    {"\"window\": 3", "\"window\": 0", "p.json: steps[0].maps[0].window: found 0, expected"},
    {"\"stride\": 1", "\"stride\": 0", "p.json: steps[0].maps[0].stride: found 0, expected"},
    {"\"stride\": 1, \"pad\": 1}", "\"stride\": 1, \"pad\": -1}",
     "p.json: steps[0].maps[0].pad: found -1, expected"},
    {"\"maps\": [{\"tensor\": 2, \"kind\": \"whole\"}]", "\"maps\": []",
     "p.json: steps[2].maps: there is none for tensor 2 \"n.statistics\", which has not the "
     "step's"},
    {"\"maps\": [\n {\"tensor\": 3", "\"x_maps\": [\n {\"tensor\": 3",
     "p.json: steps[3].maps: there is none for tensor 3 \"n\", which has not the step's rows"},
    {"\"strips\": 8", "\"strips\": 0", "p.json: groups[0].strips: found 0, expected"},
    {"\"strips\": 8", "\"strips\": 2147483648", "p.json: groups[0].strips: found 2147483648"},
    {"\"strips\": 8", "\"strips\": \"8\"", "p.json: groups[0].strips: found \"8\", expected"},
    {"\"strips\": 8", "\"strip\": 8", "p.json: groups[0]: unknown member \"strip\" (did you mean"},
    {"\"strips\": 8", "\"strips\": 62500001",
     "p.json: groups[0].strips: found 62500001 of 4 operands, expected a product of at most "
     "250000000"},
    {"\"iterations\": 16", "\"iterations\": 8000001",
     "p.json: groups[0].iterations: found 8000001, expected a whole number from 1 to 8000000"},
};

START_TEST(names_each_fault)
{
    const fault *f = &faults[_i];
    char *document = replace_once(canonical, f->from, f->to);
    mbs_plan *plan;
    bool found = false;
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_plan_load_text(&plan, document, strlen(document), "p.json", &error),
                     MBS_ERR_INPUT);
    for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++)
        found = found || strncmp(error.message[i], f->message, strlen(f->message)) == 0;
    ck_assert_msg(found, "expected: %s\nfirst: %s", f->message, error.message[0]);
    mbs_free(document);
}
END_TEST

/* Maps as no op has them: whatever they are, the replay and the costs come to an end. */
START_TEST(survives_any_map)
{
    static const char *const maps[] = {
        "\"window\", \"window\": 9007199254740991, \"stride\": 9007199254740991, \"pad\": 0",
        "\"window\", \"window\": 1, \"stride\": 9007199254740991, \"pad\": 9007199254740991",
        "\"transposed\", \"window\": 9007199254740991, \"stride\": 1, \"pad\": 9007199254740991",
        "\"transposed\", \"window\": 1, \"stride\": 9007199254740991, \"pad\": 0",
        "\"shifted\", \"pad\": -9007199254740991",
        "\"shifted\", \"pad\": 9007199254740991",
        "\"scaled\"",
        "\"transposed_scaled\"",
        "\"whole\"",
    };
    static const char *const rows[] = {"8", "1", "2147483647"};
    char to[160];
    mbs_hardware hardware;
    mbs_hardware_wavecore(&hardware);
    snprintf(to, sizeof to, "{\"tensor\": 0, \"kind\": %s}", maps[_i]);
    char *one = replace_once(
        canonical,
        "{\"tensor\": 0, \"kind\": \"window\", \"window\": 3, \"stride\": 1, \"pad\": 1}", to);
    for (size_t i = 0; i < 3; i++) {
        mbs_plan *plan;
        mbs_cost cost;
        snprintf(to, sizeof to, "\"bytes\": 80, \"rows\": %s},\n{\"id\": 1", rows[i]);
        char *two = replace_once(one, "\"bytes\": 80, \"rows\": 8},\n{\"id\": 1", to);
        mbs_error_clear(&error);
        must_succeed(mbs_plan_load_text(&plan, two, strlen(two), "p.json", &error), &error, two);
        const mbs_status status = mbs_plan_verify(plan, NULL, &error);
        ck_assert(status == MBS_OK || status == MBS_ERR_VERIFY);
        mbs_plan_group_cost(plan, &hardware, 0, &cost);
        mbs_plan_free(plan);
        mbs_free(two);
    }
    mbs_free(one);
}
END_TEST

/* No file says of a program with norms of one step that its groups are in strips. */
START_TEST(refuses_to_write_what_no_file_says)
{
    char *written;
    mbs_plan *plan;
    mbs_error_clear(&error);
    must_succeed(mbs_plan_load_text(&plan, canonical, strlen(canonical), "p.json", &error), &error,
                 "p.json");
    plan->owned_program->split = false;
    ck_assert_int_eq(mbs_plan_to_json(&written, plan, &error), MBS_ERR_INPUT);
    ck_assert_ptr_null(written);
    ck_assert_ptr_nonnull(strstr(error.message[0], "groups in strips"));
    mbs_plan_free(plan);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan rows");
    TCase *tests = tcase_create("plan rows");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, random_plans_come_back);
    tcase_add_loop_test(tests, networks_of_the_zoo_come_back, 0, 4);
    tcase_add_test(tests, reads_every_member);
    tcase_add_test(tests, reports_strips);
    tcase_add_loop_test(tests, names_each_fault, 0, sizeof faults / sizeof faults[0]);
    tcase_add_loop_test(tests, survives_any_map, 0, 9);
    tcase_add_test(tests, refuses_to_write_what_no_file_says);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
