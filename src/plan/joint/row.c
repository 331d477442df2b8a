/* Bounds on groups and the shortest path over them. */
#include <string.h>

#include "base/checked.h"
#include "cost/footprint.h"
#include "plan/joint/chain.h"

/*
 * A tensor's chain before its first event in a group. Whatever gaps it may serve in when the group
 * begins come first; what it is best at there is in start_value already.
 */
static void begin(joint *j, int32_t first, int32_t event, joint_chain *chain)
{
    *chain = joint_fresh;
    chain->row = j->row;
    chain->leave = first;
    if (event == j->tensors[j->events[event].tensor].event_begin)
        return;
    const joint_event *before = &j->events[event - 1];
    if (before->kind != JOINT_CELL || before->enter > first || before->leave < first)
        return;
    const joint_cell *cell = &j->cells[before->index];
    joint_begin_served(j, chain, cell);
    chain->value = chain->cost[joint_state(JOINT_OUT, 0)];
    chain->leave = before->leave;
}

static void follow(joint *j, int32_t c, int32_t first, int32_t end, int32_t event, int64_t *total)
{
    const joint_event *e = &j->events[event];
    const joint_tensor *t = &j->tensors[e->tensor];
    joint_chain *chain = &j->chains[e->tensor];
    const bool made_here = t->producer >= first;
    joint_step next;
    if (chain->row != j->row)
        begin(j, first, event, chain);
    joint_follow(j, c, first, e, made_here, chain, &next);
    for (int i = 0; i < JOINT_STATES; i++)
        chain->cost[i] = next.cost[i];
    *total -= chain->value;
    joint_finish(t, chain, made_here, joint_whole(t, end), &chain->value);
    *total += chain->value;
    chain->leave = e->leave;
}

int32_t joint_row(joint *j, int32_t c, int32_t first, int64_t so_far, int64_t *bound)
{
    const int32_t steps = j->program->step_count;
    const int64_t *need = j->l.need + (int64_t)c * steps;
    const int64_t *slack = j->l.slack_sum + (int64_t)c * (steps + 1);
    int64_t tensors = j->start_value[first];
    int64_t largest_need = 0;
    int64_t pinned;
    int32_t k = first;
    j->row++;
    for (; k < steps && need[k] <= j->task.capacity; k++) {
        for (int32_t i = j->timed_begin[k]; i < j->timed_begin[k + 1]; i++)
            follow(j, c, first, k + 1, j->timed[i], &tensors);
        largest_need = max_i64(largest_need, need[k]);
        bound[k + 1] = so_far + tensors + slack[k + 1] - slack[first] +
                       lagrange_group_parameters(&j->l, c, first, k + 1, largest_need, &pinned);
        if (bound[k + 1] - j->margin > j->distance[k + 1])
            return k + 1;
    }
    return k;
}

/* What a step more in a row takes, in ticks. */
#define ROW_WORK INT64_C(8)

int64_t joint_shortest(joint *j)
{
    const int32_t steps = j->program->step_count;
    for (int32_t k = 1; k <= steps; k++)
        j->distance[k] = INT64_MAX / 2;
    j->distance[0] = 0;
    for (int32_t first = 0; first < steps; first++) {
        const int64_t so_far = j->distance[first];
        if (plan_watch_is_past(j->task.watch))
            return INT64_MIN;
        if (so_far + j->passes_cost[first] < j->distance[first + 1]) {
            j->distance[first + 1] = so_far + j->passes_cost[first];
            j->from[first + 1] = first;
            j->from_candidate[first + 1] = -1;
        }
        for (int32_t c = 0; c < j->l.list.count; c++) {
            const int32_t end = joint_row(j, c, first, so_far, j->bound);
            plan_watch_work(j->task.watch, ROW_WORK * (end - first + 1));
            for (int32_t e = first + 1; e <= end; e++) {
                if (j->bound[e] >= j->distance[e])
                    continue;
                j->distance[e] = j->bound[e];
                j->from[e] = first;
                j->from_candidate[e] = c;
            }
        }
    }
    return j->distance[steps] - j->mac_price * j->max_macs;
}

/* ---- What prices imply ----------------------------------------------------------------------- */

/* The cheapest service of an input in the gaps of a cell. */
static int64_t service_cost(const joint *j, const joint_use *use, const joint_cell *cell)
{
    const int32_t first = j->tensors[use->input].cell_begin;
    int64_t least = INT64_MAX;
    for (int32_t i = 0; i < use->link_count; i++) {
        const joint_cell *of = &j->cells[first + i];
        if (of->first <= cell->last && of->last >= cell->first)
            least = min_i64(least, j->service[use->link_begin + i]);
    }
    return least == INT64_MAX ? 0 : least;
}

static void update_cells(joint *j)
{
    for (int32_t i = 0; i < j->cell_count; i++) {
        joint_cell *cell = &j->cells[i];
        const joint_tensor *t = &j->tensors[cell->tensor];
        cell->reward = 0;
        for (int32_t k = j->cell_link_begin[i]; k < j->cell_link_begin[i + 1]; k++)
            cell->reward += j->service[j->cell_link[k]];
        cell->recompute_cost = (t->weight_bytes << j->l.shift) + t->macs * j->mac_price;
        for (int32_t u = t->use_begin; u < t->use_end; u++)
            cell->recompute_cost += service_cost(j, &j->uses[u], cell);
        if (!t->may_recompute)
            cell->recompute_cost = IMPOSSIBLE;
    }
    memset(j->start_value, 0, ((size_t)j->program->step_count + 2) * sizeof *j->start_value);
    for (int32_t i = 0; i < j->cell_count; i++) {
        joint_chain chain;
        joint_begin_served(j, &chain, &j->cells[i]);
        j->start_value[j->cells[i].first] += chain.cost[joint_state(JOINT_OUT, 0)];
        j->start_value[j->cells[i].last + 1] -= chain.cost[joint_state(JOINT_OUT, 0)];
    }
    for (int32_t k = 1; k <= j->program->step_count; k++)
        j->start_value[k] += j->start_value[k - 1];
}

static void update_passes(joint *j)
{
    const mbs_program *p = j->program;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        const int64_t passes = step_passes(step, j->task.capacity, j->task.norm_passes);
        int64_t cost = step_parameter_moves(p, k) << j->l.shift;
        for (int32_t i = j->timed_begin[k]; i < j->timed_begin[k + 1]; i++) {
            const joint_event *e = &j->events[j->timed[i]];
            const joint_tensor *t = &j->tensors[e->tensor];
            if (e->kind == JOINT_READ)
                cost += passes * t->moved + (e->share >= 0 ? j->share[e->share] : 0);
            else if (e->kind == JOINT_WRITE && t->last_required > k)
                cost += t->write_cost;
        }
        j->passes_cost[k] = cost;
    }
}

void joint_update(joint *j)
{
    for (int32_t i = 0; i < j->program->tensor_count; i++) {
        joint_tensor *t = &j->tensors[i];
        t->write_cost = t->moved;
        for (int32_t s = t->share_begin; s < t->share_end; s++)
            t->write_cost -= j->share[s];
    }
    update_cells(j);
    update_passes(j);
    for (int32_t c = 0; c < j->l.list.count; c++)
        lagrange_update(&j->l, c);
}
