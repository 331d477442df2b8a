/* Plan files: what is written is read back the same. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cost/schedule.h"
#include "mbsopt/mbsopt.h"
#include "plan_text.h"
#include "run.h"

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
    mbs_origin_info origin;
    mbs_plan_origin(plan, &origin);
    ck_assert_str_eq(origin.program, "by hand 1");
    ck_assert_str_eq(origin.hardware, "a \"chip\"");
    ck_assert_str_eq(origin.hardware_digest, "sha-256:0a");
    ck_assert_str_eq(origin.options, "--none");
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
    plan = load_changed("  \"made_by\": {", "  \"x_made_by\": {");
    mbs_origin_info origin;
    mbs_plan_origin(plan, &origin);
    ck_assert(origin.program == NULL && origin.hardware == NULL && origin.hardware_digest == NULL &&
              origin.options == NULL);
    char *written;
    ck_assert_int_eq(mbs_plan_to_json(&written, plan, &error), MBS_OK);
    ck_assert_ptr_null(strstr(written, "made_by"));
    mbs_free(written);
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

/* ---- Writing and files ----------------------------------------------------------------------- */

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

/* What a file tells nothing of the shapes of has no time and no energy. */
START_TEST(plans_without_shapes_have_no_cost)
{
    char *written = NULL;
    mbs_hardware hardware;
    mbs_plan *plan = load_good(canonical);
    mbs_plan *other;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    mbs_hardware_wavecore(&hardware);
    ck_assert_int_eq(mbs_plan_to_json_with_cost(&written, plan, &hardware, &error),
                     MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(written);
    ck_assert_str_eq(error.message[0],
                     "plan of \"hand\": its file tells no shapes, so its costs are not known");
    options.objective = MBS_ENERGY;
    mbs_error_clear(&error);
    ck_assert_int_eq(mbs_plan_create(&other, mbs_plan_program(plan), &hardware, &options, &error),
                     MBS_ERR_ARGUMENT);
    ck_assert_ptr_null(other);
    ck_assert_ptr_nonnull(strstr(error.message[0], "the shapes of a network"));
    options.objective = MBS_TRAFFIC;
    ck_assert_int_eq(mbs_plan_create(&other, mbs_plan_program(plan), &hardware, &options, &error),
                     MBS_OK);
    mbs_plan_free(other);
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
    tcase_add_test(tests, reads_the_smallest_figures);
    tcase_add_test(tests, refuses_to_write_rounded_figures);
    tcase_add_test(tests, plans_without_shapes_have_no_cost);
    tcase_add_test(tests, reads_files);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
