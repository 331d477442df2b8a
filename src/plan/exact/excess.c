/* By how much the choice behind a bound overfills the buffer, step by step. */
#include <string.h>

#include "plan/exact/chain.h"
#include "plan/exact/lagrange.h"

typedef struct walk {
    lagrange *l;
    int32_t c;
    int32_t first;
    int32_t end;
    double *excess;
} walk;

/* A state of the chain at one touch. */
typedef struct chain_place {
    int resident;
    int dirty;
} chain_place;

static const chain_place places[] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};

static chain_place cheapest(const chain_state *chain, int64_t dirty_write, int64_t clean_write)
{
    chain_place best = places[0];
    int64_t least = INT64_MAX;
    for (int i = 0; i < 4; i++) {
        int64_t cost = chain->cost[places[i].resident][places[i].dirty] +
                       (places[i].dirty ? dirty_write : clean_write);
        if (cost < least) {
            least = cost;
            best = places[i];
        }
    }
    return best;
}

/* Where the chain's cheapest choice ends: at touch `last`, the tensor's last one in the group. */
static chain_place chain_finish(const walk *w, int32_t last)
{
    const mbs_program *p = w->l->task->program;
    const mbs_tensor *tensor = &p->tensors[p->touches[last].tensor];
    bool whole = p->touches[last].next < 0 && !tensor->kept && tensor->producer >= w->first;
    int64_t write = whole ? (w->l->task->batch * tensor->bytes) << w->l->shift : 0;
    return cheapest(&w->l->history[last], write, 0);
}

/* The interval that ends at touch t stays resident: its steps carry it. */
static void add_resident(const walk *w, int32_t t, bool end_is_new)
{
    const mbs_program *p = w->l->task->program;
    const int32_t from = p->touches[t].previous;
    const int64_t *end_bytes = w->l->end_bytes + (int64_t)w->c * p->touch_count;
    const double held =
        (double)(w->l->list.sub_batch[w->c] * p->tensors[p->touches[t].tensor].bytes);
    w->l->change[chain_hold_begin(w->l, from)] += held;
    w->l->change[p->touches[t].step] -= held;
    w->excess[p->touches[from].step] += (double)end_bytes[from];
    if (end_is_new)
        w->excess[p->touches[t].step] += (double)end_bytes[t];
}

/* Walks a chain back from its last touch in the group and adds up what it keeps resident. */
static void walk_back(const walk *w, int32_t first_touch, int32_t last)
{
    const mbs_program *p = w->l->task->program;
    chain_place place = chain_finish(w, last);
    bool end_is_new = true; /* no later interval has counted touch t's operand */
    for (int32_t t = last; t != first_touch; t = p->touches[t].previous) {
        const chain_state *before = &w->l->history[p->touches[t].previous];
        if (place.resident) {
            int64_t begin = chain_end_cost(w->l, w->c, p->touches[t].previous);
            add_resident(w, t, end_is_new);
            bool already = before->cost[1][place.dirty] < before->cost[0][place.dirty] + begin;
            place.resident = already;
            /* the begin's operand is counted here, not again by the interval before */
            end_is_new = false;
        } else {
            place = cheapest(before, 0, 0);
            end_is_new = true;
        }
    }
}

static void walk_chain(const walk *w, int32_t first_touch)
{
    const mbs_program *p = w->l->task->program;
    const chain_link *link = w->l->link + (int64_t)w->c * p->touch_count;
    chain_state chain = chain_fresh;
    int32_t t = first_touch;
    w->l->history[t] = chain;
    while (p->touches[t].next >= 0 && p->touches[p->touches[t].next].step < w->end) {
        t = p->touches[t].next;
        chain_extend(&chain, link[t], w->l->touch[t].drop);
        w->l->history[t] = chain;
    }
    if (t != first_touch)
        walk_back(w, first_touch, t);
}

void lagrange_excess(lagrange *l, int32_t c, int32_t first, int32_t end, double *excess)
{
    const mbs_program *p = l->task->program;
    const int64_t *need = l->need + (int64_t)c * p->step_count;
    const walk w = {l, c, first, end, excess};
    const int64_t *tight = l->tight + (int64_t)c * p->step_count;
    const bool is_tight = lagrange_is_tight(l, c, first, end);
    int64_t largest_need = 0;
    int64_t pinned;
    memset(l->change + first, 0, (size_t)(end - first + 1) * sizeof *l->change);
    for (int32_t k = first; k < end; k++) {
        largest_need = max_i64(largest_need, need[k]);
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].touch_end; t++) {
            int32_t previous = p->touches[t].previous;
            if (previous < 0 || p->touches[previous].step < first)
                walk_chain(&w, t);
        }
    }
    lagrange_group_parameters(l, c, first, end, largest_need, &pinned);
    double crossing = 0;
    for (int32_t k = first; k < end; k++) {
        crossing += l->change[k];
        int64_t capacity = is_tight ? tight[k] : l->task->capacity;
        excess[k] += crossing + (double)(need[k] - capacity + pinned);
    }
}
