/* Sums, products, footprints and updates as the replay counts them. */
#include "verify/replay.h"

#include <inttypes.h>

#include "base/checked.h"

void add_bytes(replay *r, int64_t *sum, int64_t value)
{
    if (!checked_add(*sum, value, sum))
        r->overflow = true;
}

int64_t times(replay *r, int64_t a, int64_t b)
{
    int64_t product;
    if (!checked_mul(a, b, &product))
        r->overflow = true;
    return product;
}

void measure_step(replay *r, int32_t k, int64_t full)
{
    if (full > r->capacity)
        step_fault(r, RULE_CAPACITY, k, "buffer holds %" PRId64 " bytes, %" PRId64 " available",
                   full, r->capacity);
    if (full > r->peak_bytes)
        r->peak_bytes = full;
}

int64_t expected_passes(const replay *r, const mbs_step *step)
{
    int64_t parameters = step->weight_bytes;
    if (!checked_add(parameters, step->accumulator_bytes, &parameters))
        parameters = INT64_MAX;
    int64_t passes = parameters / r->capacity + (parameters % r->capacity > 0);
    if (step->whole_sample && passes < r->plan->norm_passes)
        passes = r->plan->norm_passes;
    return passes < 1 ? 1 : passes;
}

bool hands_gradient_on(const replay *r, int32_t k)
{
    return k + 1 < r->plan->groups[r->group].end && r->program->steps[k + 1].update.is_update;
}

void move_update(replay *r, int32_t k)
{
    const weight_update *update = &r->program->steps[k].update;
    if (!update->is_update)
        return;
    if (k == r->plan->groups[r->group].first)
        add_bytes(r, &r->moved.weight_gradient, r->program->steps[k - 1].accumulator_bytes);
    add_bytes(r, &r->moved.optimizer, times(r, 2, update->state_bytes));
    add_bytes(r, &r->moved.optimizer, update->old_bytes);
    add_bytes(r, &r->moved.optimizer, update->new_bytes);
}
