/* base/sink and emit/folder: files and folders that appear whole or not at all. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sink.h"
#include "emit/folder.h"
#include "mbsopt/mbsopt.h"
#include "run.h"
#include "scratch_folder.h"

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

static bool count_down(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

/* Whoever is asked while it is written, or before the file takes its place, may end it. */
START_TEST(sink_that_is_to_end)
{
    put("file", "old");
    for (int asked = 0; asked < 3; asked++) {
        int left = asked;
        sink *out = open_sink("file");
        sink_watch(out, count_down, &left);
        text_string(sink_text(out), "new");
        ck_assert(sink_flush(out) == (asked > 0));
        mbs_error_clear(&error);
        const mbs_status status = sink_close(out, true, &error);
        assert_entries("", 1);
        if (asked == 2) {
            ck_assert_int_eq(status, MBS_OK);
            continue;
        }
        ck_assert_int_eq(status, MBS_ERR_STOPPED);
        ck_assert_ptr_nonnull(strstr(error.message[0], "stopped before"));
        assert_holds("file", "old");
    }
    assert_holds("file", "new");
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

/* A slash at the end is not taken for a folder to put the new one in. */
START_TEST(folder_that_is_to_end)
{
    int left = 1; /* the second file is not to be written */
    folder *out;
    sink *file;
    ck_assert_int_eq(folder_open(&out, at("out"), "x", &error), MBS_OK);
    folder_watch(out, count_down, &left);
    ck_assert_int_eq(folder_file(&file, out, "a", &error), MBS_OK);
    ck_assert_int_eq(sink_close(file, true, &error), MBS_OK);
    ck_assert_int_eq(folder_file(&file, out, "b", &error), MBS_OK);
    ck_assert_int_eq(sink_close(file, true, &error), MBS_ERR_STOPPED);
    ck_assert_int_eq(folder_close(out, false, &error), MBS_OK);
    assert_entries("", 0);
}
END_TEST

START_TEST(folder_appears_despite_a_slash)
{
    export_files("new//", "a", NULL, true);
    assert_holds("new/a", "this is a");
    assert_entries("new", 2);
    assert_entries("", 1);
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
    assert_says(folder_open(&in, at("file/out"), "some", &error), MBS_ERR_IO, "Not a directory");
    assert_entries("", 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sink");
    TCase *tests = tcase_create("files");
    tcase_set_timeout(tests, 60); /* disks may be slow */
    tcase_add_checked_fixture(tests, enter, leave);
    tcase_add_test(tests, sink_replaces_at_the_end);
    tcase_add_test(tests, sink_given_up_changes_nothing);
    tcase_add_test(tests, sink_that_is_to_end);
    tcase_add_test(tests, sink_of_any_length);
    tcase_add_test(tests, sink_keeps_links);
    tcase_add_test(tests, sink_that_cannot_be);
    tcase_add_test(tests, sink_to_a_full_device);
    tcase_add_test(tests, folder_appears_and_is_replaced);
    tcase_add_test(tests, folder_that_is_to_end);
    tcase_add_test(tests, folder_appears_despite_a_slash);
    tcase_add_test(tests, folder_takes_an_empty_one);
    tcase_add_test(tests, folder_spares_what_is_not_its_own);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
