#include "plan/recompute/front.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

static void free_found(recompute_found *found)
{
    mem_free(found->set);
    mem_free(found->starts);
}

void recompute_front_free(recompute_front *front)
{
    for (int32_t i = 0; i < front->count; i++)
        free_found(&front->found[i]);
    mem_free(front->found);
    *front = (recompute_front){0};
}

/* How many add at most so many multiply-accumulates. */
static int32_t count_within(const recompute_front *front, double max_macs)
{
    int32_t count = 0;
    while (count < front->count && front->found[count].macs <= max_macs)
        count++;
    return count;
}

const recompute_found *recompute_front_best(const recompute_front *front, double max_macs)
{
    const int32_t count = count_within(front, max_macs);
    return count > 0 ? &front->found[count - 1] : NULL;
}

/* Puts it in at `at`, in place of those from there on that are no better; they add no less. */
static void put_in(recompute_front *front, int32_t at, const recompute_found *found)
{
    int32_t end = at;
    while (end < front->count && front->found[end].objective >= found->objective)
        free_found(&front->found[end++]);
    memmove(&front->found[at + 1], &front->found[end],
            (size_t)(front->count - end) * sizeof *found);
    front->count += 1 - (end - at);
    front->found[at] = *found;
}

mbs_status recompute_front_move(recompute_front *front, recompute_found *found, mbs_error *error)
{
    int32_t at = count_within(front, found->macs);
    const recompute_found *best = recompute_front_best(front, found->macs);
    const bool is_better =
        isfinite(found->objective) && (best == NULL || best->objective > found->objective);
    recompute_found *grown = NULL;
    if (is_better)
        grown = mem_grow(front->found, &front->capacity, front->count + 1, sizeof *grown);
    if (grown != NULL) {
        front->found = grown;
        if (at > 0 && grown[at - 1].macs >= found->macs)
            at--; /* it adds as many */
        put_in(front, at, found);
    } else {
        free_found(found);
    }
    *found = (recompute_found){0};
    return grown != NULL || !is_better ? MBS_OK : error_memory(error);
}

mbs_status recompute_front_add(recompute_front *front, const recompute_state *state,
                               int32_t layer_count, mbs_error *error)
{
    const recompute_found *best = recompute_front_best(front, state->macs);
    if (!isfinite(state->objective) || (best != NULL && best->objective <= state->objective))
        return MBS_OK;
    recompute_found found = {state->macs, state->objective, mem_alloc((size_t)layer_count),
                             recompute_starts(state)};
    if (found.set == NULL || found.starts == NULL) {
        free_found(&found);
        return error_memory(error);
    }
    memcpy(found.set, state->set, (size_t)layer_count);
    return recompute_front_move(front, &found, error);
}
