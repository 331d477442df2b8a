/*
 * dp: the exact minimum over contiguous groups whose inner intervals all stay in the buffer
 * (model, section 5). A shortest path over the cuts between steps: traffic is a sum over groups
 * (a read counts where it happens, a write where the tensor is produced), so best[e] is the least
 * traffic of the steps before cut e.
 *
 * For each first step the group grows one step at a time. A footprint only grows with the group,
 * so a sub-batch that no longer fits is out for good, and the growing ends when none fits.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "cost/footprint.h"
#include "plan/planner.h"

typedef struct dp_choice {
    int32_t first;     /* of the last group before the cut */
    int32_t candidate; /* its I in the list, or DP_PASSES */
} dp_choice;

#define DP_PASSES (-1)

/* More than any staged footprint, and safe to add one to. */
#define STREAMED_NEVER (INT64_MAX / 4)

/* A cut inside the growing group, kept to show that no larger group is worth it. */
typedef struct dp_split {
    int32_t cut;
    int64_t weights; /* of the part before the cut, likewise below */
    int64_t accumulators;
    int64_t parameter_traffic; /* at the part's own best I */
    int64_t crossing;          /* per sample: tensors that the cut would send through DRAM */
} dp_split;

#define DP_MAX_SPLITS 16

typedef struct dp {
    const plan_task *task;
    candidates list;   /* I ascending, so sub-batches descending */
    int64_t *operands; /* per step: bytes per sample of all its operands */

    /* the group that grows */
    int32_t first;
    int32_t smallest;  /* the first candidate that still fits */
    int32_t count;     /* candidates from here on are out: 1 if a step needs I=1 */
    int64_t *crossing; /* per step and sample: resident over it without being its operand */
    int64_t *resident; /* per step and sample: its resident operands */
    int64_t *streamed; /* per step: what it needs besides when streamed */
    int64_t *peak;     /* per candidate: the largest footprint so far */
    int64_t moved;     /* activation bytes read and written, per sample */
    int64_t weights;
    int64_t accumulators;
    dp_split splits[DP_MAX_SPLITS];
    int32_t split_count;

    /* per cut: the least traffic before it, and the group it ends with */
    int64_t *best;
    dp_choice *choice;
    int32_t *order; /* room to list the cuts of the best path */
} dp;

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Makes the interval that ends at touch t resident; returns the step it begins at. */
static int32_t add_interval(dp *d, int32_t t)
{
    const mbs_program *p = d->task->program;
    int32_t end = p->touches[t].step;
    int32_t previous = p->touches[t].previous;
    int32_t begin = p->touches[previous].step;
    int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
    for (int32_t k = begin + 1; k < end; k++)
        d->crossing[k] += bytes;
    int32_t before = p->touches[previous].previous;
    bool was_resident = before >= 0 && p->touches[before].step >= d->first;
    if (!was_resident) {
        d->resident[begin] += bytes;
        if (p->steps[begin].whole_sample)
            d->streamed[begin] -= bytes;
    }
    d->resident[end] += bytes;
    if (p->steps[end].whole_sample)
        d->streamed[end] -= bytes;
    for (int32_t i = d->split_count; i-- > 0 && d->splits[i].cut > begin;)
        d->splits[i].crossing += bytes;
    return begin;
}

/* Lets the peaks of the sub-batches that still fit see steps [from, to); drops those that no longer
 * do. */
static void raise_peaks(dp *d, int32_t from, int32_t to)
{
    for (int32_t c = d->smallest; c < d->count; c++) {
        const int64_t b = d->list.sub_batch[c];
        int64_t peak = d->peak[c];
        for (int32_t k = from; k < to; k++) {
            int64_t staged = b * d->operands[k];
            int64_t streamed = b * d->resident[k] + d->streamed[k];
            int64_t footprint = b * d->crossing[k] + min_i64(staged, streamed);
            peak = max_i64(peak, footprint);
        }
        d->peak[c] = peak;
    }
    while (d->smallest < d->count && d->peak[d->smallest] > d->task->capacity)
        d->smallest++;
}

static void add_step(dp *d, int32_t e)
{
    const mbs_program *p = d->task->program;
    const mbs_step *step = &p->steps[e];
    int32_t from = e;
    d->crossing[e] = 0;
    d->resident[e] = 0;
    d->streamed[e] = d->task->stream
                         ? step_parameter_bytes(step) + (step->whole_sample ? d->operands[e] : 0)
                         : STREAMED_NEVER;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_touch *touch = &p->touches[t];
        const mbs_tensor *tensor = &p->tensors[touch->tensor];
        bool inside = touch->previous >= 0 && p->touches[touch->previous].step >= d->first;
        if (inside)
            from = min_i32(from, add_interval(d, t));
        else if (t < step->write_begin)
            d->moved += tensor->bytes;
        bool last = touch->next < 0;
        if (t >= step->write_begin && (tensor->kept || !last))
            d->moved += tensor->bytes; /* until its last touch is in the group */
        if (last && !tensor->kept && tensor->producer >= d->first && tensor->producer < e)
            d->moved -= tensor->bytes;
    }
    d->weights += step->weight_bytes;
    d->accumulators += step->accumulator_bytes;
    if (step->coupled) /* only I=1, the first candidate */
        d->count = 1;
    raise_peaks(d, from, e + 1);
}

/* What pinning into `room` bytes saves per iteration after the first. */
static int64_t pinning_saves(const dp *d, int64_t room, int64_t weights, int64_t accumulators)
{
    int64_t pinned = min_i64(room, accumulators);
    return d->task->pin ? 2 * pinned + min_i64(room - pinned, weights) : 0;
}

/* Parameter traffic at candidate c, with what the footprint leaves of the buffer for pinning. */
static int64_t parameter_traffic(const dp *d, int32_t c)
{
    int64_t again = d->list.iterations[c] - 1;
    int64_t saved = pinning_saves(d, d->task->capacity - d->peak[c], d->weights, d->accumulators);
    return d->weights + d->accumulators + again * (d->weights + 2 * d->accumulators - saved);
}

static void relax(dp *d, int32_t end, int64_t traffic, int32_t candidate)
{
    if (traffic < d->best[end]) {
        d->best[end] = traffic;
        d->choice[end] = (dp_choice){d->first, candidate};
    }
}

static void relax_group(dp *d, int32_t end)
{
    int64_t least = d->best[d->first] + d->task->batch * d->moved + d->weights + d->accumulators;
    if (least >= d->best[end])
        return;
    least -= d->weights + d->accumulators;
    for (int32_t c = d->smallest; c < d->count; c++)
        relax(d, end, least + parameter_traffic(d, c), c);
}

/* Keeps the group as it is as a split of the larger ones, each time its parameters have grown. */
static void remember_split(dp *d, int32_t cut)
{
    int64_t parameters = d->weights + d->accumulators;
    if (d->split_count > 0) {
        const dp_split *last = &d->splits[d->split_count - 1];
        if (2 * parameters < 3 * (last->weights + last->accumulators))
            return;
    }
    if (d->split_count == DP_MAX_SPLITS || parameters == 0)
        return;
    int64_t traffic = INT64_MAX;
    for (int32_t c = d->smallest; c < d->count; c++)
        traffic = min_i64(traffic, parameter_traffic(d, c));
    d->splits[d->split_count++] = (dp_split){cut, d->weights, d->accumulators, traffic, 0};
}

/*
 * Whether this group and every larger one with the same first step costs at least as much as its
 * two parts at one of the splits. The second part keeps the I of the whole, I' at least the
 * smallest that still fits, and what it pinned there. The first part saves the difference between
 * (I'-1) reads of its parameters, less at most `pinned`, and its own best. The split sends through
 * DRAM, once out and once in, the tensors known to cross it, and those whose next touch is yet to
 * come: they would stay over the last step, so they fit the buffer, at most 2·I'·capacity bytes.
 * All that grows with I', so the smallest one decides.
 */
static bool is_dominated(const dp *d)
{
    const int64_t capacity = d->task->capacity;
    const int64_t iterations = d->list.iterations[d->smallest];
    const int64_t room = capacity - d->peak[d->count - 1];
    for (int32_t i = 0; i < d->split_count; i++) {
        const dp_split *split = &d->splits[i];
        int64_t pinned = pinning_saves(d, room, split->weights, split->accumulators);
        int64_t reread = split->weights + 2 * split->accumulators - pinned;
        if (reread / 2 < capacity)
            continue;
        int64_t whole = split->weights + split->accumulators + (iterations - 1) * reread;
        int64_t parts = split->parameter_traffic + 2 * d->task->batch * split->crossing +
                        2 * iterations * capacity;
        if (whole >= parts)
            return true;
    }
    return false;
}

static void relax_passes(dp *d)
{
    const mbs_program *p = d->task->program;
    const mbs_step *step = &p->steps[d->first];
    int64_t read = 0;
    int64_t written = 0;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
        if (t < step->write_begin)
            read += tensor->bytes;
        else if (tensor->kept || p->touches[t].next >= 0)
            written += tensor->bytes;
    }
    int64_t passes = step_passes(step, d->task->capacity, d->task->norm_passes);
    relax(d, d->first + 1,
          d->best[d->first] + d->task->batch * (passes * read + written) +
              step_parameter_bytes(step),
          DP_PASSES);
}

static void search(dp *d)
{
    const int32_t steps = d->task->program->step_count;
    for (d->first = 0; d->first < steps; d->first++) {
        d->moved = d->weights = d->accumulators = 0;
        d->split_count = 0;
        d->smallest = 0;
        d->count = d->list.count;
        memset(d->peak, 0, (size_t)d->count * sizeof *d->peak);
        for (int32_t e = d->first; e < steps; e++) {
            add_step(d, e);
            if (d->smallest >= d->count || is_dominated(d))
                break;
            relax_group(d, e + 1);
            remember_split(d, e + 1);
        }
        relax_passes(d);
    }
}

static bool dp_open(dp *d, const plan_task *task)
{
    const mbs_program *p = task->program;
    size_t steps = (size_t)p->step_count;
    d->task = task;
    d->operands = malloc(steps * sizeof *d->operands);
    d->crossing = malloc(steps * sizeof *d->crossing);
    d->resident = malloc(steps * sizeof *d->resident);
    d->streamed = malloc(steps * sizeof *d->streamed);
    d->peak = malloc((size_t)d->list.count * sizeof *d->peak);
    d->best = malloc((steps + 1) * sizeof *d->best);
    d->choice = malloc((steps + 1) * sizeof *d->choice);
    d->order = malloc((steps + 1) * sizeof *d->order);
    if (d->operands == NULL || d->crossing == NULL || d->resident == NULL || d->streamed == NULL ||
        d->peak == NULL || d->best == NULL || d->choice == NULL || d->order == NULL)
        return false;
    for (int32_t k = 0; k < p->step_count; k++) {
        d->operands[k] = program_operand_bytes(p, k);
        d->best[k + 1] = INT64_MAX;
    }
    d->best[0] = 0;
    return true;
}

static void dp_close(dp *d)
{
    candidates_free(&d->list);
    free(d->operands);
    free(d->crossing);
    free(d->resident);
    free(d->streamed);
    free(d->peak);
    free(d->best);
    free(d->choice);
    free(d->order);
}

/* Every interval inside the group stays; each step takes the mode with the smaller footprint. */
static void emit_residency(mbs_plan *plan, const plan_task *task, const mbs_group *group)
{
    const mbs_program *p = task->program;
    for (int32_t k = group->first; k < group->end; k++) {
        const mbs_step *step = &p->steps[k];
        int64_t resident = 0;
        int64_t all = 0;
        for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
            const mbs_touch *touch = &p->touches[t];
            int64_t bytes = p->tensors[touch->tensor].bytes;
            plan->resident[t] = touch->next >= 0 && p->touches[touch->next].step < group->end;
            all += bytes;
            if (plan->resident[t] ||
                (touch->previous >= 0 && p->touches[touch->previous].step >= group->first))
                resident += bytes;
        }
        int64_t streamed = group->sub_batch * resident + step_parameter_bytes(step) +
                           (step->whole_sample ? all - resident : 0);
        if (task->stream && streamed < group->sub_batch * all)
            plan->mode[k] = MBS_STREAMED;
    }
}

/* Pins what fits: accumulators first, for they move twice per iteration; in step order. */
static void emit_pins(mbs_plan *plan, const plan_task *task, const mbs_group *group)
{
    if (!task->pin || group->iterations == 1)
        return;
    int64_t room = task->capacity - plan_group_peak(plan, group);
    for (int32_t k = group->first; k < group->end; k++) {
        plan->pinned_accumulator[k] = min_i64(room, task->program->steps[k].accumulator_bytes);
        room -= plan->pinned_accumulator[k];
    }
    for (int32_t k = group->first; k < group->end; k++) {
        plan->pinned_weight[k] = min_i64(room, task->program->steps[k].weight_bytes);
        room -= plan->pinned_weight[k];
    }
}

/* Follows the choices back from the end; the groups come out last to first. */
static void emit(const dp *d, mbs_plan *plan)
{
    const int32_t steps = d->task->program->step_count;
    int32_t count = 0;
    for (int32_t cut = steps; cut > 0; cut = d->choice[cut].first)
        count++;
    int32_t *cuts = d->order;
    for (int32_t cut = steps, g = count; cut > 0; cut = d->choice[cut].first)
        cuts[--g] = cut;
    for (int32_t g = 0; g < count; g++) {
        dp_choice choice = d->choice[cuts[g]];
        if (choice.candidate == DP_PASSES) {
            plan_add_passes(plan, d->task, choice.first);
            continue;
        }
        const mbs_group *group =
            plan_add_group(plan, choice.first, cuts[g], d->list.iterations[choice.candidate]);
        emit_residency(plan, d->task, group);
        emit_pins(plan, d->task, group);
    }
}

mbs_status plan_dp(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    dp d = {0};
    mbs_status status = candidates_create(&d.list, task->batch, error);
    if (status == MBS_OK && !dp_open(&d, task))
        status = error_memory(error);
    if (status == MBS_OK) {
        search(&d);
        emit(&d, plan);
        plan->outcome = MBS_OPTIMAL;
        plan->bound_bytes = d.best[task->program->step_count];
    }
    dp_close(&d);
    return status;
}
