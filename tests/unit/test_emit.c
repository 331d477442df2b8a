/* src/emit and the sink below it: files and folders that appear whole or not at all, DRAM regions,
 * names, and what exports say of their size. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sink.h"
#include "emit/dram_layout.h"
#include "emit/folder.h"
#include "emit/safe_names.h"
#include "mbsopt/mbsopt.h"
#include "run.h"

#define PATH_BYTES 512

static mbs_error error;
static char place[64]; /* a folder of this test's own */

/* ---- Files and folders to look at ------------------------------------------------------------ */

static void enter(void)
{
    strcpy(place, "/tmp/mbsopt-test-emit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place));
    mbs_error_clear(&error);
}

static const char *at(const char *name)
{
    static char paths[4][PATH_BYTES];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_BYTES, "%s/%s", place, name);
    return path;
}

/* Calls `visit` with each entry's path; returns how many there are. */
static int each(const char *path, void (*visit)(const char *entry))
{
    int count = 0;
    DIR *entries = opendir(path);
    ck_assert_ptr_nonnull(entries);
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        char joined[PATH_BYTES];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        snprintf(joined, sizeof joined, "%s/%s", path, entry->d_name);
        if (visit != NULL)
            visit(joined);
    }
    closedir(entries);
    return count;
}

static void remove_all(const char *path)
{
    struct stat found;
    if (lstat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        each(path, remove_all);
        rmdir(path);
    } else {
        unlink(path);
    }
}

static void leave(void)
{
    remove_all(place);
}

static void put(const char *name, const char *content)
{
    FILE *file = fopen(at(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    ck_assert_int_eq(fclose(file), 0);
}

static void assert_holds(const char *name, const char *content)
{
    char found[1024] = "";
    FILE *file = fopen(at(name), "r");
    ck_assert_msg(file != NULL, "there is no %s", name);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(found, content);
}

static void assert_entries(const char *name, int count)
{
    ck_assert_int_eq(each(at(name), NULL), count);
}

static void assert_says(mbs_status status, mbs_status expected, const char *words)
{
    ck_assert_int_eq(status, expected);
    ck_assert_msg(strstr(error.message[0], words) != NULL, "%s: expected %s", error.message[0],
                  words);
    mbs_error_clear(&error);
}

/* ---- Sinks ----------------------------------------------------------------------------------- */

static sink *open_sink(const char *name)
{
    sink *out;
    ck_assert_msg(sink_open(&out, at(name), &error) == MBS_OK, "%s", error.message[0]);
    return out;
}

START_TEST(sink_replaces_at_the_end)
{
    put("file", "old");
    ck_assert_int_eq(chmod(at("file"), 0640), 0);
    sink *out = open_sink("file");
    text_string(sink_text(out), "new");
    ck_assert(sink_flush(out));
    assert_holds("file", "old");
    ck_assert_int_eq(sink_close(out, true, &error), MBS_OK);
    assert_holds("file", "new");
    struct stat found;
    ck_assert_int_eq(stat(at("file"), &found), 0);
    ck_assert_int_eq(found.st_mode & 07777, 0640);
    assert_entries("", 1);
}
END_TEST

START_TEST(sink_given_up_changes_nothing)
{
    put("file", "old");
    for (int i = 0; i < 2; i++) { /* once there is a file, once there is none */
        sink *out = open_sink(i == 0 ? "file" : "none");
        text_string(sink_text(out), "new");
        ck_assert_int_eq(sink_close(out, false, &error), MBS_OK);
    }
    assert_holds("file", "old");
    assert_entries("", 1);
    ck_assert_int_eq(sink_close(NULL, true, &error), MBS_OK);
}
END_TEST

/* More than is kept in memory; every byte arrives, and the memory does not grow with them. */
START_TEST(sink_of_any_length)
{
    enum { LINES = 200000 };
    char line[32];
    sink *out = open_sink("long");
    for (int i = 0; i < LINES; i++) {
        text_format(sink_text(out), "%d\n", i);
        ck_assert(sink_flush(out));
        ck_assert_uint_lt(sink_text(out)->capacity, 1 << 20);
    }
    ck_assert_int_eq(sink_close(out, true, &error), MBS_OK);
    FILE *file = fopen(at("long"), "r");
    for (int i = 0; i < LINES; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
        ck_assert_int_eq(atoi(line), i);
    }
    ck_assert_ptr_null(fgets(line, sizeof line, file));
    fclose(file);
}
END_TEST

START_TEST(sink_keeps_links)
{
    put("target", "old");
    ck_assert_int_eq(symlink("target", at("link")), 0);
    sink *out = open_sink("link");
    text_string(sink_text(out), "new");
    ck_assert_int_eq(sink_close(out, true, &error), MBS_OK);
    assert_holds("target", "new");
    struct stat found;
    ck_assert_int_eq(lstat(at("link"), &found), 0);
    ck_assert(S_ISLNK(found.st_mode));
    assert_entries("", 2);
}
END_TEST

START_TEST(sink_that_cannot_be)
{
    sink *out;
    assert_says(sink_open(&out, place, &error), MBS_ERR_IO, "directory");
    ck_assert_ptr_null(out);
    assert_says(sink_open(&out, at("no/file"), &error), MBS_ERR_IO, "No such file");
    put("file", "old");
    assert_says(sink_create(&out, at("file"), "shown", &error), MBS_ERR_IO, "shown");
    assert_holds("file", "old");
    assert_entries("", 1);
}
END_TEST

/* A full device is seen at the flush that comes to it, and what it was is said at the end. */
START_TEST(sink_to_a_full_device)
{
    char many[4096];
    memset(many, 'x', sizeof many);
    for (int large = 0; large < 2; large++) {
        sink *out;
        bool good = true;
        ck_assert_int_eq(sink_open(&out, "/dev/full", &error), MBS_OK);
        for (int i = 0; i < (large ? 200 : 1); i++) {
            text_bytes(sink_text(out), many, sizeof many);
            good = sink_flush(out);
        }
        ck_assert_int_eq(good, !large);
        assert_says(sink_close(out, true, &error), MBS_ERR_IO, "No space left");
    }
}
END_TEST

/* ---- Folders --------------------------------------------------------------------------------- */

static void export_files(const char *name, const char *first, const char *second, bool keep)
{
    folder *in;
    sink *out;
    ck_assert_msg(folder_open(&in, at(name), "some", &error) == MBS_OK, "%s", error.message[0]);
    const char *files[] = {first, second};
    for (int i = 0; i < 2 && files[i] != NULL; i++) {
        ck_assert_int_eq(folder_file(&out, in, files[i], &error), MBS_OK);
        text_format(sink_text(out), "this is %s", files[i]);
        ck_assert_int_eq(sink_close(out, true, &error), MBS_OK);
    }
    ck_assert_int_eq(folder_close(in, keep, &error), MBS_OK);
}

START_TEST(folder_appears_and_is_replaced)
{
    export_files("out", "a", "b", true);
    assert_holds("out/a", "this is a");
    assert_holds("out/b", "this is b");
    assert_holds("out/export.json",
                 "{ \"format\": \"mbsopt-export/1\", \"exported\": \"some\",\n  \"files\": [\n"
                 "    \"a\",\n    \"b\"\n  ] }\n");
    assert_entries("out", 3);
    export_files("out", "a", "c", false);
    assert_entries("out", 3);
    assert_holds("out/b", "this is b");
    export_files("out/", "c", NULL, true);
    assert_holds("out/c", "this is c");
    assert_entries("out", 2);
    assert_entries("", 1);
    ck_assert_int_eq(folder_close(NULL, true, &error), MBS_OK);
}
END_TEST

START_TEST(folder_takes_an_empty_one)
{
    ck_assert_int_eq(mkdir(at("out"), 0777), 0);
    ck_assert_int_eq(symlink("out", at("link")), 0);
    export_files("link", "a", NULL, true);
    assert_holds("out/a", "this is a");
    assert_entries("", 2);
}
END_TEST

/* What anyone else put there, or a folder that is no export, is not touched. */
START_TEST(folder_spares_what_is_not_its_own)
{
    folder *in;
    export_files("out", "a", NULL, true);
    put("out/mine", "precious");
    assert_says(folder_open(&in, at("out"), "some", &error), MBS_ERR_IO, "\"mine\"");
    ck_assert_ptr_null(in);
    assert_holds("out/mine", "precious");
    assert_entries("out", 3);
    unlink(at("out/mine"));
    static const char *const indices[] = {"",
                                          "{}",
                                          "[1]",
                                          "{\"format\": \"mbsopt-plan/1\"}",
                                          "{\"format\": \"mbsopt-export/1\"}",
                                          "{\"format\": \"mbsopt-export/1\", \"files\": [7]}"};
    for (size_t i = 0; i < sizeof indices / sizeof indices[0]; i++) {
        put("out/export.json", indices[i]);
        assert_says(folder_open(&in, at("out"), "some", &error), MBS_ERR_IO, "\"a\"");
        assert_holds("out/a", "this is a");
    }
    put("file", "old");
    assert_says(folder_open(&in, at("file"), "some", &error), MBS_ERR_IO, "Not a directory");
    assert_says(folder_open(&in, at("no/out"), "some", &error), MBS_ERR_IO, "No such file");
    assert_entries("", 2);
}
END_TEST

/* ---- DRAM ------------------------------------------------------------------------------------ */

static const char network_text[] =
    "{\"format\":\"mbsopt-network/1\",\"name\":\"t\","
    "\"inputs\":[{\"name\":\"x\",\"shape\":[3,5,7]}],\"layers\":["
    "{\"name\":\"c\",\"op\":\"conv\",\"inputs\":[\"x\"],\"out_channels\":5,\"kernel\":3,"
    "\"bias\":true},"
    "{\"name\":\"r\",\"op\":\"relu\",\"inputs\":[\"c\"]},"
    "{\"name\":\"d\",\"op\":\"conv\",\"inputs\":[\"r\"],\"out_channels\":2,\"kernel\":1}]}";

typedef struct made {
    mbs_network *network;
    mbs_program *program;
    mbs_plan *plan;
    mbs_hardware hardware;
} made;

static void must(mbs_status status)
{
    ck_assert_msg(status == MBS_OK, "%s", error.message[0]);
}

static made make(int64_t batch, int64_t buffer)
{
    made all;
    mbs_program_options program_options = MBS_PROGRAM_OPTIONS_INIT;
    mbs_plan_options options = MBS_PLAN_OPTIONS_INIT;
    options.batch = batch;
    options.buffer_bytes = buffer;
    mbs_hardware_wavecore(&all.hardware);
    must(mbs_network_load_text(&all.network, network_text, strlen(network_text), "t", &error));
    must(mbs_program_create(&all.program, all.network, &program_options, &error));
    must(mbs_plan_create(&all.plan, all.program, &all.hardware, &options, &error));
    return all;
}

static void unmake(made *all)
{
    mbs_plan_free(all->plan);
    mbs_program_free(all->program);
    mbs_network_free(all->network);
}

/* By hand: c has 3·3·3·5 weights and 5 biases of 2 bytes, accumulators of 4; d 10 without biases.
 */
START_TEST(dram_by_hand)
{
    made all = make(4, 4096);
    const mbs_program *p = all.program;
    dram_layout *layout;
    must(dram_layout_create(&layout, all.plan, &error));
    static const dram_region expected[] = {{DRAM_WEIGHTS, "c", 0, 280},
                                           {DRAM_ACCUMULATORS, "c", 320, 560},
                                           {DRAM_WEIGHTS, "d", 896, 20},
                                           {DRAM_ACCUMULATORS, "d", 960, 40}};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(layout->regions[i].content, expected[i].content);
        ck_assert_str_eq(layout->regions[i].name, expected[i].name);
        ck_assert_int_eq(layout->regions[i].address, expected[i].address);
        ck_assert_int_eq(layout->regions[i].bytes, expected[i].bytes);
    }
    ck_assert_int_eq(layout->region_count, 4 + p->tensor_count);
    int64_t address = 1024;
    for (int32_t id = 0; id < p->tensor_count; id++) {
        const dram_region *region = &layout->regions[4 + id];
        ck_assert_int_eq(region->content, DRAM_TENSOR);
        ck_assert_str_eq(region->name, p->tensors[id].name);
        ck_assert_int_eq(region->bytes, 4 * p->tensors[id].bytes);
        ck_assert_int_eq(region->address, address);
        ck_assert_int_eq(layout->tensors[id], address);
        address += (region->bytes + 63) / 64 * 64;
    }
    ck_assert_int_eq(layout->end, address);
    dram_layout_free(layout);
    unmake(&all);
}
END_TEST

START_TEST(dram_of_a_layers_steps)
{
    made all = make(4, 4096);
    const mbs_program *p = all.program;
    dram_layout *layout;
    int dgrads = 0;
    must(dram_layout_create(&layout, all.plan, &error));
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        const bool is_c = strcmp(step->layer, "c") == 0;
        ck_assert_int_eq(layout->weights[k], step->weight_bytes == 0 ? -1 : is_c ? 0 : 896);
        ck_assert_int_eq(layout->accumulators[k], step->accumulator_bytes == 0 ? -1
                                                  : is_c                       ? 320
                                                                               : 960);
        dgrads += step->phase == MBS_BACKWARD && step->weight_bytes > 0;
    }
    ck_assert_int_gt(dgrads, 0);
    dram_layout_free(layout);
    unmake(&all);
}
END_TEST

START_TEST(dram_beyond_all_addresses)
{
    made all = make(4, 4096);
    dram_layout *layout;
    const int64_t batches[] = {INT64_MAX, INT64_C(1) << 55, INT64_C(1) << 60};
    for (int i = 0; i < 3; i++) {
        all.plan->batch = batches[i];
        assert_says(dram_layout_create(&layout, all.plan, &error), MBS_ERR_INPUT, "2^62");
        ck_assert_ptr_null(layout);
    }
    unmake(&all);
}
END_TEST

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
    tcase_add_test(files, sink_replaces_at_the_end);
    tcase_add_test(files, sink_given_up_changes_nothing);
    tcase_add_test(files, sink_of_any_length);
    tcase_add_test(files, sink_keeps_links);
    tcase_add_test(files, sink_that_cannot_be);
    tcase_add_test(files, sink_to_a_full_device);
    tcase_add_test(files, folder_appears_and_is_replaced);
    tcase_add_test(files, folder_takes_an_empty_one);
    tcase_add_test(files, folder_spares_what_is_not_its_own);
    tcase_add_test(files, what_cannot_be_exported);
    tcase_add_test(files, sizes_of_exports);
    tcase_add_test(files, placed_plans_change_once);
    suite_add_tcase(suite, files);
    TCase *figures = tcase_create("figures");
    tcase_add_test(figures, dram_by_hand);
    tcase_add_test(figures, dram_of_a_layers_steps);
    tcase_add_test(figures, dram_beyond_all_addresses);
    tcase_add_test(figures, names_are_safe);
    tcase_add_test(figures, table_of_formats);
    tcase_add_test(figures, placing_needs_an_alignment);
    suite_add_tcase(suite, figures);
    return run_suite(suite);
}
