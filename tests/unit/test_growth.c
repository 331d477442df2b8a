/* src/base: what grows: texts, arrays and pools of names. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/name_pool.h"
#include "base/text.h"
#include "run.h"

static mbs_error error;

static void setup(void)
{
    mbs_error_clear(&error);
}

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

/* C1 controls, which JSON allows, are escaped for the terminal's sake; what is no text is replaced.
 */
START_TEST(texts_of_json)
{
    text out = TEXT_INIT;
    char *result;
    text_json_string(&out, "a\"\\\n\xC3\xA9\xC2\x85\xC2\xFF");
    ck_assert_int_eq(text_finish(&out, &result, &error), MBS_OK);
    ck_assert_str_eq(result, "\"a\\\"\\\\\\u000a\xC3\xA9\\u0085\\ufffd\\ufffd\"");
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

int main(void)
{
    Suite *suite = suite_create("growth");
    TCase *tests = tcase_create("growth");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, texts_grow);
    tcase_add_test(tests, texts_of_json);
    tcase_add_test(tests, arrays_grow);
    tcase_add_test(tests, arrays_that_cannot_grow_stay);
    tcase_add_test(tests, name_pools_keep_names_of_any_length);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
