#include "emit/placed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

/* ---- Placing --------------------------------------------------------------------------------- */

static bool is_changed(const placed_plan *placed)
{
    return placed->change_count > 0 || placed->trimmed > 0;
}

/* Puts `next`, which is made of placed->plan, in the place of `placed`; both stories are kept. */
static mbs_status take_over(placed_plan *placed, placed_plan *next, mbs_error *error)
{
    const size_t count = (size_t)placed->change_count;
    const size_t more = (size_t)next->change_count;
    fit_change *changes = mem_realloc(placed->changes, (count + more + 1) * sizeof *changes);
    if (changes == NULL)
        return error_memory(error);
    memcpy(changes + count, next->changes, more * sizeof *changes);
    mem_free(next->changes);
    next->changes = changes;
    next->change_count += placed->change_count;
    next->trimmed += placed->trimmed;
    next->trimmed_bytes += placed->trimmed_bytes;
    placed->changes = NULL;
    placed_plan_free(placed);
    *placed = *next;
    *next = (placed_plan){0};
    return MBS_OK;
}

mbs_status plan_place(placed_plan *placed, const mbs_plan *plan, int64_t alignment,
                      plan_watch *watch, mbs_error *error)
{
    *placed = (placed_plan){0};
    if (alignment < 1 || alignment > MBS_MIN_BUFFER_BYTES || (alignment & (alignment - 1)) != 0)
        return error_set(error, MBS_ERR_INPUT,
                         "buffer_alignment_bytes is %" PRId64
                         ", expected a power of 2 from 1 to %d",
                         alignment, MBS_MIN_BUFFER_BYTES);
    mbs_status status = plan_fit(placed, plan, alignment, watch, error);
    bool changed = status == MBS_OK && is_changed(placed);
    while (changed) {
        placed_plan next;
        status = plan_fit(&next, placed->plan, alignment, watch, error);
        changed = status == MBS_OK && is_changed(&next);
        if (status == MBS_OK)
            status = take_over(placed, &next, error);
        placed_plan_free(&next);
        changed = changed && status == MBS_OK;
    }
    if (status != MBS_OK)
        placed_plan_free(placed);
    return status;
}

/* What asks for a placed plan is among the options that made it. */
static mbs_status tell_placed(mbs_plan *plan, mbs_error *error)
{
    static const char more[] = " --export wavecore=OUT";
    mbs_origin_info origin;
    mbs_plan_origin(plan, &origin);
    if (origin.options == NULL)
        return MBS_OK;
    const size_t size = strlen(origin.options) + sizeof more;
    char *options = mem_alloc(size);
    if (options == NULL)
        return error_memory(error);
    snprintf(options, size, "%s%s", origin.options, more);
    mem_free(plan->origin.options);
    plan->origin.options = options;
    return MBS_OK;
}

mbs_status mbs_plan_place(mbs_plan **result, const mbs_plan *plan, const mbs_hardware *hardware,
                          mbs_note_function *note, void *note_context, mbs_error *error)
{
    placed_plan placed;
    *result = NULL;
    mbs_status status = plan_place(&placed, plan, hardware->buffer_alignment_bytes, NULL, error);
    if (status != MBS_OK)
        return status;
    status = is_changed(&placed) ? tell_placed(placed.plan, error) : MBS_OK;
    if (status != MBS_OK) {
        placed_plan_free(&placed);
        return status;
    }
    placed_notes(&placed, plan, note, note_context);
    *result = placed.plan;
    placed.plan = NULL;
    placed_plan_free(&placed);
    return MBS_OK;
}

/* ---- What was changed ------------------------------------------------------------------------ */

#define MOST_NOTES 5

/* Who is told. */
typedef struct listener {
    mbs_note_function *note;
    void *context;
} listener;

static void tell_change(const listener *to, const fit_change *change)
{
    char line[240];
    const int32_t last = change->end - 1;
    if (change->taken.sub_batch > 0 && change->given.strips > 1)
        snprintf(line, sizeof line,
                 "steps %d to %d find no place in the buffer in %" PRId64
                 " strips of a sample: %" PRId64 " are taken",
                 change->first, last, change->given.strips, change->taken.strips);
    else if (change->taken.sub_batch > 0)
        snprintf(line, sizeof line,
                 "steps %d to %d find no place in the buffer with %" PRId64
                 " samples at a time: %" PRId64 " are taken",
                 change->first, last, change->given.sub_batch, change->taken.sub_batch);
    else if (change->end - change->first == 1)
        snprintf(line, sizeof line,
                 "step %d finds no place in the buffer and runs in passes instead", change->first);
    else
        snprintf(line, sizeof line,
                 "steps %d to %d find no place in the buffer together: the group is cut",
                 change->first, last);
    to->note(line, to->context);
}

static void tell_traffic(const listener *to, int64_t now, int64_t before)
{
    char line[240];
    const double percent = before > 0 ? 100 * ((double)now - (double)before) / (double)before : 0;
    snprintf(line, sizeof line,
             "as placed, the plan moves %" PRId64 " bytes, %+.3f %% of the %" PRId64 " before", now,
             percent, before);
    to->note(line, to->context);
}

void placed_notes(const placed_plan *placed, const mbs_plan *given, mbs_note_function *note,
                  void *context)
{
    const listener to = {note, context};
    char line[240];
    if (note == NULL || !is_changed(placed))
        return;
    for (int32_t i = 0; i < placed->change_count && i < MOST_NOTES; i++)
        tell_change(&to, &placed->changes[i]);
    if (placed->change_count > MOST_NOTES) {
        snprintf(line, sizeof line, "and so on: %d groups in all", placed->change_count);
        note(line, context);
    }
    if (placed->trimmed > 0) {
        snprintf(line, sizeof line,
                 "%" PRId64 " bytes less are pinned, in %d group%s, for alignment takes their room",
                 placed->trimmed_bytes, placed->trimmed, placed->trimmed == 1 ? "" : "s");
        note(line, context);
    }
    tell_traffic(&to, placed->plan->traffic.total, given->traffic.total);
}
