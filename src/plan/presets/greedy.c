/* mbs1 and mbs2: the paper's greedy layer groups (model, section 5). */

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "plan/presets/presets.h"
#include "plan/presets/staged.h"

/* A group in a list, with what merging it with its right neighbour saves. */
typedef struct node {
    staged_group group;
    staged_group merged; /* with the right neighbour */
    int64_t gain;        /* traffic that the merge saves; at most 0 if it is not to be made */
    int32_t left;        /* neighbours, -1 at the ends */
    int32_t right;
    int32_t heap_place; /* -1 if not in the heap */
} node;

/* The nodes worth merging, as a binary heap: largest gain first, then the first in step order. */
typedef struct merger {
    const staged *staged;
    node *nodes; /* in step order */
    int32_t node_count;
    int32_t *heap;
    int32_t heap_count;
} merger;

/* Bytes of tensors resident over each step without being its operands: all allowed intervals. */
static mbs_status crossing_bytes(const staged *s, int64_t **out, mbs_error *error)
{
    const mbs_program *p = s->task->program;
    int64_t *crossing = mem_calloc((size_t)p->step_count + 1, sizeof *crossing);
    *out = crossing;
    if (crossing == NULL)
        return error_memory(error);
    for (int32_t t = 0; t < p->touch_count; t++) {
        if (!s->allowed[t])
            continue;
        int64_t bytes = p->tensors[p->touches[t].tensor].bytes;
        crossing[p->touches[t].step + 1] += bytes;
        crossing[p->touches[p->touches[t].next].step] -= bytes;
    }
    for (int32_t k = 0; k < p->step_count; k++)
        crossing[k + 1] += crossing[k];
    return MBS_OK;
}

/* The I that the step would take on its own, all that crosses it counted; of an update, which can
 * do with any, that of the step before it. */
static int64_t own_iterations(const staged *s, const int64_t *crossing, int32_t k)
{
    const mbs_program *p = s->task->program;
    while (p->steps[k].update.is_update)
        k--;
    int64_t bytes = program_operand_bytes(p, k) + crossing[k];
    if (p->steps[k].coupled || bytes == 0)
        return 1;
    return smallest_iterations(s->task->batch, max_i64(1, s->task->capacity / bytes));
}

/* Footprints per sample while a group grows by one step at a time. */
typedef struct growing {
    int64_t *unit; /* per step */
    int64_t peak;
    bool coupled;
} growing;

/* Adds step k to the group that began at `first`. */
static void grow(const staged *s, growing *g, int32_t first, int32_t k)
{
    const mbs_program *p = s->task->program;
    g->unit[k] = program_operand_bytes(p, k);
    for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++) {
        int32_t previous = p->touches[t].previous;
        if (previous < 0 || !s->allowed[previous] || p->touches[previous].step < first)
            continue;
        for (int32_t between = p->touches[previous].step + 1; between < k; between++) {
            g->unit[between] += p->tensors[p->touches[t].tensor].bytes;
            g->peak = max_i64(g->peak, g->unit[between]);
        }
    }
    g->peak = max_i64(g->peak, g->unit[k]);
    g->coupled = g->coupled || p->steps[k].coupled;
}

static bool still_fits(const staged *s, const growing *g)
{
    return (g->coupled ? s->task->batch : 1) * g->peak <= s->task->capacity;
}

/* Joins steps of equal own I into the first groups. */
static mbs_status first_groups(merger *m, mbs_error *error)
{
    const staged *s = m->staged;
    const mbs_program *p = s->task->program;
    int64_t *crossing = NULL;
    growing g = {mem_alloc((size_t)p->step_count * sizeof *g.unit), 0, false};
    mbs_status status = crossing_bytes(s, &crossing, error);
    if (status == MBS_OK && g.unit == NULL)
        status = error_memory(error);
    int32_t first = 0;
    for (int32_t k = 0; status == MBS_OK && k < p->step_count; k++) {
        if (plan_watch_is_past(s->task->watch))
            status = plan_watch_stopped(error);
        bool joins = k > first && !s->cut[k] && !s->cut[k - 1] &&
                     p->steps[k].phase == p->steps[k - 1].phase &&
                     own_iterations(s, crossing, k) == own_iterations(s, crossing, k - 1);
        if (joins) {
            grow(s, &g, first, k);
            joins = still_fits(s, &g);
        }
        if (joins)
            continue;
        if (k > first)
            m->nodes[m->node_count++].group = staged_evaluate(s, first, k);
        first = k;
        g = (growing){g.unit, 0, false};
        grow(s, &g, first, k);
    }
    if (status == MBS_OK)
        m->nodes[m->node_count++].group = staged_evaluate(s, first, p->step_count);
    mem_free(crossing);
    mem_free(g.unit);
    return status;
}

static bool goes_before(const merger *m, int32_t a, int32_t b)
{
    if (m->nodes[a].gain != m->nodes[b].gain)
        return m->nodes[a].gain > m->nodes[b].gain;
    return a < b;
}

static void heap_put(merger *m, int32_t place, int32_t index)
{
    m->heap[place] = index;
    m->nodes[index].heap_place = place;
}

static void sift_up(merger *m, int32_t place)
{
    int32_t index = m->heap[place];
    for (; place > 0 && goes_before(m, index, m->heap[(place - 1) / 2]); place = (place - 1) / 2)
        heap_put(m, place, m->heap[(place - 1) / 2]);
    heap_put(m, place, index);
}

static void sift_down(merger *m, int32_t place)
{
    int32_t index = m->heap[place];
    for (;;) {
        int32_t child = 2 * place + 1;
        if (child + 1 < m->heap_count && goes_before(m, m->heap[child + 1], m->heap[child]))
            child++;
        if (child >= m->heap_count || !goes_before(m, m->heap[child], index))
            break;
        heap_put(m, place, m->heap[child]);
        place = child;
    }
    heap_put(m, place, index);
}

static void heap_remove(merger *m, int32_t index)
{
    int32_t place = m->nodes[index].heap_place;
    m->nodes[index].heap_place = -1;
    if (place < 0)
        return;
    int32_t moved = m->heap[--m->heap_count];
    if (moved == index)
        return;
    heap_put(m, place, moved);
    sift_up(m, place);
    sift_down(m, m->nodes[moved].heap_place);
}

/* Works out anew what merging node `index` with its right neighbour saves. */
static void refresh(merger *m, int32_t index)
{
    const staged *s = m->staged;
    node *n = &m->nodes[index];
    heap_remove(m, index);
    if (n->right < 0)
        return;
    const staged_group *right = &m->nodes[n->right].group;
    const mbs_step *steps = s->task->program->steps;
    if (s->cut[n->group.first] || s->cut[right->first] ||
        steps[n->group.first].phase != steps[right->first].phase)
        return;
    n->merged = staged_evaluate(s, n->group.first, right->end);
    n->gain = n->group.traffic + right->traffic - n->merged.traffic;
    if (n->merged.iterations == 0 || n->gain <= 0)
        return;
    heap_put(m, m->heap_count++, index);
    sift_up(m, n->heap_place);
}

static mbs_status merge_groups(merger *m, mbs_error *error)
{
    plan_watch *watch = m->staged->task->watch;
    for (int32_t i = 0; i < m->node_count; i++) {
        m->nodes[i].left = i - 1;
        m->nodes[i].right = i + 1 < m->node_count ? i + 1 : -1;
        m->nodes[i].heap_place = -1;
    }
    for (int32_t i = 0; i < m->node_count && !plan_watch_is_past(watch); i++)
        refresh(m, i);
    while (m->heap_count > 0) {
        if (plan_watch_is_past(watch))
            return plan_watch_stopped(error);
        int32_t index = m->heap[0];
        node *n = &m->nodes[index];
        heap_remove(m, n->right);
        n->group = n->merged;
        n->right = m->nodes[n->right].right;
        if (n->right >= 0)
            m->nodes[n->right].left = index;
        refresh(m, index);
        if (n->left >= 0)
            refresh(m, n->left);
    }
    return MBS_OK;
}

static mbs_status plan_greedy(mbs_plan *plan, const plan_task *task, bool adjacent_only,
                              mbs_error *error)
{
    size_t steps = (size_t)task->program->step_count;
    staged s;
    merger m = {&s, mem_alloc(steps * sizeof *m.nodes), 0, mem_alloc(steps * sizeof *m.heap), 0};
    mbs_status status = staged_open(&s, task, adjacent_only, error);
    if (status == MBS_OK && (m.nodes == NULL || m.heap == NULL))
        status = error_memory(error);
    if (status == MBS_OK)
        status = first_groups(&m, error);
    if (status == MBS_OK)
        status = merge_groups(&m, error);
    for (int32_t i = 0; status == MBS_OK && i >= 0; i = m.nodes[i].right)
        staged_emit(&s, plan, &m.nodes[i].group);
    plan->outcome = MBS_HEURISTIC;
    mem_free(m.nodes);
    mem_free(m.heap);
    staged_free(&s);
    return status;
}

mbs_status plan_mbs1(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    return plan_greedy(plan, task, true, error);
}

mbs_status plan_mbs2(mbs_plan *plan, const plan_task *task, mbs_error *error)
{
    return plan_greedy(plan, task, false, error);
}
