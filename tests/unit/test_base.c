/* src/base: arithmetic, text, units, files and strict JSON. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/name_pool.h"
#include "base/text.h"
#include "base/utf8.h"
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

START_TEST(texts_grow)
{
    text out = TEXT_INIT;
    char *result;
    ck_assert_int_eq(text_finish(&out, &result, &error), MBS_OK);
    ck_assert_str_eq(result, "");
    mbs_free(result);
    for (int i = 0; i < 1000; i++)
        text_format(&out, "%d,", i % 10);
    text_integer(&out, INT64_MIN);
    text_csv_field(&out, "plain");
    text_csv_field(&out, "a,\"b\"");
    text_json_string(&out, "q\"\\\n\x7f\xC3\xA9\xFF");
    ck_assert_int_eq(text_finish(&out, &result, &error), MBS_OK);
    ck_assert_uint_eq(strspn(result, "0123456789,"), 2000);
    ck_assert_str_eq(result + 2000, "-9223372036854775808plain\"a,\"\"b\"\"\""
                                    "\"q\\\"\\\\\\u000a\\u007f\xC3\xA9\\ufffd\"");
    mbs_free(result);
}
END_TEST

static void *refuse(void *context, size_t bytes)
{
    (void)bytes;
    ++*(int *)context;
    return NULL;
}

static void *grant(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static void give_back(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

START_TEST(arrays_grow)
{
    int32_t *array = NULL;
    int32_t capacity = 0;
    int moves = 0;
    for (int32_t i = 0; i < 100000; i++) {
        const int32_t before = capacity;
        int32_t *moved = mem_grow(array, &capacity, i, sizeof *array);
        ck_assert_ptr_nonnull(moved);
        ck_assert(i < before ? moved == array && capacity == before : capacity >= 2 * before);
        moves += capacity > before;
        array = moved;
        array[i] = i;
    }
    ck_assert_int_eq(capacity & (capacity - 1), 0);
    ck_assert_int_le(moves, 17);
    for (int32_t i = 0; i < 100000; i++)
        ck_assert_int_eq(array[i], i);

    array = mem_grow(array, &capacity, 5000000, sizeof *array);
    ck_assert_ptr_nonnull(array);
    array[5000000] = 7;
    ck_assert_int_eq(array[99999], 99999);
    mem_free(array);
}
END_TEST

START_TEST(arrays_that_cannot_grow_stay)
{
    int refused = 0;
    const mbs_allocator refusing = {refuse, give_back, &refused};
    const mbs_allocator *before = mbs_use_allocator(&refusing);
    int32_t capacity = 0;
    ck_assert_ptr_null(mem_grow(NULL, &capacity, 0, 8));
    ck_assert_int_eq(capacity, 0);
    ck_assert_int_eq(refused, 1);

    /* nobody is asked for what cannot be counted */
    ck_assert_ptr_null(mem_grow(NULL, &capacity, INT32_MAX, 1));
    ck_assert_ptr_null(mem_grow(NULL, &capacity, 0, SIZE_MAX / 256 + 1));
    ck_assert_ptr_null(mem_grow(NULL, &capacity, 256, SIZE_MAX / 256));
    ck_assert_ptr_null(mem_grow(NULL, &capacity, 1 << 30, SIZE_MAX / INT32_MAX + 1));
    ck_assert_int_eq(capacity, 0);
    ck_assert_int_eq(refused, 1);
    ck_assert_ptr_null(mem_grow(NULL, &capacity, INT32_MAX - 1, 1)); /* this many can be */
    ck_assert_int_eq(refused, 2);

    mbs_allocator failing = {grant, give_back, NULL};
    mbs_use_allocator(&failing);
    unsigned char *array = mem_grow(NULL, &capacity, 0, 1);
    ck_assert_ptr_nonnull(array);
    const int32_t held = capacity;
    memset(array, 0xA5, (size_t)held);
    failing = refusing; /* blocks stay with the allocator that they are from */
    ck_assert_ptr_null(mem_grow(array, &capacity, held, 1));
    ck_assert_int_eq(refused, 3);
    ck_assert_int_eq(capacity, held);
    for (int32_t i = 0; i < held; i++)
        ck_assert_uint_eq(array[i], 0xA5);
    ck_assert_ptr_eq(mem_grow(array, &capacity, held - 1, 1), array);
    mem_free(array);
    mbs_use_allocator(before);
}
END_TEST

START_TEST(name_pools_keep_names_of_any_length)
{
    name_pool *pool = name_pool_create();
    ck_assert_ptr_nonnull(pool);
    const char *first = name_pool_copy(pool, "first");
    char *large = malloc(100001);
    ck_assert_ptr_nonnull(large);
    memset(large, 'x', 100000);
    large[100000] = '\0';
    const char *second = name_pool_format(pool, "%s.%d", large, 7);
    for (int i = 0; i < 20000; i++)
        ck_assert_ptr_nonnull(name_pool_format(pool, "name%d", i));
    ck_assert_str_eq(first, "first");
    ck_assert_uint_eq(strlen(second), 100002);
    ck_assert_str_eq(second + 100000, ".7");
    free(large);
    name_pool_free(pool);
    name_pool_free(NULL);
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

/* ---- JSON ------------------------------------------------------------------------------------ */

typedef struct json_case {
    const char *text;
    size_t length;
    const char *message; /* null: the text is right */
} json_case;

#define BAD(text, message)                                                                         \
    {                                                                                              \
        text, sizeof(text) - 1, message                                                            \
    }
#define GOOD(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1, NULL                                                               \
    }

static const json_case json_cases[] = {
    GOOD("{}"),
    GOOD(" \t\r\n{ } \n"),
    GOOD("\xEF\xBB\xBF{}"),
    GOOD("{\"a\": [0, -0, 1.5, 1e5, 1E+5, 2e-7, 1e999, true, false, null, \"\", [], {}]}"),
    GOOD("{\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t\": \"\xC3\xA9\xC2\x85\"}"),
    GOOD("{\"\": 1, \" \": 2, \"A\": 3, \"a\": 4}"),
    BAD("", "f: the file is empty, expected a JSON object"),
    BAD(" \n", "f: the file is empty, expected a JSON object"),
    BAD("[]", "f: found an array, expected an object"),
    BAD("1", "f: found 1, expected an object"),
    BAD("{\n\"a\": \xC3\xA9}", "f: line 2, column 6: found \"\xC3\xA9\", expected a value"),
    BAD("{\"\xC3\xA9\": x}", "f: line 1, column 7: found \"x\", expected a value"),
    BAD("{\"a\": True}", "f: line 1, column 7: found \"True\", expected a value"),
    BAD("{\"a\": NaN}", "f: line 1, column 7: found \"NaN\", expected a value"),
    BAD("{\"a\": truex}", "f: line 1, column 11: found \"x\", expected ',' or '}'"),
    BAD("{\"a\": +1}", "f: line 1, column 7: found \"+1\", expected a value"),
    BAD("{\"a\": .5}", "f: line 1, column 7: found \".5\", expected a value"),
    BAD("{\"a\": -}", "f: line 1, column 8: found \"}\", expected a digit"),
    BAD("{\"a\": 1.}", "f: line 1, column 9: found \"}\", expected a digit"),
    BAD("{\"a\": 1e}", "f: line 1, column 9: found \"}\", expected a digit"),
    BAD("{\"a\": 01}", "f: line 1, column 8: found \"1\", expected no digit after a leading zero"),
    BAD("{\"a\": 0x10}", "f: line 1, column 8: found \"x10\", expected ',' or '}'"),
    BAD("{\"a\": 1 2}", "f: line 1, column 9: found \"2\", expected ',' or '}'"),
    BAD("{\"a\": [1 2]}", "f: line 1, column 10: found \"2\", expected ',' or ']'"),
    BAD("{\"a\": [1,]}", "f: line 1, column 10: found \"]\", expected a value"),
    BAD("{\"a\": [1}", "f: line 1, column 9: found \"}\", expected ',' or ']'"),
    BAD("{\"a\" 1}", "f: line 1, column 6: found \"1\", expected ':' after a member name"),
    BAD("{a: 1}", "f: line 1, column 2: found \"a\", expected a member name in double quotes or"),
    BAD("{\"a\": 1,}", "f: line 1, column 9: found \"}\", expected a member name"),
    BAD("{}}", "f: line 1, column 3: found \"}\", expected nothing after the document"),
    BAD("{}\0", "f: line 1, column 3: found a NUL byte, expected nothing after the document"),
    BAD("{\"a\": \"x\0y\"}", "f: line 1, column 9: found byte 0x00 in a string"),
    BAD("{\"a\": \"x\ny\"}", "f: line 1, column 9: found byte 0x0a in a string"),
    BAD("{\"a\": \"x\\u0000\"}", "f: line 1, column 15: \\u0000 in a string"),
    BAD("{\"a\": \"\\x\"}", "f: line 1, column 9: found \"x\", expected one of"),
    BAD("{\"a\": \"\\u12g4\"}", "f: line 1, column 12: found \"g4\", expected four hexadecimal"),
    BAD("{\"a\": \"\\ud800\"}", "\\ud800 is half of a surrogate pair"),
    BAD("{\"a\": \"\\ud800\\u0041\"}", "\\ud800 is half of a surrogate pair"),
    BAD("{\"a\": \"\\ud800\\ud800\"}", "\\ud800 is half of a surrogate pair"),
    BAD("{\"a\": \"\\udc00\"}", "\\udc00 is half of a surrogate pair"),
    BAD("{\"a\": \"\xFF\"}", "f: line 1, column 8: byte 0xff is not UTF-8 text"),
    BAD("{\"a\": \"\xE2\x82", "f: line 1, column 8: byte 0xe2 is not UTF-8 text"),
    BAD("\xFF\xFE{", "f: line 1, column 1: byte 0xff is not UTF-8 text"),
    BAD("{\"a\": \"x", "f: line 1, column 9: found the end of the text, expected the quote that"),
    BAD("{\"a\": [\n1", "f: line 2, column 2: found the end of the text, expected ',' or ']': the "
                        "array that begins at line 1, column 7 is not closed (is the file "
                        "truncated?)"),
    BAD("{\"a\"", "f: line 1, column 5: found the end of the text, expected ':'"),
    BAD("{\"a\": tru", "f: line 1, column 7: found \"tru\", expected a value"),
    BAD("{\"a\": 1, \"a\": 2}", "f: member \"a\" is given twice"),
    BAD("{\"a\": [0, {\"b c\": {\"d\": 1, \"d\": 1}}]}", "f: a[1][\"b c\"]: member \"d\" is given"),
    BAD("{\"a\": 1000000000000000000000000000000000000000000000000000000000000000}",
        "f: line 1, column 7: a number of more than 63 characters"),
};

START_TEST(json_is_read_strictly)
{
    const json_case *now = &json_cases[_i];
    /* a copy without a NUL behind it, so that a sanitizer sees every read past the end */
    char *copy = malloc(now->length + 1);
    ck_assert_ptr_nonnull(copy);
    char *source = realloc(copy, now->length > 0 ? now->length : 1);
    ck_assert_ptr_nonnull(source);
    memcpy(source, now->text, now->length);
    json_document document;
    mbs_status status = json_open(&document, source, now->length, "f", &error);
    json_close(&document);
    free(source);
    if (now->message == NULL) {
        ck_assert_msg(status == MBS_OK, "%s: %s", now->text, error.message[0]);
        return;
    }
    ck_assert_msg(status == MBS_ERR_INPUT, "%s", now->text);
    ck_assert_uint_eq(error.count, 1);
    ck_assert_msg(strstr(error.message[0], now->message) != NULL, "%s: %s", now->text,
                  error.message[0]);
}
END_TEST

static mbs_status open_repeated(const char *head, const char *piece, size_t count, const char *tail)
{
    text out = TEXT_INIT;
    char *whole;
    text_string(&out, head);
    for (size_t i = 0; i < count; i++)
        text_string(&out, piece);
    text_string(&out, tail);
    size_t length = out.length;
    ck_assert_int_eq(text_finish(&out, &whole, &error), MBS_OK);
    json_document document;
    mbs_status status = json_open(&document, whole, length, "f", &error);
    json_close(&document);
    mbs_free(whole);
    return status;
}

START_TEST(json_nesting_is_limited)
{
    /* the object is the first level */
    char tail[1001];
    memset(tail, ']', 999);
    tail[999] = '}';
    tail[1000] = '\0';
    ck_assert_int_eq(open_repeated("{\"a\":", "[", 999, tail), MBS_OK);
    ck_assert_int_eq(open_repeated("{\"a\":", "[", 1000, tail), MBS_ERR_INPUT);
    ck_assert_str_eq(error.message[0], "f: line 1, column 1005: arrays and objects are nested more "
                                       "than 1000 deep");
    setup();
    ck_assert_int_eq(open_repeated("", "[", 20000000, ""), MBS_ERR_INPUT);
    ck_assert_uint_eq(error.count, 1);
    ck_assert_str_eq(error.message[0], "f: line 1, column 1001: arrays and objects are nested more "
                                       "than 1000 deep");
}
END_TEST

START_TEST(json_finds_members_given_twice_among_many)
{
    text out = TEXT_INIT;
    char *whole;
    text_string(&out, "{");
    for (int i = 0; i < 200000; i++)
        text_format(&out, "\"m%d\": 1,", i == 150000 ? 7 : i);
    text_string(&out, "\"m7\": 2}");
    size_t length = out.length;
    ck_assert_int_eq(text_finish(&out, &whole, &error), MBS_OK);
    json_document document;
    ck_assert_int_eq(json_open(&document, whole, length, "f", &error), MBS_ERR_INPUT);
    json_close(&document);
    mbs_free(whole);
    ck_assert_uint_eq(error.count, 1);
    ck_assert_str_eq(error.message[0], "f: member \"m7\" is given twice");
}
END_TEST

static int allocations_left;

static void *scarce_malloc(size_t size)
{
    return allocations_left-- > 0 ? malloc(size) : NULL;
}

START_TEST(json_tells_want_of_memory_from_bad_syntax)
{
    const char *source = "{\"a\": [1, \"two\", {\"three\": null}]}";
    cJSON_Hooks hooks = {scarce_malloc, free};
    cJSON_InitHooks(&hooks);
    int needed = 0;
    for (;; needed++) {
        json_document document;
        allocations_left = needed;
        setup();
        mbs_status status = json_open(&document, source, strlen(source), "f", &error);
        json_close(&document);
        if (status == MBS_OK)
            break;
        ck_assert_int_eq(status, MBS_ERR_MEMORY);
        ck_assert_str_eq(error.message[0], "out of memory");
    }
    cJSON_InitHooks(NULL);
    ck_assert_int_ge(needed, 6); /* at least one for each value */
}
END_TEST

START_TEST(json_integers_are_whole_and_in_range)
{
    static const struct {
        const char *value;
        const char *found; /* null: it is right */
        int64_t result;
    } cases[] = {
        {"1", NULL, 1},
        {"7.0", NULL, 7},
        {"1e3", NULL, 1000},
        {"9007199254740991", NULL, JSON_MAX_INTEGER},
        {"0", "0", 0},
        {"-0", "-0", 0},
        {"3.5", "3.5", 0},
        {"0.1", "0.1", 0},
        {"-3", "-3", 0},
        {"9007199254740992", "9007199254740992", 0},
        {"9223372036854775808", "9.223372036854776e+18", 0},
        {"1e300", "1e+300", 0},
        {"1e999", "a number above 1.7e308", 0},
        {"-1e999", "a number below -1.7e308", 0},
        {"\"7\"", "\"7\"", 0},
        {"null", "null", 0},
        {"true", "true", 0},
        {"[7]", "an array", 0},
        {"{}", "an object", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char source[64];
        char expected[160];
        snprintf(source, sizeof source, "{\"a\": {\"n\": %s}}", cases[i].value);
        snprintf(expected, sizeof expected,
                 "f: a.n: found %s, expected a whole number from 1 to 9007199254740991",
                 cases[i].found != NULL ? cases[i].found : "");
        setup();
        json_document document;
        ck_assert_int_eq(json_open(&document, source, strlen(source), "f", &error), MBS_OK);
        json_path at = {NULL, "a", 0};
        const cJSON *value = json_member(json_member(document.root, "a"), "n");
        int64_t result = -7;
        bool good = json_integer(&document, &at, "n", value, 1, INT64_MAX, &result);
        json_close(&document);
        ck_assert_msg(good == (cases[i].found == NULL), "%s", cases[i].value);
        ck_assert_int_eq(result, good ? cases[i].result : -7);
        ck_assert_str_eq(error.message[0], good ? "" : expected);
        ck_assert_uint_eq(document.faults, good ? 0 : 1);
    }
}
END_TEST

START_TEST(json_takes_other_kinds)
{
    const char *source = "{\"s\": \"x\", \"e\": \"\", \"b\": true, \"r\": 2.5, \"big\": 1e999}";
    json_document document;
    ck_assert_int_eq(json_open(&document, source, strlen(source), "f", &error), MBS_OK);
    const cJSON *root = document.root;
    bool flag = false;
    double real = 0;
    ck_assert_str_eq(json_name(&document, NULL, "s", json_member(root, "s")), "x");
    ck_assert(json_boolean(&document, NULL, "b", json_member(root, "b"), &flag) && flag);
    ck_assert(json_real(&document, NULL, "r", json_member(root, "r"), &real));
    ck_assert_double_eq(real, 2.5);
    ck_assert_uint_eq(error.count, 0);
    ck_assert_ptr_null(json_name(&document, NULL, "e", json_member(root, "e")));
    ck_assert_str_eq(error.message[0], "f: e: found \"\", expected a string that is not empty");
    ck_assert(!json_boolean(&document, NULL, "s", json_member(root, "s"), &flag));
    ck_assert_str_eq(error.message[1], "f: s: found \"x\", expected true or false");
    ck_assert(!json_real(&document, NULL, "big", json_member(root, "big"), &real));
    ck_assert_str_eq(error.message[2],
                     "f: big: found a number above 1.7e308, expected a number from 0 up");
    ck_assert(!json_check_format(&document, "mbsopt-plan/1"));
    ck_assert_str_eq(error.message[3], "f: format: is missing, expected \"mbsopt-plan/1\"");
    ck_assert_int_eq(json_status(&document), MBS_ERR_INPUT);
    json_close(&document);
}
END_TEST

START_TEST(json_labels_and_places_are_printable)
{
    char label[200];
    memset(label, 'd', sizeof label);
    strcpy(label + 150, "/a\n\"b\".json");
    json_document document;
    ck_assert_int_eq(json_open(&document, "x", 1, label, &error), MBS_ERR_INPUT);
    const char *name = strstr(error.message[0], "/a\\x0a\\\"b\\\".js");
    ck_assert_ptr_nonnull(name);
    ck_assert_mem_eq(error.message[0], "...d", 4);
    ck_assert_ptr_null(strchr(error.message[0], '\n'));
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

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *plain = tcase_create("plain");
    tcase_add_checked_fixture(plain, setup, NULL);
    tcase_add_test(plain, checked_arithmetic_reports_overflow);
    tcase_add_test(plain, errors_keep_the_first_messages_and_count_all);
    tcase_add_test(plain, long_messages_are_cut_between_characters);
    tcase_add_test(plain, statuses_have_texts);
    tcase_add_test(plain, quoted_names_are_one_printable_line);
    tcase_add_test(plain, utf8_lengths);
    tcase_add_test(plain, texts_grow);
    tcase_add_test(plain, arrays_grow);
    tcase_add_test(plain, arrays_that_cannot_grow_stay);
    tcase_add_test(plain, name_pools_keep_names_of_any_length);
    tcase_add_test(plain, sizes_as_people_write_them);
    tcase_add_test(plain, integers_within_bounds);
    tcase_add_test(plain, files_are_written_whole_and_read_back);
    suite_add_tcase(suite, plain);
    TCase *json = tcase_create("json");
    tcase_add_checked_fixture(json, setup, NULL);
    tcase_set_timeout(json, 60);
    tcase_add_loop_test(json, json_is_read_strictly, 0, COUNT(json_cases));
    tcase_add_test(json, json_nesting_is_limited);
    tcase_add_test(json, json_finds_members_given_twice_among_many);
    tcase_add_test(json, json_tells_want_of_memory_from_bad_syntax);
    tcase_add_test(json, json_integers_are_whole_and_in_range);
    tcase_add_test(json, json_takes_other_kinds);
    tcase_add_test(json, json_labels_and_places_are_printable);
    tcase_add_test(json, edit_distances);
    suite_add_tcase(suite, json);
    return run_suite(suite);
}
