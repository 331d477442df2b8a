/* The verifier on plans from anywhere. */
#include "fuzz.h"

/* Longer replays are within the verifier's limit, but too slow to try many. */
#define MAX_EXECUTIONS 1000000

static int is_quick(const mbs_plan *plan)
{
    const size_t steps = mbs_program_step_count(mbs_plan_program(plan));
    return (double)mbs_plan_batch(plan) * (double)steps <= MAX_EXECUTIONS;
}

/* Of a plan that passes; planning it anew may take long, so it is its own plan for more buffer. */
static void explain(const mbs_plan *plan)
{
    char *text = NULL;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_explain_options options = MBS_EXPLAIN_OPTIONS_INIT;
    options.larger = plan;
    mbs_status status = mbs_explain_json(&text, plan, &options, &error);
    fuzz_check_error(status, &error);
    fuzz_require(status == MBS_OK || status == MBS_ERR_INPUT || status == MBS_ERR_MEMORY,
                 "a plan that passes is explained, if other groups of it can be counted");
    mbs_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mbs_plan *plan = NULL;
    mbs_traffic counted;
    mbs_traffic planned;
    mbs_error error;
    mbs_error_clear(&error);
    mbs_status status = mbs_plan_load_text(&plan, (const char *)data, size, "input.json", &error);
    if (status == MBS_OK && is_quick(plan)) {
        status = mbs_plan_verify(plan, &counted, &error);
        fuzz_check_error(status, &error);
        fuzz_require(status == MBS_OK || status == MBS_ERR_VERIFY || status == MBS_ERR_MEMORY,
                     "the verifier has one verdict");
        mbs_plan_traffic(plan, &planned);
        fuzz_require(status != MBS_OK || planned.total == counted.total,
                     "a plan that passes moves what it says");
        if (status == MBS_OK)
            explain(plan);
    }
    mbs_plan_free(plan);
    return 0;
}
