/* What a group is worth: dp's choice, and the exact search for a better one. */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "cost/footprint.h"
#include "cost/traffic.h"
#include "plan/exact/column.h"
#include "plan/exact/labels.h"
#include "plan/groups.h"

/* What the residency in `resident` moves, counted as any plan's; NO_VALUE if it does not fit. */
static int64_t evaluate(const pricing *with, const column *c, const bool *resident)
{
    const lagrange *l = with->l;
    const mbs_step *steps = l->task->program->steps;
    mbs_plan *scratch = with->scratch;
    const int32_t begin = steps[c->first].touch_begin;
    const size_t touches = (size_t)(steps[c->end - 1].touch_end - begin);
    int64_t value = NO_VALUE;
    memcpy(scratch->resident + begin, resident, touches * sizeof *resident);
    scratch->group_count = 0;
    const mbs_group *group =
        plan_add_group(scratch, c->first, c->end, l->list.iterations[c->candidate]);
    group_choose_modes(scratch, l->task, group);
    if (plan_group_peak(scratch, group) <= l->task->capacity) {
        group_pin(scratch, l->task, group);
        value = plan_count_group(scratch, group).total;
    }
    plan_drop_group(scratch);
    return value;
}

void column_offer(const pricing *with, column *priced, bool *resident)
{
    int64_t bytes = evaluate(with, priced, resident);
    if (bytes >= priced->value) {
        mem_free(resident);
        return;
    }
    mem_free(priced->resident);
    priced->resident = resident;
    priced->value = bytes;
}

static bool *new_residency(const group_costs *g)
{
    return mem_calloc((size_t)(g->touch_end - g->touch_begin) + 1, sizeof(bool));
}

/* Everything resident, if that fits. */
static mbs_status try_all(const pricing *with, const group_costs *g, column *priced,
                          mbs_error *error)
{
    bool *resident = new_residency(g);
    if (resident == NULL)
        return error_memory(error);
    for (int32_t i = 0; i < g->touch_end - g->touch_begin; i++)
        resident[i] = g->touch[i].begins;
    column_offer(with, priced, resident);
    return MBS_OK;
}

static mbs_status search(const pricing *with, const group_costs *g, column *priced,
                         mbs_error *error)
{
    const int64_t highest = INT64_MAX >> (with->l->shift + 2); /* as bytes, scaled */
    const int64_t cutoff = lagrange_bytes(with->l, with->cutoff);
    const label_limits limits = {.width = with->width,
                                 .target = min_i64(min_i64(priced->value, cutoff), highest),
                                 .stop = with->stop,
                                 .context = with->context};
    label_result result = {.value = NO_VALUE};
    if (lagrange_bytes(with->l, priced->bound) >= limits.target)
        return MBS_OK;
    bool *resident = new_residency(g);
    if (resident == NULL)
        return error_memory(error);
    mbs_status status = labels_search(g, &limits, &result, resident, error);
    if (status != MBS_OK || result.value == NO_VALUE)
        mem_free(resident);
    else
        column_offer(with, priced, resident);
    if (status == MBS_OK)
        priced->bound = max_i64(priced->bound, max_i64(result.bound, 0) << with->l->shift);
    return status;
}

mbs_status column_price(const pricing *with, column *priced, mbs_error *error)
{
    group_costs g;
    mbs_status status =
        group_costs_open(&g, with->l, priced->candidate, priced->first, priced->end, error);
    if (status == MBS_OK && priced->value == NO_VALUE)
        status = try_all(with, &g, priced, error);
    if (status == MBS_OK)
        status = search(with, &g, priced, error);
    group_costs_close(&g);
    return status;
}
