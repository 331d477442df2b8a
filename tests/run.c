#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *source_path(const char *format, ...)
{
    static char path[4096];
    char name[512];
    const char *root = getenv("MBS_SOURCE_DIR");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    snprintf(path, sizeof path, "%s/%s", root != NULL ? root : ".", name);
    return path;
}

char *replace_once(const char *document, const char *from, const char *to)
{
    const char *at = strstr(document, from);
    ck_assert_msg(at != NULL && strstr(at + 1, from) == NULL, "not once in the document: %s", from);
    text out = TEXT_INIT;
    text_bytes(&out, document, (size_t)(at - document));
    text_string(&out, to);
    text_string(&out, at + strlen(from));
    ck_assert(!out.failed);
    return out.data;
}

void double_quotes(char *document)
{
    for (; *document != '\0'; document++)
        *document = *document == '\'' ? '"' : *document;
}

int64_t plan_total(const mbs_plan *plan)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    return traffic.total;
}

void must_succeed(mbs_status status, const mbs_error *error, const char *what)
{
    ck_assert_msg(status == MBS_OK, "%s: %s: %s", what, mbs_status_text(status), error->message[0]);
}

void assert_near(double found, double expected, const char *what)
{
    ck_assert_msg(fabs(found - expected) <= 1e-12 * fabs(expected), "%s: %.17g, expected %.17g",
                  what, found, expected);
}

int end_at_once(const mbs_progress *progress, void *asked)
{
    (void)progress;
    if (asked != NULL)
        ++*(int *)asked;
    return 1;
}

int run_part(int count)
{
    const char *percent = getenv("MBS_PERCENT");
    return percent != NULL ? count * atoi(percent) / 100 : count;
}

void run_settings(uint64_t *seed, int *rounds)
{
    if (getenv("MBS_SEED") != NULL)
        *seed = strtoull(getenv("MBS_SEED"), NULL, 10) | 1; /* a state must not be 0 */
    if (getenv("MBS_ROUNDS") != NULL)
        *rounds = atoi(getenv("MBS_ROUNDS"));
    else
        *rounds = run_part(*rounds);
    printf("seed %" PRIu64 ", %d rounds\n", *seed, *rounds);
}

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
