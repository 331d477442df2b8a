/* The tensors' chains of events: plain steps that touch them, and gaps in which they may serve. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/joint/order.h"
#include "plan/recompute/moves.h"

/* So many of the last gaps before a reader are told apart; before them each cell is twice as wide
 * as the one after. */
#define SINGLE_GAPS 4

typedef struct opening {
    joint *j;
    const mbs_network *network;
    recompute_layer *layers;
    int32_t *output; /* per layer: its tensor, or -1 */
    int32_t *gaps;   /* before backward steps that read what may be recomputed */
    int32_t gap_count;
    int32_t loss;
    int32_t event_room;
    int32_t cell_room;
} opening;

/* ---- The plain steps ------------------------------------------------------------------------- */

/* A copy without the masks of what may be recomputed: they may go unread. */
static mbs_program *without_masks(const mbs_program *plain, const recompute_layer *layers)
{
    mbs_program *p = mem_calloc(1, sizeof *p);
    bool *mask = mem_calloc((size_t)plain->tensor_count, sizeof *mask);
    if (p != NULL) {
        *p = *plain;
        p->network_name = NULL;
        p->names = NULL;
        p->fused = NULL;
        p->maps = NULL; /* the bound knows no strips */
        p->map_count = 0;
        p->has_rows = false;
        p->steps = mem_alloc((size_t)plain->step_count * sizeof *p->steps);
        p->tensors = mem_alloc((size_t)plain->tensor_count * sizeof *p->tensors);
        p->touches = mem_alloc(((size_t)plain->touch_count + 1) * sizeof *p->touches);
    }
    if (p == NULL || mask == NULL || p->steps == NULL || p->tensors == NULL || p->touches == NULL) {
        mbs_program_free(p);
        mem_free(mask);
        return NULL;
    }
    memcpy(p->steps, plain->steps, (size_t)plain->step_count * sizeof *p->steps);
    memcpy(p->tensors, plain->tensors, (size_t)plain->tensor_count * sizeof *p->tensors);
    p->touch_count = 0;
    for (int32_t k = 0; k < plain->step_count; k++) {
        mbs_step *step = &p->steps[k];
        const mbs_step old = *step;
        const bool hides = old.pass == STEP_FORWARD && layers[old.layer_id].allowed;
        for (int32_t t = old.write_begin + 1; hides && t < old.touch_end; t++)
            mask[plain->touches[t].tensor] = true; /* the output is written first */
        step->touch_begin = p->touch_count;
        for (int32_t t = old.touch_begin; t < old.touch_end; t++) {
            if (t == old.write_begin)
                step->write_begin = p->touch_count;
            if (!mask[plain->touches[t].tensor])
                p->touches[p->touch_count++] = plain->touches[t];
        }
        if (old.write_begin == old.touch_end)
            step->write_begin = p->touch_count;
        step->touch_end = p->touch_count;
    }
    mem_free(mask);
    program_link(p);
    return p;
}

/* ---- Where tensors may be of use ------------------------------------------------------------- */

static int64_t gemm_macs(const mbs_gemm *gemm)
{
    return gemm->m * gemm->k * gemm->n * gemm->groups;
}

/* What recomputing the step's output reads of its weights, unless others have them in the buffer.
 */
static int64_t recompute_reads(const mbs_step *step)
{
    const parameter_use *use = &step->weight_use;
    return step->weight_bytes - (use->previous >= 0 || use->next >= 0 ? use->common : 0);
}

static void find_tensors(opening *o)
{
    joint *j = o->j;
    const mbs_program *p = j->program;
    for (int32_t l = 0; l < o->network->layer_count; l++)
        o->output[l] = -1;
    for (int32_t i = 0; i < p->tensor_count; i++) {
        const mbs_tensor *tensor = &p->tensors[i];
        const mbs_step *step = tensor->producer < 0 ? NULL : &p->steps[tensor->producer];
        joint_tensor *t = &j->tensors[i];
        *t = (joint_tensor){.bytes = tensor->bytes,
                            .producer = tensor->producer,
                            .last_required =
                                tensor->last_touch < 0 ? -1 : p->touches[tensor->last_touch].step,
                            .last_gap = -1};
        if (step == NULL || step->pass != STEP_FORWARD || !o->layers[step->layer_id].allowed)
            continue;
        o->output[step->layer_id] = i;
        t->may_recompute = true;
        t->weight_bytes = recompute_reads(step);
        t->macs = gemm_macs(&step->gemm);
        for (int32_t e = tensor->first_touch; e >= 0; e = p->touches[e].next)
            if (p->touches[e].step < o->loss)
                t->last_required = p->touches[e].step;
    }
}

static void reach(joint *j, int32_t tensor, int32_t gap)
{
    joint_tensor *t = &j->tensors[tensor];
    t->last_gap = gap > t->last_gap ? gap : t->last_gap;
}

/* The last gap in which each tensor may be of use, readers before what they read. */
static bool find_gaps(opening *o)
{
    joint *j = o->j;
    const mbs_program *p = j->program;
    bool *at = mem_calloc((size_t)p->step_count + 1, sizeof *at);
    if (at == NULL)
        return false;
    for (int32_t k = o->loss + 1; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        for (int32_t t = step->touch_begin; t < step->write_begin; t++)
            if (j->tensors[p->touches[t].tensor].may_recompute) {
                reach(j, p->touches[t].tensor, k);
                at[k] = true;
            }
        if (step->pass == STEP_BWD && step->layer_id >= 0 && o->output[step->layer_id] >= 0) {
            reach(j, o->output[step->layer_id], k); /* in place of a mask */
            at[k] = true;
        }
    }
    for (int32_t k = o->loss; k-- > 0;) {
        const mbs_step *step = &p->steps[k];
        const int32_t output = o->output[step->layer_id];
        const int32_t gap = output < 0 ? -1 : j->tensors[output].last_gap;
        for (int32_t t = step->touch_begin; t < step->write_begin && gap >= 0; t++)
            reach(j, p->touches[t].tensor, gap);
    }
    for (int32_t k = o->loss + 1; k < p->step_count; k++)
        if (at[k])
            o->gaps[o->gap_count++] = k;
    mem_free(at);
    return true;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static bool add_event(opening *o, joint_event event)
{
    joint *j = o->j;
    joint_event *events = mem_grow(j->events, &o->event_room, j->event_count, sizeof *events);
    if (events == NULL)
        return false;
    j->events = events;
    j->events[j->event_count++] = event;
    return true;
}

static bool add_cell(opening *o, int32_t tensor, int32_t first, int32_t last)
{
    joint *j = o->j;
    joint_cell *cells = mem_grow(j->cells, &o->cell_room, j->cell_count, sizeof *cells);
    if (cells == NULL)
        return false;
    j->cells = cells;
    const bool written = j->tensors[tensor].producer >= 0;
    const bool single = first == last;
    j->cells[j->cell_count++] =
        (joint_cell){.tensor = tensor,
                     .first = first,
                     .last = last,
                     .share = written ? j->share_count++ : -1,
                     .begin_share = written && single ? j->share_count++ : -1};
    return add_event(o, (joint_event){.tensor = tensor,
                                      .kind = JOINT_CELL,
                                      .time = first - 1,
                                      .enter = first,
                                      .leave = last,
                                      .index = j->cell_count - 1,
                                      .share = -1});
}

/* The first gap at or behind `gap`, as an index. */
static int32_t gap_index(const opening *o, int32_t gap)
{
    int32_t low = 0;
    int32_t high = o->gap_count;
    while (low < high) {
        const int32_t middle = low + (high - low) / 2;
        if (o->gaps[middle] < gap)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Cuts the gaps of [first, last] into cells, the narrow ones at the end. */
static bool add_cells(opening *o, int32_t tensor, int32_t first, int32_t last)
{
    int32_t width[64];
    const int32_t begin = gap_index(o, first);
    const int32_t end = gap_index(o, last + 1);
    int32_t count = 0;
    for (int32_t left = end - begin; left > 0; left -= width[count++]) {
        width[count] = count < SINGLE_GAPS ? 1 : 2 * width[count - 1];
        width[count] = width[count] < left ? width[count] : left;
    }
    int32_t at = begin;
    while (count-- > 0) {
        if (!add_cell(o, tensor, o->gaps[at], o->gaps[at + width[count] - 1]))
            return false;
        at += width[count];
    }
    return true;
}

static bool add_events(opening *o, int32_t tensor)
{
    joint *j = o->j;
    const mbs_program *p = j->program;
    joint_tensor *t = &j->tensors[tensor];
    int32_t gap = o->loss + 1; /* the next that has no cell yet */
    bool added = true;
    t->event_begin = j->event_count;
    t->cell_begin = j->cell_count;
    t->share_begin = j->share_count;
    for (int32_t i = p->tensors[tensor].first_touch; i >= 0 && added; i = p->touches[i].next) {
        const int32_t k = p->touches[i].step;
        const bool writes = i >= p->steps[k].write_begin;
        if (t->last_gap >= 0 && k > o->loss) {
            added = add_cells(o, tensor, gap, k);
            gap = k + 1;
        }
        added = added &&
                add_event(o, (joint_event){
                                 .tensor = tensor,
                                 .kind = writes ? JOINT_WRITE : JOINT_READ,
                                 .time = k,
                                 .enter = k,
                                 .leave = k + 1,
                                 .index = i,
                                 .share = t->may_recompute && k > o->loss ? j->share_count++ : -1});
    }
    added = added && (t->last_gap < gap || add_cells(o, tensor, gap, t->last_gap));
    t->event_end = j->event_count;
    t->cell_end = j->cell_count;
    t->share_end = j->share_count;
    return added;
}

static bool allocate(joint *j)
{
    const size_t steps = (size_t)j->program->step_count;
    j->service = mem_calloc((size_t)j->link_count + 1, sizeof *j->service);
    j->share = mem_calloc((size_t)j->share_count + 1, sizeof *j->share);
    j->chains = mem_calloc((size_t)j->program->tensor_count + 1, sizeof *j->chains);
    j->history = mem_calloc((size_t)j->event_count + 1, sizeof *j->history);
    j->passes_cost = mem_calloc(steps, sizeof *j->passes_cost);
    j->distance = mem_calloc(steps + 1, sizeof *j->distance);
    j->from = mem_calloc(steps + 1, sizeof *j->from);
    j->from_candidate = mem_calloc(steps + 1, sizeof *j->from_candidate);
    j->bound = mem_calloc(steps + 1, sizeof *j->bound);
    j->start_value = mem_calloc(steps + 2, sizeof *j->start_value);
    j->change = mem_calloc(steps + 1, sizeof *j->change);
    if (j->service == NULL || j->share == NULL || j->chains == NULL || j->history == NULL ||
        j->passes_cost == NULL || j->distance == NULL || j->from == NULL ||
        j->from_candidate == NULL || j->bound == NULL || j->start_value == NULL ||
        j->change == NULL)
        return false;
    return true;
}

static bool build(opening *o)
{
    joint *j = o->j;
    find_tensors(o);
    if (!find_gaps(o))
        return false;
    for (int32_t i = 0; i < j->program->tensor_count; i++)
        if (!add_events(o, i))
            return false;
    return joint_sort(j) && joint_link(j, o->output, o->loss) && allocate(j);
}

mbs_status joint_open(joint *j, const mbs_network *network, const mbs_program *plain,
                      const plan_task *task, int64_t max_macs, mbs_error *error)
{
    *j = (joint){.task = *task, .max_macs = max_macs, .margin = JOINT_EXACT};
    const size_t layers = (size_t)network->layer_count;
    opening o = {.j = j,
                 .network = network,
                 .layers = mem_alloc((layers + 1) * sizeof *o.layers),
                 .output = mem_alloc((layers + 1) * sizeof *o.output),
                 .gaps = mem_alloc(((size_t)plain->step_count + 1) * sizeof *o.gaps),
                 .loss = program_forward_end(plain)};
    mbs_status status = MBS_OK;
    if (o.layers == NULL || o.output == NULL || o.gaps == NULL ||
        !recompute_layers(o.layers, network, plain))
        status = error_memory(error);
    if (status == MBS_OK && (j->program = without_masks(plain, o.layers)) == NULL)
        status = error_memory(error);
    j->task.program = j->program;
    if (status == MBS_OK) {
        j->tensors = mem_calloc((size_t)j->program->tensor_count + 1, sizeof *j->tensors);
        status =
            j->tensors == NULL ? error_memory(error) : lagrange_open(&j->l, &j->task, false, error);
    }
    if (status == MBS_OK && !build(&o))
        status = error_memory(error);
    for (int32_t i = 0; status == MBS_OK && i < j->program->tensor_count; i++)
        j->tensors[i].moved = (task->batch * j->tensors[i].bytes) << j->l.shift;
    if (status == MBS_OK)
        joint_update(j);
    mem_free(o.layers);
    mem_free(o.output);
    mem_free(o.gaps);
    return status;
}

void joint_close(joint *j)
{
    lagrange_close(&j->l);
    mbs_program_free(j->program);
    mem_free(j->tensors);
    mem_free(j->events);
    mem_free(j->timed);
    mem_free(j->timed_begin);
    mem_free(j->covering);
    mem_free(j->covering_begin);
    mem_free(j->cells);
    mem_free(j->uses);
    mem_free(j->cell_link);
    mem_free(j->cell_link_begin);
    mem_free(j->service);
    mem_free(j->share);
    mem_free(j->chains);
    mem_free(j->history);
    mem_free(j->passes_cost);
    mem_free(j->distance);
    mem_free(j->from);
    mem_free(j->from_candidate);
    mem_free(j->bound);
    mem_free(j->start_value);
    mem_free(j->change);
}
