/* src/base: arithmetic, errors, names, units and files. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/wide.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static mbs_error error;

static void setup(void)
{
    mbs_error_clear(&error);
}

/* ---- Arithmetic and text --------------------------------------------------------------------- */

START_TEST(checked_arithmetic_reports_overflow)
{
    int64_t result;
    ck_assert(checked_add(INT64_MAX - 1, 1, &result));
    ck_assert_int_eq(result, INT64_MAX);
    ck_assert(!checked_add(INT64_MAX, 1, &result));
    ck_assert(!checked_add(INT64_MIN, -1, &result));
    ck_assert(checked_mul(INT64_C(3037000499), 3037000499, &result));
    ck_assert(!checked_mul(INT64_C(3037000500), 3037000500, &result));
    ck_assert(!checked_mul(INT64_MIN, -1, &result));
    int64_t sum = INT64_MAX - 6;
    ck_assert(checked_add_product(&sum, 2, 3));
    ck_assert_int_eq(sum, INT64_MAX);
    ck_assert(!checked_add_product(&sum, 1, 1));
    ck_assert_int_eq(ceil_div(0, 5), 0);
    ck_assert_int_eq(ceil_div(10, 5), 2);
    ck_assert_int_eq(ceil_div(11, 5), 3);
    ck_assert_int_eq(ceil_div(INT64_MAX, 2), INT64_C(4611686018427387904));
    ck_assert_int_eq(min_i64(-1, 2), -1);
    ck_assert_int_eq(max_i64(-1, 2), 2);
}
END_TEST

/* Quotient and rest make the product again, whatever of 128 bits it is. */
START_TEST(wide_products_are_divided_exactly)
{
    static const int64_t numbers[] = {0,
                                      1,
                                      2,
                                      3,
                                      1000003,
                                      INT64_C(0xffffffff),
                                      INT64_C(0x100000000),
                                      INT64_C(3037000500),
                                      INT64_C(0x123456789abcdef),
                                      INT64_C(1) << 62,
                                      INT64_MAX - 1,
                                      INT64_MAX};
    const size_t count = sizeof numbers / sizeof numbers[0];
    size_t wide_ones = 0;
    for (size_t i = 0; i < count * count * count; i++) {
        const int64_t a = numbers[i % count];
        const int64_t b = numbers[i / count % count];
        const int64_t c = numbers[i / count / count];
        int64_t rest;
        if (c == 0)
            continue;
        const wide product = wide_multiply((uint64_t)a, (uint64_t)b);
        const int64_t quotient = mul_div(a, b, c, &rest);
        if (quotient == INT64_MAX) {
            /* c · (2^63 - 1) is not more than the product */
            const wide least = wide_multiply((uint64_t)c, INT64_MAX);
            ck_assert(product.high > least.high ||
                      (product.high == least.high && product.low >= least.low));
            continue;
        }
        wide again = wide_multiply((uint64_t)quotient, (uint64_t)c);
        again.low += (uint64_t)rest;
        again.high += again.low < (uint64_t)rest;
        ck_assert(rest >= 0 && rest < c);
        ck_assert_uint_eq(again.high, product.high);
        ck_assert_uint_eq(again.low, product.low);
        wide_ones += product.high > 0;
    }
    ck_assert_uint_gt(wide_ones, 100);
    const wide most = wide_multiply(UINT64_MAX, UINT64_MAX);
    ck_assert_uint_eq(most.high, UINT64_MAX - 1);
    ck_assert_uint_eq(most.low, 1);
    const wide known = wide_multiply(UINT64_C(0x123456789abcdef), UINT64_C(0xfedcba987654321));
    ck_assert_uint_eq(known.high, UINT64_C(0x121fa00ad77d74));
    ck_assert_uint_eq(known.low, UINT64_C(0x22236d88fe5618cf));
}
END_TEST

START_TEST(errors_keep_the_first_messages_and_count_all)
{
    for (int i = 0; i < 25; i++)
        ck_assert_int_eq(error_set(&error, i == 0 ? MBS_ERR_IO : MBS_ERR_INPUT, "fault %d", i),
                         i == 0 ? MBS_ERR_IO : MBS_ERR_INPUT);
    ck_assert_int_eq(error.status, MBS_ERR_IO);
    ck_assert_uint_eq(error.count, 25);
    ck_assert_str_eq(error.message[0], "fault 0");
    ck_assert_str_eq(error.message[19], "fault 19");
    ck_assert_int_eq(error_set(NULL, MBS_ERR_INPUT, "nobody listens"), MBS_ERR_INPUT);
    mbs_error_clear(NULL);
    mbs_error_clear(&error);
    ck_assert_uint_eq(error.count, 0);
    ck_assert_str_eq(error.message[19], "");
}
END_TEST

START_TEST(long_messages_are_cut_between_characters)
{
    char name[1000];
    for (size_t i = 0; i + 2 < sizeof name; i += 2)
        memcpy(name + i, "\xC3\xA9", 3);
    error_set(&error, MBS_ERR_INPUT, "x%s", name);
    ck_assert_uint_eq(strlen(error.message[0]), MBS_ERROR_MESSAGE_BYTES - 1);
    error_set(&error, MBS_ERR_INPUT, "%s", name); /* 479 bytes would end in half a character */
    ck_assert_uint_eq(strlen(error.message[1]), MBS_ERROR_MESSAGE_BYTES - 2);
}
END_TEST

START_TEST(statuses_have_texts)
{
    ck_assert_str_eq(mbs_status_text(MBS_OK), "ok");
    for (int status = MBS_OK; status <= MBS_ERR_SOLVER; status++)
        ck_assert_str_ne(mbs_status_text((mbs_status)status), "unknown status");
    ck_assert_str_eq(mbs_status_text((mbs_status)99), "unknown status");
}
END_TEST

START_TEST(quoted_names_are_one_printable_line)
{
    ck_assert_str_eq(quoted("conv1").text, "\"conv1\"");
    ck_assert_str_eq(quoted("").text, "\"\"");
    ck_assert_str_eq(quoted("a\"b\\c\n\x1b\x7f").text, "\"a\\\"b\\\\c\\x0a\\x1b\\x7f\"");
    ck_assert_str_eq(quoted("\xC3\xA9 \xFF \xC2\x9B").text, "\"\xC3\xA9 \\xff \\xc2\\x9b\"");
    char name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    quoted_text cut = quoted(name);
    ck_assert_uint_lt(strlen(cut.text), QUOTED_BYTES);
    ck_assert_str_eq(cut.text + strlen(cut.text) - 5, "n...\"");
}
END_TEST

START_TEST(utf8_lengths)
{
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"a", 1},
        {"\xC3\xA9", 2},
        {"\xE2\x82\xAC", 3},
        {"\xF0\x9F\x98\x80", 4},
        {"\x80", 0},             /* no first byte */
        {"\xC3", 0},             /* cut off */
        {"\xC0\xAF", 0},         /* overlong */
        {"\xE0\x80\xAF", 0},     /* overlong */
        {"\xED\xA0\x80", 0},     /* a surrogate */
        {"\xF4\x90\x80\x80", 0}, /* above U+10FFFF */
        {"\xC2\x85", 0},         /* a C1 control */
        {"\xFF", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        ck_assert_uint_eq(utf8_length((const unsigned char *)cases[i].text), cases[i].length);
    ck_assert_uint_eq(utf8_width("a\xC3\xA9\xE2\x82\xAC"), 3);
    char source[] = "a\xE2\x82\xAC";
    utf8_cut(source, 3);
    ck_assert_str_eq(source, "a");
}
END_TEST

START_TEST(edit_distances)
{
    ck_assert_uint_eq(name_distance("", "", 9), 0);
    ck_assert_uint_eq(name_distance("", "abc", 9), 3);
    ck_assert_uint_eq(name_distance("kitten", "sitting", 9), 3);
    ck_assert_uint_eq(name_distance("sitting", "kitten", 9), 3);
    ck_assert_uint_eq(name_distance("kitten", "sitting", 3), 3);
    ck_assert_uint_eq(name_distance("flaw", "lawn", 9), 2);
    ck_assert_uint_eq(name_distance("same", "same", 1), 0);
    name_guess guess = name_guess_start("kernal");
    name_guess_try(&guess, "channel");
    ck_assert_str_eq(name_guess_show(&guess).text, "");
    name_guess_try(&guess, "kernels");
    name_guess_try(&guess, "kernel");
    name_guess_try(&guess, "kerral"); /* as near, but later */
    ck_assert_str_eq(name_guess_show(&guess).text, " (did you mean \"kernel\"?)");
    guess = name_guess_start("a");
    name_guess_try(&guess, "b"); /* nothing in common */
    ck_assert_str_eq(name_guess_show(&guess).text, "");
}
END_TEST

/* ---- Units and files ------------------------------------------------------------------------- */

START_TEST(sizes_as_people_write_them)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {
        {"0", 0},
        {"10485760", 10485760},
        {"10MiB", 10485760},
        {"10mib", 10485760},
        {"10 MB", 10000000},
        {"512KiB", 524288},
        {"1.5GiB", 1610612736},
        {"0.5kB", 500},
        {"7B", 7},
        {"8388607TiB", INT64_C(8388607) << 40},
        {"9223372036854775807", INT64_MAX},
    };
    static const char *const bad[] = {
        "",     "MiB",   "-1",      "+1",   " 1",         "1.",
        "1.5",  ".5kB",  "10 MiB ", "10XB", "1e3",        "9223372036854775808",
        "0x10", "1,5MB", "10  MiB", "nan",  "8388608TiB", "0.0001kB",
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        int64_t bytes = -1;
        ck_assert_msg(mbs_parse_size(&bytes, good[i].text, &error) == MBS_OK, "%s", good[i].text);
        ck_assert_int_eq(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t bytes = -1;
        setup();
        ck_assert_msg(mbs_parse_size(&bytes, bad[i], &error) == MBS_ERR_INPUT, "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(error.message[0], "expected a whole number of bytes"));
    }
}
END_TEST

START_TEST(failures_of_unknown_numbers)
{
    ck_assert_int_eq(file_error(&error, "read", "a", 12345), MBS_ERR_IO);
    ck_assert_str_eq(error.message[0], "cannot read \"a\": error 12345");
}
END_TEST

START_TEST(integers_within_bounds)
{
    static const char *const bad[] = {"",   "x",  "1x", " 1",  "1.0",
                                      "+1", "-6", "11", "--1", "99999999999999999999"};
    int64_t value;
    ck_assert_int_eq(mbs_parse_integer(&value, "-5", -5, 10, "--n", &error), MBS_OK);
    ck_assert_int_eq(value, -5);
    ck_assert_int_eq(mbs_parse_integer(&value, "10", -5, 10, "--n", &error), MBS_OK);
    ck_assert_int_eq(value, 10);
    for (size_t i = 0; i < COUNT(bad); i++) {
        setup();
        ck_assert_msg(mbs_parse_integer(&value, bad[i], -5, 10, "--n", &error) == MBS_ERR_INPUT,
                      "%s", bad[i]);
        ck_assert_ptr_nonnull(strstr(error.message[0], "expected a whole number from -5 to 10"));
    }
}
END_TEST

START_TEST(files_are_written_whole_and_read_back)
{
    char folder[] = "/tmp/mbsopt-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char path[64];
    snprintf(path, sizeof path, "%s/file", folder);
    char *data = NULL;
    size_t length = 0;
    ck_assert_int_eq(mbs_write_file(path, "old", 3, &error), MBS_OK);
    ck_assert_int_eq(mbs_write_file(path, "a\0b", 3, &error), MBS_OK);
    ck_assert_int_eq(file_read(&data, &length, path, &error), MBS_OK);
    ck_assert_uint_eq(length, 3);
    ck_assert_mem_eq(data, "a\0b\0", 4);
    mbs_free(data);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(file_read(&data, &length, path, &error), MBS_ERR_IO);
    ck_assert_int_eq(file_read(&data, &length, folder, &error), MBS_ERR_IO);
    ck_assert_int_eq(mbs_write_file(folder, "x", 1, &error), MBS_ERR_IO);
    ck_assert_int_eq(mbs_write_file("/nowhere/at/all", "x", 1, &error), MBS_ERR_IO);
    ck_assert_uint_eq(error.count, 4);
    ck_assert_int_eq(rmdir(folder), 0); /* no temporary file is left */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, checked_arithmetic_reports_overflow);
    tcase_add_test(tests, wide_products_are_divided_exactly);
    tcase_add_test(tests, errors_keep_the_first_messages_and_count_all);
    tcase_add_test(tests, long_messages_are_cut_between_characters);
    tcase_add_test(tests, statuses_have_texts);
    tcase_add_test(tests, quoted_names_are_one_printable_line);
    tcase_add_test(tests, utf8_lengths);
    tcase_add_test(tests, sizes_as_people_write_them);
    tcase_add_test(tests, failures_of_unknown_numbers);
    tcase_add_test(tests, integers_within_bounds);
    tcase_add_test(tests, files_are_written_whole_and_read_back);
    tcase_add_test(tests, edit_distances);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
