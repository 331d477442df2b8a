/* src/emit: names, placed plans, and what exports say of their size. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "emit/safe_names.h"
#include "made_plan.h"
#include "mbsopt/mbsopt.h"
#include "run.h"
#include "scratch_folder.h"
#include "strip_plans.h"

/* ---- Names ----------------------------------------------------------------------------------- */

START_TEST(names_are_safe)
{
    static const char *const cases[][2] = {
        {"conv1", "conv1"},  {"a b", "a_b"},       {"a,b", "a_b_2"},
        {"a_b", "a_b_3"},    {"a_b_2", "a_b_2_2"}, {"DPxDP", "DpxDp"},
        {"DDPP", "DDpP"},    {"1st", "n1st"},      {"", "n"},
        {"\xc3\xa9", "n__"}, {"n", "n_2"},         {"\"q\"", "n_q_"}};
    enum { CASES = sizeof cases / sizeof cases[0] };
    safe_names *names = safe_names_create(CASES);
    ck_assert_ptr_nonnull(names);
    for (int i = 0; i < CASES; i++)
        ck_assert_str_eq(safe_names_add(names, cases[i][0]), cases[i][1]);
    ck_assert_ptr_null(safe_names_add(names, "one too many"));
    safe_names_free(names);
    safe_names_free(NULL);
}
END_TEST

/* ---- Exports --------------------------------------------------------------------------------- */

START_TEST(table_of_formats)
{
    mbs_export_info info;
    ck_assert_uint_gt(mbs_export_count(), 8);
    for (size_t i = 0; i < mbs_export_count(); i++) {
        ck_assert_int_eq(mbs_export_format(i, &info), MBS_OK);
        ck_assert_int_eq(strncmp(info.files, "OUT", 3), 0);
        ck_assert_int_eq(info.is_folder, info.files[3] == '/');
        ck_assert_ptr_nonnull(info.carries);
    }
    ck_assert_int_eq(mbs_export_format(mbs_export_count(), &info), MBS_ERR_ARGUMENT);
}
END_TEST

START_TEST(what_cannot_be_exported)
{
    made all = make(4, 4096);
    mbs_export_options good = MBS_EXPORT_OPTIONS_INIT;
    good.format = "ramulator2";
    const char *out = at("out");
    mbs_export_options bad = good;
    bad.format = NULL;
    assert_says(mbs_plan_export(all.plan, &all.hardware, &bad, out, &error), MBS_ERR_ARGUMENT, "");
    bad.format = "ramulator3";
    assert_says(mbs_plan_export(all.plan, &all.hardware, &bad, out, &error), MBS_ERR_INPUT,
                "expected one of wavecore, scalesim");
    bad = good;
    bad.first_step = 3;
    bad.last_step = 2;
    assert_says(mbs_plan_export(all.plan, &all.hardware, &bad, out, &error), MBS_ERR_INPUT,
                "steps 3..2");
    bad = good;
    bad.last_iteration = 4;
    assert_says(mbs_plan_export(all.plan, &all.hardware, &bad, out, &error), MBS_ERR_INPUT,
                "iterations 0..4");
    for (int64_t bytes = 0; bytes < 9000; bytes = bytes == 0 ? 48 : bytes == 48 ? 8192 : 9000) {
        bad = good;
        bad.request_bytes = bytes;
        assert_says(mbs_plan_export(all.plan, &all.hardware, &bad, out, &error), MBS_ERR_INPUT,
                    "power of 2");
    }
    bad = good;
    bad.sample_every = 0;
    assert_says(mbs_plan_export(all.plan, &all.hardware, &bad, out, &error), MBS_ERR_INPUT,
                "every few");
    good.format = "scalesim";
    assert_says(mbs_plan_export(all.plan, &all.hardware, &good, "-", &error), MBS_ERR_INPUT,
                "a folder of files");
    assert_entries("", 0);
    unmake(&all);
}
END_TEST

/* Of a trace, the plan's traffic; all requests fit what was said. Nothing of other formats. */
START_TEST(sizes_of_exports)
{
    made all = make(4, 4096);
    mbs_export_info info;
    mbs_traffic traffic;
    mbs_plan_traffic(all.plan, &traffic);
    for (size_t i = 0; mbs_export_format(i, &info) == MBS_OK; i++) {
        mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
        mbs_export_size size;
        struct stat found;
        options.format = info.name;
        must(mbs_plan_export_size(all.plan, &all.hardware, &options, &size, &error));
        must(mbs_plan_export(all.plan, &all.hardware, &options, at(info.name), &error));
        if (strstr(info.carries, "request") == NULL && strcmp(info.name, "ramulator") != 0) {
            ck_assert_int_eq(size.requests + size.moved_bytes + size.most_file_bytes, 0);
            continue;
        }
        ck_assert_int_eq(size.moved_bytes, traffic.total);
        ck_assert_int_ge(64 * size.requests, traffic.total);
        ck_assert_int_eq(stat(at(info.name), &found), 0);
        ck_assert_int_le(found.st_size, size.most_file_bytes);
        ck_assert_int_gt(2 * found.st_size, size.most_file_bytes);
    }
    assert_entries("", (int)mbs_export_count());
    unmake(&all);
}
END_TEST

/* Every format takes plans with strip groups; traces move what the plan does. */
START_TEST(strips_are_exported)
{
    mbs_hardware hardware;
    mbs_export_info info;
    mbs_traffic traffic;
    mbs_plan *plan = strip_training();
    int traces = 0;
    mbs_hardware_wavecore(&hardware);
    mbs_plan_traffic(plan, &traffic);
    plan->owned_program->has_shapes = true;
    for (size_t i = 0; mbs_export_format(i, &info) == MBS_OK; i++) {
        mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
        mbs_export_size size;
        options.format = info.name;
        must(mbs_plan_export_size(plan, &hardware, &options, &size, &error));
        must(mbs_plan_export(plan, &hardware, &options, at(info.name), &error));
        if (size.requests > 0) {
            traces++;
            ck_assert_int_eq(size.moved_bytes, traffic.total);
        }
    }
    ck_assert_int_eq(traces, 3);
    assert_entries("", (int)mbs_export_count());
    mbs_plan_free(plan);
}
END_TEST

#define RELU_OF(size)                                                                              \
    "{\"format\":\"mbsopt-network/1\",\"name\":\"t\",\"inputs\":[{\"name\":\"x\",\"shape\":[" size \
    "]}],\"layers\":[{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"x\"]}]}"

START_TEST(large_traces_are_refused)
{
    made all = make_of(RELU_OF("268435456"), 100, 4096);
    mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
    options.format = "dramsim3";
    assert_says(mbs_plan_export(all.plan, &all.hardware, &options, at("out"), &error),
                MBS_ERR_INPUT, "more than 4 GiB");
    assert_entries("", 0);
    unmake(&all);
}
END_TEST

/* What would take hours ends when it is asked to, and leaves nothing behind. */
START_TEST(exports_that_are_to_end)
{
    made all = make_of(RELU_OF("268435456"), 100, 4096);
    int asked = 0;
    mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
    options.format = "dramsim3";
    options.request_bytes = 1;
    options.force = 1;
    options.progress = end_at_once;
    options.progress_context = &asked;
    assert_says(mbs_plan_export(all.plan, &all.hardware, &options, at("out"), &error),
                MBS_ERR_STOPPED, "stopped before");
    ck_assert_int_eq(asked, 1);
    assert_entries("", 0);
    unmake(&all);
}
END_TEST

/* So many requests that the bytes of their lines are beyond 64 bits: then those are the most. */
START_TEST(sizes_beyond_64_bits)
{
    made all = make_of(RELU_OF("1099511627776"), 131072, 4096);
    mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
    mbs_export_size size;
    mbs_traffic traffic;
    mbs_plan_traffic(all.plan, &traffic);
    options.format = "dramsim3";
    options.request_bytes = 1;
    must(mbs_plan_export_size(all.plan, &all.hardware, &options, &size, &error));
    ck_assert_int_eq(size.requests, traffic.total);
    ck_assert_int_eq(size.most_file_bytes, INT64_MAX);
    unmake(&all);
}
END_TEST

/* ---- Placed plans ---------------------------------------------------------------------------- */

typedef struct notes {
    int count;
    char last[256];
} notes;

static void take_note(const char *line, void *context)
{
    notes *taken = context;
    taken->count++;
    snprintf(taken->last, sizeof taken->last, "%s", line);
}

/* Exports the plan as a schedule and says how many notes there were. */
static int export_schedule(const made *all, const mbs_plan *plan, const char *name)
{
    notes taken = {0};
    mbs_export_options options = MBS_EXPORT_OPTIONS_INIT;
    options.format = "wavecore";
    options.note = take_note;
    options.note_context = &taken;
    must(mbs_plan_export(plan, &all->hardware, &options, at(name), &error));
    return taken.count;
}

START_TEST(placed_plans_change_once)
{
    int changed = 0;
    for (int64_t buffer = 4096; buffer <= 8192; buffer += 512) {
        made all = make(16, buffer);
        notes taken = {0};
        mbs_plan *placed;
        all.hardware.buffer_alignment_bytes = 512;
        must(mbs_plan_place(&placed, all.plan, &all.hardware, take_note, &taken, &error));
        must(mbs_plan_verify(placed, NULL, &error));
        ck_assert_int_eq(export_schedule(&all, placed, "placed"), 0);
        ck_assert_int_eq(export_schedule(&all, all.plan, "given"), taken.count);
        mbs_traffic before, after;
        mbs_plan_traffic(all.plan, &before);
        mbs_plan_traffic(placed, &after);
        if (taken.count == 0) {
            ck_assert_int_eq(after.total, before.total);
            ck_assert_int_eq(mbs_plan_outcome(placed), mbs_plan_outcome(all.plan));
        } else {
            char words[64];
            changed++;
            snprintf(words, sizeof words, "moves %lld bytes", (long long)after.total);
            ck_assert_msg(strstr(taken.last, words) != NULL, "%s: %s", words, taken.last);
            ck_assert_int_eq(mbs_plan_outcome(placed), MBS_FEASIBLE);
        }
        mbs_plan_free(placed);
        must(mbs_plan_place(&placed, all.plan, &all.hardware, NULL, NULL, &error));
        mbs_plan_free(placed);
        unmake(&all);
    }
    ck_assert_int_gt(changed, 0);
}
END_TEST

START_TEST(placing_needs_an_alignment)
{
    made all = make(4, 4096);
    const int64_t bad[] = {0, -64, 48, 8192};
    for (int i = 0; i < 4; i++) {
        mbs_plan *placed;
        all.hardware.buffer_alignment_bytes = bad[i];
        assert_says(mbs_plan_place(&placed, all.plan, &all.hardware, NULL, NULL, &error),
                    MBS_ERR_INPUT, "power of 2");
        ck_assert_ptr_null(placed);
    }
    unmake(&all);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("emit");
    TCase *files = tcase_create("files");
    tcase_set_timeout(files, 60); /* disks may be slow */
    tcase_add_checked_fixture(files, enter, leave);
    tcase_add_test(files, what_cannot_be_exported);
    tcase_add_test(files, sizes_of_exports);
    tcase_add_test(files, strips_are_exported);
    tcase_add_test(files, large_traces_are_refused);
    tcase_add_test(files, exports_that_are_to_end);
    tcase_add_test(files, placed_plans_change_once);
    suite_add_tcase(suite, files);
    TCase *figures = tcase_create("figures");
    tcase_add_test(figures, names_are_safe);
    tcase_add_test(figures, table_of_formats);
    tcase_add_test(figures, sizes_beyond_64_bits);
    tcase_add_test(figures, placing_needs_an_alignment);
    suite_add_tcase(suite, figures);
    return run_suite(suite);
}
