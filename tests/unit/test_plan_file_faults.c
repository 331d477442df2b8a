/* Plan files: what is wrong with a file is said, and nothing in one does harm. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mbsopt/mbsopt.h"
#include "plan_text.h"
#include "run.h"

/* ---- Faults ---------------------------------------------------------------------------------- */

typedef struct fault {
    const char *from;
    const char *to;
    const char *message;
} fault;

#define CONV_STEP "\"writes\": [1], \"weight_bytes\": 10, \"accumulator_bytes\": 0"
#define NORM_STEP "\"writes\": [3], \"weight_bytes\": 8, \"accumulator_bytes\": 0"
#define RELU_STEP "\"writes\": [2], \"weight_bytes\": 0, \"accumulator_bytes\": 0"

static const fault faults[] = {
    {CONV_STEP, CONV_STEP ", \"fused\": \"bn\"",
     "p.json: steps[0].fused: found \"bn\", expected a list of names"},
    {CONV_STEP, CONV_STEP ", \"fused\": []",
     "p.json: steps[0].fused: found an empty list, expected a list of names"},
    {CONV_STEP, CONV_STEP ", \"fused\": [\"bn\", 1]",
     "p.json: steps[0].fused[1]: found 1, expected a string that is not empty"},
    {CONV_STEP, CONV_STEP ", \"fused\": [\"bn\", \"bn\"]",
     "p.json: steps: layer \"bn\" is done by step 0 \"conv\" and by step 0 \"conv\", expected by "
     "those of one layer, each once"},
    {NORM_STEP, NORM_STEP ", \"fused\": [\"relu\"]",
     "p.json: steps: layer \"relu\" is done by step 1 \"relu\" and by step 2 \"norm\", expected "
     "by those of one layer, each once"},
    {RELU_STEP, RELU_STEP ", \"fused\": [\"bn\"]",
     "p.json: steps[1].fused: is a member of steps of norms, and in inference of products, only; "
     "this one is of kind \"relu\""},
    {"\"kind\": \"conv\", \"reads\": [0], " CONV_STEP,
     "\"kind\": \"conv.dgrad\", \"reads\": [0], \"fused\": [\"bn\"], " CONV_STEP,
     "p.json: steps[0].fused: is a member of steps of norms, and"},
    {"\"kind\": \"norm\"", "\"kind\": \"norm.stat\", \"fused\": [\"bn\"]",
     "p.json: steps[2].fused: is a member of steps of norms, and"},
    {"mbsopt-plan/1", "mbsopt-network/1",
     "p.json: format: found \"mbsopt-network/1\", expected \"mbsopt-plan/1\""},
    {"\"batch\": 4", "\"batch\": 0", "p.json: batch: found 0, expected a whole number from 1 to"},
    {"\"batch\": 4", "\"batch\": 2.5", "p.json: batch: found 2.5, expected a whole number"},
    {"\"batch\": 4", "\"batch\": 1e300", "p.json: batch: found 1e+300, expected"},
    {"  \"batch\": 4,\n", "", "p.json: batch: is missing, expected a whole number"},
    {"\"batch\": 4", "\"batch\": 4, \"batch\": 4", "p.json: member \"batch\" is given twice"},
    {"\"phase\": \"inference\"", "\"phase\": 1",
     "p.json: phase: found 1, expected \"training\" or \"inference\""},
    {"\"feasible\"", "\"best\"",
     "p.json: outcome: found \"best\", expected \"optimal\", \"feasible\" or \"heuristic\""},
    {"\"bound_bytes\": 100", "\"bound_bytes\": -1", "p.json: bound_bytes: found -1, expected"},
    {"\"bound_bytes\": 100", "\"bound_bytes\": 100, \"given_bytes\": 0.5",
     "p.json: given_bytes: found 0.5, expected a whole number"},
    {"\"bound_bytes\": 100", "\"bound_byte\": 1",
     "p.json: unknown member \"bound_byte\" (did you mean \"bound_bytes\"?)"},
    {"\"dram_peak\": {", "\"dram_peak\": 1, \"x_m\": {",
     "p.json: dram_peak: found 1, expected an object"},
    {"\"accumulators\": 0", "\"accumulators\": -1",
     "p.json: dram_peak.accumulators: found -1, expected"},
    {"\"made_by\": {", "\"made_by\": 1, \"x_m\": {",
     "p.json: made_by: found 1, expected an object"},
    {"\"program\": \"by hand 1\", ", "",
     "p.json: made_by.program: is missing, expected a string that is not empty"},
    {"\"program\": \"by hand 1\"", "\"program\": 3", "p.json: made_by.program: found 3"},
    {"\"hardware\": \"a", "\"machine\": \"a", "p.json: made_by: unknown member \"machine\""},
    {"\"sha-256:0a\"", "\"0a\"",
     "p.json: made_by.hardware_digest: found \"0a\", expected a hash and its digits"},
    {"\"sha-256:0a\"", "\"sha-256:0A\"", "p.json: made_by.hardware_digest: found \"sha-256:0A\""},
    {"\"sha-256:0a\"", "\":0a\"", "p.json: made_by.hardware_digest: found \":0a\""},
    {"\"sha-256:0a\"", "\"sha-256:\"", "p.json: made_by.hardware_digest: found \"sha-256:\""},
    {"\"--none\"", "\"\"", "p.json: made_by.options: found \"\", expected a string that"},
    {"\"--none\"", "null", "p.json: made_by.options: found null, expected a string that"},
    {"\"reserved_bytes\": 4096", "\"reserved_bytes\": 9007199254740992",
     "p.json: reserved_bytes: found 9007199254740992, expected a whole number from 0 to "
     "9007199254740991"},
    {"\"norm_passes\": 3", "\"norm_passes\": 0", "p.json: norm_passes: found 0, expected"},
    {"\"network\": \"hand\"", "\"network\": \"\"",
     "p.json: network: found \"\", expected a string"},
    {"\"tensors\": [", "\"x_tensors\": [", "p.json: tensors: is missing, expected an array"},
    {"\"tensors\": [", "\"tensors\": [], \"x_t\": [",
     "p.json: tensors: is empty, expected at least one tensor"},
    {"\"steps\": [", "\"x_steps\": [", "p.json: steps: is missing, expected an array"},
    {"\"steps\": [", "\"steps\": [], \"x_s\": [",
     "p.json: steps: is empty, expected at least one step"},
    {"\"groups\": [", "\"x_groups\": [", "p.json: groups: is missing, expected an array"},
    {"\"pinned\": [", "\"pinned\": 1, \"x_p\": [", "p.json: pinned: found 1, expected an array"},
    {"\"id\": 3, ", "\"id\": 4, ",
     "p.json: tensors[3].id: found 4, expected 3: ids count up from 0"},
    {"{\"id\": 3, ", "{", "p.json: tensors[3].id: is missing, expected 3"},
    {"\"name\": \"x\", ", "", "p.json: tensors[0].name: is missing, expected a string"},
    {"\"bytes\": 100}", "\"bytes\": -100}", "p.json: tensors[0].bytes: found -100, expected"},
    {"\"bytes\": 100}", "\"bytes\": \"100\"}", "p.json: tensors[0].bytes: found \"100\", expected"},
    {"\"kind\": \"relu\"", "\"kind\": null",
     "p.json: steps[1].kind: found null, expected a string"},
    {"\"reads\": [1, 2]", "\"reads\": [1, 4]",
     "p.json: steps[2].reads[1]: found 4, expected a whole number from 0 to 3"},
    {"\"reads\": [1, 2]", "\"reads\": [1, 99999999999999999999]", "p.json: steps[2].reads[1]: "},
    {"\"reads\": [1, 2]", "\"reads\": [1, -1]", "p.json: steps[2].reads[1]: found -1"},
    {"\"reads\": [1, 2]", "\"reads\": {}", "p.json: steps[2].reads: found an object, expected an"},
    {"\"reads\": [1, 2]", "\"reads\": [1, 2, 1]",
     "p.json: steps[2].reads[2]: tensor 1 \"conv\" is an operand of this step already"},
    {"\"reads\": [1, 2]", "\"reads\": [1, 3]",
     "p.json: steps[2].writes[0]: tensor 3 \"norm\" is an operand of this step already"},
    {"\"writes\": [2]", "\"writes\": [0]",
     "p.json: steps[1].writes[0]: tensor 0 \"x\" is an operand of step 0 \"conv\" before, expected "
     "it to be written once and before it is read"},
    {"\"weight_bytes\": 10,", "", "p.json: steps[0].weight_bytes: is missing"},
    {"\"last\": 1", "\"last\": 3",
     "p.json: groups[0].last: found 3, expected a whole number from 0 to 2"},
    {"\"first\": 2, \"last\": 2", "\"first\": 2, \"last\": 1",
     "p.json: groups[1].last: found 1, expected a whole number from 2 to 2"},
    {"\"iterations\": 2", "\"iterations\": 1000001", "p.json: groups[0].iterations: found 1000001"},
    {"\"passes\": 3,", "\"passes\": 0,", "p.json: groups[1].passes: found 0, expected"},
    {"\"passes\": 3,", "\"passes\": 9007199254740991,",
     "p.json: groups[1]: the bytes that it moves exceed 64 bits"},
    {"\"sub_batch\": 4,", "", "p.json: groups[1].sub_batch: is missing"},
    {"\"groups\": [", "\"groups\": [1,", "p.json: groups[0]: found 1, expected an object"},
    {"\"groups\": [", "\"groups\": [{},{},", "p.json: groups: 4 groups, expected at most as many"},
    {"  \"in_passes\": [\n    2", "  \"in_passes\": [\n    0",
     "p.json: in_passes[0]: step 0 is listed already"},
    {"  \"streamed\": [\n    0", "  \"streamed\": [\n    3",
     "p.json: streamed[0]: found 3, expected a whole number from 0 to 2"},
    {"\"step\": 0", "\"step\": -1", "p.json: pinned[0].step: found -1, expected"},
    {"\"pinned\": [", "\"pinned\": [{\"step\": 0, \"weight_bytes\": 0, \"accumulator_bytes\": 0},",
     "p.json: pinned[1]: step 0 \"conv\" is given twice"},
    {"\"tensor\": 1, \"from\": 0, \"to\": 1", "\"tensor\": 2, \"from\": 0, \"to\": 1",
     "p.json: resident[0]: step 0 \"conv\" does not touch tensor 2 \"relu\""},
    {"\"tensor\": 1, \"from\": 0, \"to\": 1", "\"tensor\": 1, \"from\": 0, \"to\": 2",
     "p.json: resident[0]: steps 0 and 2 are not consecutive touches of tensor 1 \"conv\" (next "
     "touch is step 1)"},
    {"\"tensor\": 1, \"from\": 0, \"to\": 1", "\"tensor\": 1, \"from\": 2, \"to\": 0",
     "p.json: resident[0]: step 2 \"norm\" is the last to touch tensor 1 \"conv\""},
    {"\"tensor\": 1, \"from\": 0, \"to\": 1", "\"tensor\": 4, \"from\": 0, \"to\": 1",
     "p.json: resident[0].tensor: found 4, expected a whole number from 0 to 3"},
    {"\"resident\": [", "\"resident\": [{\"tensor\": 1, \"from\": 0, \"to\": 1},",
     "p.json: resident[1]: this interval of tensor 1 \"conv\" is given twice"},
    {"\"total\": 7624", "\"totals\": 7624", "p.json: traffic_bytes: unknown member \"totals\""},
    {"\"total\": 7624", "\"totals\": 7624", "p.json: traffic_bytes.total: is missing"},
};

START_TEST(names_each_fault)
{
    const fault *f = &faults[_i];
    mbs_plan *plan;
    char *document = replace_once(canonical, f->from, f->to);
    mbs_status status = load(&plan, document);
    bool found = false;
    for (size_t i = 0; i < error.count && i < MBS_ERROR_MESSAGES; i++)
        found = found || strncmp(error.message[i], f->message, strlen(f->message)) == 0;
    ck_assert_int_eq(status, MBS_ERR_INPUT);
    ck_assert_ptr_null(plan);
    ck_assert_msg(found, "expected: %s\nfirst: %s", f->message, error.message[0]);
    ck_assert_int_eq(mbs_plan_load_text(&plan, document, strlen(document), "p.json", NULL),
                     MBS_ERR_INPUT);
    mbs_free(document);
}
END_TEST

START_TEST(collects_all_faults)
{
    mbs_plan *plan;
    char *one = replace_once(canonical, "\"batch\": 4", "\"batch\": -4");
    char *two = replace_once(one, "\"bytes\": 100}", "\"bytes\": 0.5}");
    char *three = replace_once(two, "\"iterations\": 2", "\"iterations\": \"2\"");
    ck_assert_int_eq(load(&plan, three), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 3);
    mbs_free(one);
    mbs_free(two);
    mbs_free(three);
    /* without tensors nothing is said about the steps' ids of tensors */
    one = replace_once(canonical, "\"tensors\": [", "\"x_tensors\": [");
    ck_assert_int_eq(load(&plan, one), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 1);
    mbs_free(one);
}
END_TEST

START_TEST(bounds_what_made_it)
{
    char options[1027] = "\"";
    for (size_t length = 1024; length <= 1025; length++) {
        mbs_plan *plan;
        memset(options, 'o', length);
        options[length] = '\0';
        char *document = replace_once(canonical, "--none", options);
        ck_assert_int_eq(load(&plan, document), length == 1024 ? MBS_OK : MBS_ERR_INPUT);
        if (plan == NULL)
            ck_assert_str_eq(error.message[0], "p.json: made_by.options: found a text of 1025 "
                                               "bytes, expected at most 1024");
        mbs_plan_free(plan);
        mbs_free(document);
    }
}
END_TEST

/* Sizes that each are a whole number JSON can say, but not their sum. */
START_TEST(refuses_sums_beyond_64_bits)
{
    text out = TEXT_INIT;
    mbs_plan *plan;
    for (int i = 4; i < 1100; i++)
        text_format(&out, ",\n{\"id\": %d, \"name\": \"t\", \"bytes\": 9007199254740991}", i);
    text_string(&out, "\n  ],\n  \"steps\": [");
    char *tensors = replace_once(canonical, "\n  ],\n  \"steps\": [", out.data);
    out.length = 0;
    text_string(&out, "\"reads\": [0");
    for (int i = 4; i < 1100; i++)
        text_format(&out, ", %d", i);
    text_string(&out, "]");
    char *document = replace_once(tensors, "\"reads\": [0]", out.data);
    ck_assert_int_eq(load(&plan, document), MBS_ERR_INPUT);
    ck_assert_str_eq(error.message[0], "p.json: steps: the bytes of operands and parameters up to "
                                       "step 0 \"conv\" exceed 64 bits");
    mbs_free(tensors);
    mbs_free(document);
    text_free(&out);
    tensors = replace_once(canonical, "\"iterations\": 2", "\"iterations\": 1000000");
    document = replace_once(tensors, "\"weight_bytes\": 4", "\"weight_bytes\": 9007199254740991");
    ck_assert_int_eq(load(&plan, document), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 1);
    ck_assert_str_eq(error.message[0], "p.json: pinned: the bytes that are pinned exceed 64 bits");
    mbs_free(document);
    document = replace_once(tensors, "\"weight_bytes\": 10", "\"weight_bytes\": 9007199254740991");
    ck_assert_int_eq(load(&plan, document), MBS_ERR_INPUT);
    ck_assert_str_eq(error.message[0], "p.json: groups[0]: the bytes that it moves exceed 64 bits");
    mbs_free(document);
    mbs_free(tensors);
}
END_TEST

/* A file cut off anywhere is an input error, never half a plan. */
START_TEST(refuses_truncated_files)
{
    mbs_plan *plan;
    for (size_t length = 0; length + 2 < sizeof canonical; length++) {
        char *copy = malloc(length + 1); /* so that reading beyond the end is noticed */
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, canonical, length);
        mbs_error_clear(&error);
        ck_assert_int_eq(mbs_plan_load_text(&plan, copy, length, "p.json", &error), MBS_ERR_INPUT);
        ck_assert_uint_eq(error.count, 1);
        ck_assert_ptr_null(plan);
        free(copy);
    }
}
END_TEST

/* Whatever a file says, asking the loaded plan about itself is safe. */
static void use(const mbs_plan *plan)
{
    char *written = NULL;
    mbs_traffic traffic;
    mbs_group_info group;
    for (size_t g = 0; g < mbs_plan_group_count(plan); g++) {
        ck_assert_int_eq(mbs_plan_group(plan, g, &group), MBS_OK);
        ck_assert_int_eq(mbs_plan_group_traffic(plan, g, &traffic), MBS_OK);
    }
    mbs_plan_verify(plan, &traffic, NULL);
    mbs_plan_to_json(&written, plan, NULL);
    mbs_free(written);
}

START_TEST(survives_damaged_files)
{
    static const char inserted[] = "0123456789-.e[]{},:\"\\ \n\tnu\xc3";
    uint64_t state = 88172645463325252u + (uint64_t)_i;
    char document[sizeof canonical];
    for (int round = 0; round < 5000; round++) {
        memcpy(document, canonical, sizeof canonical);
        for (int change = 0; change < 1 + round % 3; change++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            size_t at = (size_t)(state >> 33) % (sizeof canonical - 1);
            document[at] = inserted[(state >> 20) % (sizeof inserted - 1)];
        }
        mbs_plan *plan;
        mbs_status status = load(&plan, document);
        ck_assert(status == MBS_OK || status == MBS_ERR_INPUT);
        ck_assert((status == MBS_OK) == (plan != NULL));
        ck_assert((status == MBS_OK) == (error.count == 0));
        if (plan != NULL)
            use(plan);
        mbs_plan_free(plan);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan file faults");
    TCase *tests = tcase_create("plan file faults");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, names_each_fault, 0, sizeof faults / sizeof faults[0]);
    tcase_add_test(tests, collects_all_faults);
    tcase_add_test(tests, bounds_what_made_it);
    tcase_add_test(tests, refuses_sums_beyond_64_bits);
    tcase_add_test(tests, refuses_truncated_files);
    tcase_add_loop_test(tests, survives_damaged_files, 0, 4);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
