/* base/json: strict JSON, and what is said of text that is none. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "run.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static mbs_error error;

static void setup(void)
{
    mbs_error_clear(&error);
}

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
    BAD("\xEF\xBB\xBF", "f: the file is empty, expected a JSON object"),
    BAD("-", "f: line 1, column 2: found the end of the text, expected a digit"),
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
    /* what is left of a long one begins, and ends, with a whole character */
    setup();
    for (size_t i = 0; i + 2 < sizeof label; i += 2)
        memcpy(label + i, "\xC3\xA9", 3);
    strcat(label, ".");
    ck_assert_int_eq(json_open(&document, "x", 1, label, &error), MBS_ERR_INPUT);
    ck_assert_mem_eq(error.message[0], "...\xC3\xA9", 5);
    char source[1000];
    for (int shift = 0; shift < 2; shift++) {
        snprintf(source, sizeof source,
                 "{\"%s%s\": {\"%s\": {\"%s\": {\"%s\": {\"d\": 1, \"d\": 2}}}}}", &"ab"[shift],
                 label, label, label, label);
        setup();
        ck_assert_int_eq(json_open(&document, source, strlen(source), "f", &error), MBS_ERR_INPUT);
        const char *end = strstr(error.message[0], ": member \"d\" is given");
        ck_assert_msg(end != NULL && end - error.message[0] < 210, "%s", error.message[0]);
        for (const char *at = error.message[0]; *at != '\0';
             at += utf8_length((const unsigned char *)at))
            ck_assert_uint_gt(utf8_length((const unsigned char *)at), 0);
        json_close(&document);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *tests = tcase_create("json");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, json_is_read_strictly, 0, COUNT(json_cases));
    tcase_add_test(tests, json_nesting_is_limited);
    tcase_add_test(tests, json_finds_members_given_twice_among_many);
    tcase_add_test(tests, json_tells_want_of_memory_from_bad_syntax);
    tcase_add_test(tests, json_integers_are_whole_and_in_range);
    tcase_add_test(tests, json_takes_other_kinds);
    tcase_add_test(tests, json_labels_and_places_are_printable);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
