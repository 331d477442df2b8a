/* Plan files: what was loaded is used, written, and loaded again. */
#include <string.h>

#include "fuzz.h"

static void write_again(const mbs_plan *plan)
{
    char *first = NULL;
    char *second = NULL;
    mbs_plan *again = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_to_json(&first, plan, &error);
    fuzz_check_error(status, &error);
    if (status == MBS_OK) {
        status = mbs_plan_load_text(&again, first, strlen(first), "again.json", &error);
        fuzz_require(status == MBS_OK, "a written plan can be loaded");
        status = mbs_plan_to_json(&second, again, &error);
        fuzz_require(status == MBS_OK && strcmp(first, second) == 0,
                     "loading and writing a written plan changes nothing");
    }
    mbs_plan_free(again);
    mbs_free(first);
    mbs_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbs_plan *plan = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_load_text(&plan, (const char *)data, size, "input.json", &error);
    fuzz_check_error(status, &error);
    fuzz_require((plan != NULL) == (status == MBS_OK), "a plan where there is no error");
    if (status == MBS_OK) {
        fuzz_use_plan(plan);
        write_again(plan);
    }
    mbs_plan_free(plan);
    return 0;
}
