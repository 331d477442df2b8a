/* Plan files: what is written is read back the same, and what is wrong with a file is said. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cost/schedule.h"
#include "mbsopt/mbsopt.h"
#include "run.h"

/* A correct plan, laid out as it is written. */
static const char canonical[] =
    "{\n"
    "  \"format\": \"mbsopt-plan/1\",\n"
    "  \"network\": \"hand\",\n"
    "  \"batch\": 4,\n"
    "  \"phase\": \"inference\",\n"
    "  \"buffer_bytes\": 8192,\n"
    "  \"norm_passes\": 3,\n"
    "  \"reserved_bytes\": 4096,\n"
    "  \"planner\": \"by \\\"hand\\\"\",\n"
    "  \"outcome\": \"feasible\",\n"
    "  \"bound_bytes\": 100,\n"
    "  \"tensors\": [\n"
    "    {\"id\": 0, \"name\": \"x\", \"bytes\": 100},\n"
    "    {\"id\": 1, \"name\": \"conv\", \"bytes\": 200},\n"
    "    {\"id\": 2, \"name\": \"relu\", \"bytes\": 200},\n"
    "    {\"id\": 3, \"name\": \"norm\", \"bytes\": 200}\n"
    "  ],\n"
    "  \"steps\": [\n"
    "    {\"id\": 0, \"name\": \"conv\", \"phase\": \"forward\", \"kind\": \"conv\", \"reads\": "
    "[0], "
    "\"writes\": [1], \"weight_bytes\": 10, \"accumulator_bytes\": 0},\n"
    "    {\"id\": 1, \"name\": \"relu\", \"phase\": \"forward\", \"kind\": \"relu\", \"reads\": "
    "[1], "
    "\"writes\": [2], \"weight_bytes\": 0, \"accumulator_bytes\": 0},\n"
    "    {\"id\": 2, \"name\": \"norm\", \"phase\": \"forward\", \"kind\": \"norm\", \"reads\": "
    "[1, "
    "2], \"writes\": [3], \"weight_bytes\": 8, \"accumulator_bytes\": 0}\n"
    "  ],\n"
    "  \"groups\": [\n"
    "    {\"first\": 0, \"last\": 1, \"iterations\": 2, \"sub_batch\": 2, \"passes\": 1, "
    "\"peak_bytes\": 804},\n"
    "    {\"first\": 2, \"last\": 2, \"iterations\": 1, \"sub_batch\": 4, \"passes\": 3, "
    "\"peak_bytes\": 0}\n"
    "  ],\n"
    "  \"streamed\": [\n"
    "    0\n"
    "  ],\n"
    "  \"in_passes\": [\n"
    "    2\n"
    "  ],\n"
    "  \"pinned\": [\n"
    "    {\"step\": 0, \"weight_bytes\": 4, \"accumulator_bytes\": 0}\n"
    "  ],\n"
    "  \"resident\": [\n"
    "    {\"tensor\": 1, \"from\": 0, \"to\": 1}\n"
    "  ],\n"
    "  \"traffic_bytes\": {\"activation_read\": 5200, \"activation_write\": 2400, \"weight_read\": "
    "24, \"weight_gradient\": 0, \"total\": 7624}\n"
    "}\n";

static mbs_error error;

static mbs_status load(mbs_plan **plan, const char *document)
{
    mbs_error_clear(&error);
    return mbs_plan_load_text(plan, document, strlen(document), "p.json", &error);
}

static mbs_plan *load_good(const char *document)
{
    mbs_plan *plan;
    mbs_status status = load(&plan, document);
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
    return plan;
}

static mbs_plan *load_changed(const char *from, const char *to)
{
    char *document = replace_once(canonical, from, to);
    mbs_plan *plan = load_good(document);
    mbs_free(document);
    return plan;
}

/* ---- Reading what is right ------------------------------------------------------------------- */

START_TEST(writes_what_it_read)
{
    char *written;
    mbs_plan *plan = load_good(canonical);
    ck_assert_msg(mbs_plan_verify(plan, NULL, &error) == MBS_OK, "%s", error.message[0]);
    ck_assert_int_eq(mbs_plan_to_json(&written, plan, &error), MBS_OK);
    ck_assert_str_eq(written, canonical);
    mbs_free(written);
    mbs_plan_free(plan);
}
END_TEST

START_TEST(reads_every_member)
{
    mbs_plan *plan = load_good(canonical);
    const mbs_program *p = plan->program;
    ck_assert_str_eq(p->network_name, "hand");
    ck_assert(p->inference && p->tensors[3].kept && !p->tensors[2].kept && !p->tensors[0].kept);
    ck_assert_str_eq(plan->planner_name, "by \"hand\"");
    ck_assert_int_eq(plan->outcome, MBS_FEASIBLE);
    ck_assert_int_eq(plan->bound_bytes, 100);
    ck_assert_int_eq(plan->batch, 4);
    ck_assert_int_eq(plan->buffer_bytes, 8192);
    ck_assert_int_eq(plan->reserved_bytes, 4096);
    ck_assert_int_eq(plan->norm_passes, 3);
    ck_assert_int_eq(plan->mode[0], MBS_STREAMED);
    ck_assert_int_eq(plan->mode[1], MBS_STAGED);
    ck_assert_int_eq(plan->mode[2], MBS_PASSES);
    ck_assert_int_eq(plan->pinned_weight[0], 4);
    ck_assert(plan->resident[1] && !plan->resident[0] && !plan->resident[2]);
    ck_assert_int_eq(p->tensors[1].producer, 0);
    ck_assert_int_eq(p->tensors[0].producer, -1);
    ck_assert_str_eq(p->steps[2].layer, "norm");
    ck_assert(p->steps[2].whole_sample && !p->steps[2].coupled && !p->steps[1].whole_sample);
    ck_assert_int_eq(plan->groups[0].end, 2);
    ck_assert_int_eq(plan->groups[1].passes, 3);
    ck_assert_int_eq(plan->traffic.activation_read, 5200);
    ck_assert_int_eq(plan->traffic.activation_write, 2400);
    ck_assert_int_eq(plan->traffic.weight_read, 24);
    ck_assert_int_eq(plan->traffic.total, 7624);
    mbs_plan_free(plan);
}
END_TEST

START_TEST(fills_in_defaults)
{
    mbs_plan *plan = load_changed("  \"norm_passes\": 3,\n", "");
    ck_assert_int_eq(plan->norm_passes, 2);
    mbs_plan_free(plan);
    plan = load_changed("  \"reserved_bytes\": 4096,\n", "");
    ck_assert_int_eq(plan->reserved_bytes, 0);
    mbs_plan_free(plan);
    plan = load_changed("  \"bound_bytes\": 100,\n", "  \"x_note\": [1, {\"a\": null}],\n");
    ck_assert_int_eq(plan->bound_bytes, 0);
    mbs_plan_free(plan);
    plan = load_changed("  \"streamed\": [\n    0\n  ],\n", "");
    ck_assert_int_eq(plan->mode[0], MBS_STAGED);
    mbs_plan_free(plan);
    /* without the list, a lone step that reads more than once runs in passes */
    plan = load_changed("  \"in_passes\": [\n    2\n  ],\n", "");
    ck_assert_int_eq(plan->mode[2], MBS_PASSES);
    ck_assert_int_eq(plan->mode[1], MBS_STAGED);
    mbs_plan_free(plan);
    plan = load_changed("  \"in_passes\": [\n    2\n  ],\n", "  \"in_passes\": [],\n");
    ck_assert_int_eq(plan->mode[2], MBS_STAGED);
    mbs_plan_free(plan);
}
END_TEST

START_TEST(knows_steps_by_their_kind)
{
    static const struct {
        const char *kind;
        bool whole_sample;
        bool coupled;
    } kinds[] = {{"norm.bwd", true, false},      {"softmax", true, false},
                 {"softmax.bwd", true, false},   {"batch_norm", true, true},
                 {"batch_norm.bwd", true, true}, {"normal", false, false},
                 {"relu.norm", false, false},    {"batch_normal.bwd", false, false}};
    char member[64];
    snprintf(member, sizeof member, "\"kind\": \"%s\"", kinds[_i].kind);
    mbs_plan *plan = load_changed("\"kind\": \"norm\"", member);
    ck_assert_int_eq(plan->program->steps[2].whole_sample, kinds[_i].whole_sample);
    ck_assert_int_eq(plan->program->steps[2].coupled, kinds[_i].coupled);
    mbs_plan_free(plan);
}
END_TEST

/* Every planner's plans pass the verifier when loaded from their own files, and come back equal. */
START_TEST(round_trips_planned_networks)
{
    const char *path = source_path("models/networks/resnet18.json");
    mbs_network *network;
    mbs_program *program;
    mbs_hardware hardware;
    mbs_program_options build = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    build.keep_batch_norm = _i & 1;
    build.inference = _i >> 1;
    options.batch = 30;       /* so that last iterations are short */
    options.time_limit_s = 1; /* any plan of ilp will do here */
    mbs_hardware_wavecore(&hardware);
    ck_assert_int_eq(mbs_network_load_file(&network, path, NULL), MBS_OK);
    ck_assert_int_eq(mbs_program_create(&program, network, &build, NULL), MBS_OK);
    for (int planner = 0; planner < MBS_PLANNER_COUNT; planner++) {
        mbs_plan *plan, *loaded;
        char *written, *again;
        mbs_traffic planned, counted;
        options.planner = (mbs_planner)planner;
        ck_assert_int_eq(mbs_plan_create(&plan, program, &hardware, &options, NULL), MBS_OK);
        ck_assert_int_eq(mbs_plan_to_json(&written, plan, NULL), MBS_OK);
        loaded = load_good(written);
        ck_assert_int_eq(mbs_plan_to_json(&again, loaded, NULL), MBS_OK);
        ck_assert_str_eq(written, again);
        mbs_plan_traffic(plan, &planned);
        ck_assert_msg(mbs_plan_verify(loaded, &counted, &error) == MBS_OK, "%s", error.message[0]);
        ck_assert_int_eq(counted.total, planned.total);
        ck_assert_int_gt(counted.total, 0);
        mbs_free(written);
        mbs_free(again);
        mbs_plan_free(plan);
        mbs_plan_free(loaded);
    }
    mbs_program_free(program);
    mbs_network_free(network);
}
END_TEST

/* Every figure as small as it may be, no optional list, and first things resident. */
static const char smallest[] =
    "{\"format\": \"mbsopt-plan/1\", \"network\": \"n\", \"batch\": 1, \"phase\": \"inference\",\n"
    "\"buffer_bytes\": 0, \"norm_passes\": 1, \"planner\": \"p\", \"outcome\": \"heuristic\",\n"
    "\"bound_bytes\": 0, \"tensors\": [{\"id\": 0, \"name\": \"a\", \"bytes\": 0},\n"
    "{\"id\": 1, \"name\": \"b\", \"bytes\": 1}], \"steps\": [\n"
    "{\"id\": 0, \"name\": \"s\", \"phase\": \"forward\", \"kind\": \"k\", \"reads\": [0],\n"
    " \"writes\": [1], \"weight_bytes\": 0, \"accumulator_bytes\": 0},\n"
    "{\"id\": 1, \"name\": \"t\", \"phase\": \"forward\", \"kind\": \"k\", \"reads\": [0],\n"
    " \"writes\": [], \"weight_bytes\": 0, \"accumulator_bytes\": 0}], \"groups\": [\n"
    "{\"first\": 0, \"last\": 0, \"iterations\": 1, \"sub_batch\": 1, \"passes\": 2,\n"
    " \"peak_bytes\": 0},\n"
    "{\"first\": 1, \"last\": 1, \"iterations\": 1, \"sub_batch\": 1, \"passes\": 1,\n"
    " \"peak_bytes\": 0}], \"resident\": [{\"tensor\": 0, \"from\": 0, \"to\": 1}],\n"
    "\"traffic_bytes\": {\"activation_read\": 0, \"activation_write\": 0, \"weight_read\": 0,\n"
    " \"weight_gradient\": 0, \"total\": 0}}";

START_TEST(reads_the_smallest_figures)
{
    char *written;
    mbs_plan *plan = load_good(smallest);
    ck_assert(plan->program->tensors[1].kept && plan->resident[0]);
    ck_assert_int_eq(plan->mode[0], MBS_PASSES);
    ck_assert_int_eq(plan->mode[1], MBS_STAGED);
    ck_assert_int_eq(mbs_plan_to_json(&written, plan, NULL), MBS_OK);
    ck_assert_ptr_null(strstr(written, "bound_bytes"));
    ck_assert_ptr_nonnull(strstr(written, "{\"tensor\": 0, \"from\": 0, \"to\": 1}"));
    ck_assert_ptr_nonnull(strstr(written, "\"streamed\": [],\n"));
    mbs_free(written);
    mbs_plan_free(plan);
    /* two steps are not in passes, whatever their group says */
    char *document =
        replace_once(smallest, "\"first\": 0, \"last\": 0", "\"first\": 0, \"last\": 1");
    plan = load_good(document);
    ck_assert_int_eq(plan->mode[0], MBS_STAGED);
    mbs_plan_free(plan);
    mbs_free(document);
}
END_TEST

/* ---- Faults ---------------------------------------------------------------------------------- */

typedef struct fault {
    const char *from;
    const char *to;
    const char *message;
} fault;

static const fault faults[] = {
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
    {"\"bound_bytes\": 100", "\"bound_byte\": 1",
     "p.json: unknown member \"bound_byte\" (did you mean \"bound_bytes\"?)"},
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

START_TEST(refuses_to_write_rounded_figures)
{
    char *written = NULL;
    mbs_plan *plan = load_good(canonical);
    plan->traffic.weight_read = INT64_C(9007199254740991);
    ck_assert_int_eq(mbs_plan_to_json(&written, plan, &error), MBS_OK);
    mbs_free(written);
    plan->traffic.weight_read++;
    ck_assert_int_eq(mbs_plan_to_json(&written, plan, &error), MBS_ERR_INPUT);
    ck_assert_ptr_null(written);
    ck_assert_uint_eq(error.count, 1);
    ck_assert_str_eq(error.message[0],
                     "plan of \"hand\": weight_read is 9007199254740992, but many JSON readers "
                     "round figures beyond 9007199254740991");
    mbs_plan_free(plan);
}
END_TEST

START_TEST(reads_files)
{
    mbs_plan *plan;
    char path[] = "/tmp/mbsopt-plan-XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
    ck_assert_int_eq(mbs_write_file(path, canonical, strlen(canonical), NULL), MBS_OK);
    ck_assert_int_eq(mbs_plan_load_file(&plan, path, &error), MBS_OK);
    mbs_plan_free(plan);
    unlink(path);
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_plan_load_file(&plan, path, &error), MBS_ERR_IO);
    ck_assert_ptr_null(plan);
    ck_assert_ptr_nonnull(strstr(error.message[0], path));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan file");
    TCase *tests = tcase_create("plan file");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, writes_what_it_read);
    tcase_add_test(tests, reads_every_member);
    tcase_add_test(tests, fills_in_defaults);
    tcase_add_loop_test(tests, knows_steps_by_their_kind, 0, 8);
    tcase_add_loop_test(tests, round_trips_planned_networks, 0, 4);
    tcase_add_loop_test(tests, names_each_fault, 0, sizeof faults / sizeof faults[0]);
    tcase_add_test(tests, reads_the_smallest_figures);
    tcase_add_test(tests, collects_all_faults);
    tcase_add_test(tests, refuses_sums_beyond_64_bits);
    tcase_add_test(tests, refuses_truncated_files);
    tcase_add_loop_test(tests, survives_damaged_files, 0, 4);
    tcase_add_test(tests, refuses_to_write_rounded_figures);
    tcase_add_test(tests, reads_files);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
