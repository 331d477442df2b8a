/* What the choice behind a bound says of the prices: which of them it finds too low. */
#include <string.h>

#include "base/checked.h"
#include "plan/joint/chain.h"

typedef struct walk {
    joint *j;
    int32_t c;
    int32_t first;
    int32_t end;
    double *excess; /* per step */
    joint_slope *slope;
} walk;

static void pay_services(const walk *w, const joint_cell *cell)
{
    const joint *j = w->j;
    const joint_tensor *t = &j->tensors[cell->tensor];
    w->slope->macs += (double)t->macs;
    for (int32_t u = t->use_begin; u < t->use_end; u++) {
        const joint_use *use = &j->uses[u];
        const int32_t first = j->tensors[use->input].cell_begin;
        int32_t least = -1;
        for (int32_t i = 0; i < use->link_count; i++) {
            const joint_cell *of = &j->cells[first + i];
            const int32_t link = use->link_begin + i;
            if (of->first <= cell->last && of->last >= cell->first &&
                (least < 0 || j->service[link] < j->service[least]))
                least = link;
        }
        if (least >= 0)
            w->slope->service[least] += 1;
    }
}

static void hold(const walk *w, int64_t bytes, int32_t from, int32_t to)
{
    if (from >= to)
        return;
    const double held = (double)(w->j->l.list.sub_batch[w->c] * bytes);
    w->j->change[from] += held;
    /* what the group does not reach it does not pay for, but then nothing is held there */
    w->j->change[to < w->end ? to : w->end] -= held;
}

static void account(const walk *w, const joint_event *e, int act, int32_t held_from)
{
    const joint *j = w->j;
    const joint_tensor *t = &j->tensors[e->tensor];
    if (act & ACT_HELD)
        hold(w, t->bytes, held_from, e->enter);
    if (act & ACT_HELD_ACROSS)
        hold(w, t->bytes, e->enter, e->leave);
    if (act & ACT_OPERAND)
        w->excess[e->time] +=
            (double)j->l.end_bytes[(int64_t)w->c * j->program->touch_count + e->index];
    if ((act & ACT_SHARE) && e->share >= 0)
        w->slope->share[e->share] += 1;
    if (act & ACT_FETCHES) {
        const int32_t share = joint_fetch_share(&j->cells[e->index], e->time < w->first);
        if (share >= 0)
            w->slope->share[share] += 1;
    }
    if (act & ACT_SERVES)
        for (int32_t i = j->cell_link_begin[e->index]; i < j->cell_link_begin[e->index + 1]; i++)
            w->slope->service[j->cell_link[i]] -= 1;
    if (act & ACT_COMPUTES)
        pay_services(w, &j->cells[e->index]);
}

static void walk_chain(const walk *w, int32_t event)
{
    joint *j = w->j;
    const joint_tensor *t = &j->tensors[j->events[event].tensor];
    const bool made_here = t->producer >= w->first;
    joint_chain chain = joint_fresh;
    joint_step next;
    int32_t e = event;
    chain.leave = w->first;
    for (; e < t->event_end && j->events[e].time < w->end; e++) {
        j->history[e] = chain;
        joint_follow(j, w->c, w->first, &j->events[e], made_here, &chain, &next);
        memcpy(chain.cost, next.cost, sizeof chain.cost);
        chain.leave = j->events[e].leave;
    }
    const bool whole = joint_whole(t, w->end);
    int64_t value;
    int state = joint_finish(t, &chain, made_here, whole, &value);
    if (made_here && (!whole || state % 2 == 1))
        for (int32_t s = t->share_begin; s < t->share_end; s++)
            w->slope->share[s] -= 1; /* the write is paid in full */
    while (e-- > event) {
        joint_follow(j, w->c, w->first, &j->events[e], made_here, &j->history[e], &next);
        account(w, &j->events[e], next.act[state], j->history[e].leave);
        state = next.from[state];
    }
}

static void visit(const walk *w, int32_t event)
{
    joint_chain *seen = &w->j->chains[w->j->events[event].tensor];
    if (seen->row == w->j->row)
        return;
    seen->row = w->j->row;
    walk_chain(w, event);
}

static void walk_passes(joint *j, int32_t k, joint_slope *slope)
{
    for (int32_t i = j->timed_begin[k]; i < j->timed_begin[k + 1]; i++) {
        const joint_event *e = &j->events[j->timed[i]];
        const joint_tensor *t = &j->tensors[e->tensor];
        if (e->kind == JOINT_READ && e->share >= 0)
            slope->share[e->share] += 1;
        for (int32_t s = t->share_begin;
             e->kind == JOINT_WRITE && t->last_required > k && s < t->share_end; s++)
            slope->share[s] -= 1;
    }
}

void joint_walk(joint *j, int32_t c, int32_t first, int32_t end, joint_slope *slope)
{
    const int32_t steps = j->program->step_count;
    if (c < 0) {
        walk_passes(j, first, slope);
        return;
    }
    double *excess = slope->buffer + (int64_t)c * steps;
    const int64_t *need = j->l.need + (int64_t)c * steps;
    const walk w = {j, c, first, end, excess, slope};
    int64_t largest_need = 0;
    int64_t pinned;
    double crossing = 0;
    memset(j->change + first, 0, (size_t)(end - first + 1) * sizeof *j->change);
    j->row++;
    for (int32_t i = j->covering_begin[first]; i < j->covering_begin[first + 1]; i++)
        visit(&w, j->covering[i]);
    for (int32_t k = first; k < end; k++) {
        largest_need = max_i64(largest_need, need[k]);
        for (int32_t i = j->timed_begin[k]; i < j->timed_begin[k + 1]; i++)
            visit(&w, j->timed[i]);
    }
    lagrange_group_parameters(&j->l, c, first, end, largest_need, &pinned);
    for (int32_t k = first; k < end; k++) {
        crossing += j->change[k];
        excess[k] += crossing + (double)(need[k] - j->task.capacity + pinned);
    }
}
