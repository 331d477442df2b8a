/* The verifier on plans from anywhere. */
#include "fuzz.h"

/* Longer replays are within the verifier's limit, but too slow to try many. */
#define MAX_EXECUTIONS 1000000

static int is_quick(const mbs_plan *plan)
{
    const size_t steps = mbs_program_step_count(mbs_plan_program(plan));
    return (double)mbs_plan_batch(plan) * (double)steps <= MAX_EXECUTIONS;
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
    }
    mbs_plan_free(plan);
    return 0;
}
