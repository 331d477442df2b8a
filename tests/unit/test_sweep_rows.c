/* src/cli/sweep: what a file of rows holds, for a sweep that goes on with it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "small_sweep.h"

/* The second of three shards, of 48 points. */
static void make_shard(void)
{
    make_sweep();
    load_network_of(0);
    load_network_of(1);
    of.shard = 1;
    of.shards = 3;
    ck_assert_uint_eq(sweep_shard_size(&of), 48);
}

static void free_shard(void)
{
    mbs_network_free(networks[0].network);
    mbs_network_free(networks[1].network);
}

static void put_header(text *file)
{
    char *header = sweep_header(&of);
    text_format(file, "%s\n", header);
    free(header);
}

/* The row of the shard's point at `position`, with figures made up. */
static void put_row(text *file, size_t position)
{
    const sweep_point at = sweep_point_at(&of, sweep_shard_index(&of, position));
    char *start = sweep_row_start(&of, &at);
    text_string(file, start);
    free(start);
    if (of.json) {
        text_format(file, "\"outcome\": \"optimal\", \"dram_peak_bytes\": %zu}\n", position);
        return;
    }
    char *header = sweep_header(&of);
    for (size_t columns = count_items(header) - count_items("index,network,phase,batch_norm,"
                                                            "buffer,batch,hardware,planner,"
                                                            "recompute,strips");
         columns > 0; columns--)
        text_format(file, "%zu%s", position, columns > 1 ? "," : "\n");
    free(header);
}

static sweep_rows check_bytes(const char *data, size_t length)
{
    sweep_rows found;
    FILE *stream = length > 0 ? fmemopen((char *)(uintptr_t)data, length, "r") : tmpfile();
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(sweep_check_rows(&found, &of, "rows", stream), EXIT_OK);
    fclose(stream);
    return found;
}

/* What `file` holds; it is freed. */
static sweep_rows check_text(text *file)
{
    ck_assert(!file->failed);
    const sweep_rows found = check_bytes(file->data, file->length);
    text_free(file);
    return found;
}

/* Wherever a file ends, the whole lines before are kept, and the sweep goes on from there. */
START_TEST(a_file_may_end_anywhere)
{
    for (int json = 0; json < 2; json++) {
        text file = TEXT_INIT;
        of.json = json == 1;
        if (!of.json)
            put_header(&file);
        for (size_t position = 0; position < 4; position++)
            put_row(&file, position);
        size_t lines = 0;
        size_t kept = 0;
        for (size_t length = 0; length <= file.length; length++) {
            if (length > 0 && file.data[length - 1] == '\n') {
                lines++;
                kept = length;
            }
            const sweep_rows found = check_bytes(file.data, length);
            ck_assert_int_eq(found.kept, (off_t)kept);
            ck_assert_int_eq(found.has_header, !of.json && lines > 0);
            ck_assert_uint_eq(found.rows, lines - found.has_header);
            ck_assert(!found.are_twice && !found.are_strange);
        }
        text_free(&file);
    }
}
END_TEST

/* Where a machine lost its power, a file may end in zeros. */
START_TEST(zeros_at_the_end_are_no_row)
{
    text file = TEXT_INIT;
    put_header(&file);
    put_row(&file, 0);
    const off_t kept = (off_t)file.length;
    text_bytes(&file, "4,\"a\0\0\0\0\0", 10);
    text_bytes(&file, "\0\0\0\0", 4);
    const sweep_rows found = check_text(&file);
    ck_assert_uint_eq(found.rows, 1);
    ck_assert_int_eq(found.kept, kept);
    ck_assert(!found.are_strange && !found.are_twice);
}
END_TEST

/* Files of version 0.1.0, which planned without strips, are refused and called what they are. */
START_TEST(rows_before_strips_are_strange)
{
    static const char *const files[] = {
        "index,network,phase,batch_norm,buffer_bytes,batch,hardware,planner,recompute,outcome,"
        "activation_read_bytes,activation_write_bytes,weight_read_bytes,weight_gradient_bytes,"
        "total_bytes\n",
        "{\"index\": 1, \"network\": \"a,b \\\"c\\\"\", \"phase\": \"training\", \"batch_norm\": "
        "\"keep\", \"buffer_bytes\": 1048576, \"batch\": 16, \"hardware\": \"wavecore\", "
        "\"planner\": \"baseline\", \"recompute\": \"none\", \"outcome\": \"heuristic\"}\n"};
    for (int json = 0; json < 2; json++) {
        of.json = json == 1;
        const sweep_rows found = check_bytes(files[json], strlen(files[json]));
        ck_assert(found.are_strange);
        ck_assert_uint_eq(found.rows, 0);
        ck_assert_ptr_nonnull(strstr(found.why, "rows:1: is "));
        ck_assert_ptr_nonnull(strstr(found.why, "of an older version's sweep, without the"));
    }
    const sweep_rows other = check_bytes("index,x\n", 8);
    ck_assert(other.are_strange);
    ck_assert_ptr_null(strstr(other.why, "older"));
}
END_TEST

START_TEST(a_whole_shard_takes_no_more)
{
    text file = TEXT_INIT;
    put_header(&file);
    for (size_t position = 0; position < 48; position++)
        put_row(&file, position);
    ck_assert_uint_eq(check_bytes(file.data, file.length).rows, 48);
    text_string(&file, "144,\"a,b \"\"c\"\"\",training\n");
    const sweep_rows found = check_text(&file);
    ck_assert_uint_eq(found.rows, 48);
    ck_assert(found.are_strange);
    ck_assert_ptr_nonnull(strstr(found.why, "rows:50: more rows"));
}
END_TEST

/* Rows of two runs in one file: those in order are kept, and the rest is known for what it is. */
START_TEST(rows_may_be_there_twice)
{
    for (size_t again = 0; again < 3; again++) {
        text file = TEXT_INIT;
        put_header(&file);
        for (size_t position = 0; position < 3; position++)
            put_row(&file, position);
        const off_t kept = (off_t)file.length;
        put_row(&file, again);
        const sweep_rows found = check_text(&file);
        ck_assert_uint_eq(found.rows, 3);
        ck_assert_int_eq(found.kept, kept);
        ck_assert(found.are_twice && !found.are_strange);
        ck_assert_ptr_nonnull(strstr(found.why, "rows:5: "));
    }
}
END_TEST

/* Of another shard, buffer, planner, batch or machine, or with another end, it is another's. */
START_TEST(rows_of_other_sweeps_are_strange)
{
    for (int other = 0; other < 6; other++) {
        text file = TEXT_INIT;
        make_shard();
        put_header(&file);
        put_row(&file, 0);
        const off_t kept = (off_t)file.length;
        const sweep right = of;
        if (other == 0)
            of.shard = 2;
        else if (other == 1)
            of.buffers.values = batches;
        else if (other == 2)
            of.planners.values[1] = of.planners.values[0] = MBS_PLANNER_MBS1;
        else if (other == 3)
            of.batches.values = buffers;
        else if (other == 4)
            of.inference = 1;
        else
            of.keep_batch_norm = 1;
        put_row(&file, 1);
        of = right;
        const sweep_rows found = check_text(&file);
        ck_assert_msg(found.are_strange && !found.are_twice, "other %d", other);
        ck_assert_uint_eq(found.rows, 1);
        ck_assert_int_eq(found.kept, kept);
        free_shard();
    }
}
END_TEST

START_TEST(another_header_is_strange)
{
    text file = TEXT_INIT;
    text_string(&file, "index,network,phase\n");
    put_row(&file, 0);
    const sweep_rows found = check_text(&file);
    ck_assert(found.are_strange);
    ck_assert_uint_eq(found.rows, 0);
    ck_assert_int_eq(found.kept, 0);
    ck_assert_ptr_nonnull(strstr(found.why, "rows:1: "));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sweep rows");
    TCase *tests = tcase_create("rows");
    TCase *others = tcase_create("others");
    tcase_add_checked_fixture(tests, make_shard, free_shard);
    tcase_add_test(tests, a_file_may_end_anywhere);
    tcase_add_test(tests, zeros_at_the_end_are_no_row);
    tcase_add_test(tests, rows_before_strips_are_strange);
    tcase_add_test(tests, a_whole_shard_takes_no_more);
    tcase_add_test(tests, rows_may_be_there_twice);
    tcase_add_test(tests, another_header_is_strange);
    tcase_add_test(others, rows_of_other_sweeps_are_strange); /* with shards of its own */
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, others);
    return run_suite(suite);
}
