#include "plan/dp/dp_ties.h"

#include "base/error.h"
#include "base/memory.h"
#include "mbsopt/cost.h"
#include "plan/groups.h"

/* Times are sums of doubles: a smaller part of them than this is no difference. */
#define NO_GAIN 1e-10

bool dp_ties_open(dp_ties *ties, int32_t steps)
{
    *ties = (dp_ties){.begin = mem_calloc((size_t)steps + 2, sizeof *ties->begin)};
    return ties->begin != NULL;
}

void dp_ties_close(dp_ties *ties)
{
    mem_free(ties->ways);
    mem_free(ties->begin);
}

void dp_ties_next(dp_ties *ties)
{
    ties->cut++;
    ties->begin[ties->cut] = ties->begin[ties->cut + 1] = ties->count;
}

void dp_ties_add(dp_ties *ties, dp_choice way, bool as_good)
{
    if (!as_good)
        ties->count = ties->begin[ties->cut];
    dp_choice *ways = mem_grow(ties->ways, &ties->room, ties->count, sizeof *ways);
    if (ways == NULL) {
        ties->failed = true;
        return;
    }
    ties->ways = ways;
    ways[ties->count++] = way;
    ties->begin[ties->cut + 1] = ties->count;
}

/* The graph of all ways of least traffic. */
typedef struct tie_graph {
    const dp_ties *ties;
    const plan_task *task;
    const candidates *list;
    mbs_plan *scratch; /* for one group at a time */
    double *time_s;    /* per cut: the quickest way to it */
    bool *leads;       /* per cut: whether a way of the least goes over it */
    int32_t *over;     /* per step: groups of such ways that have it */
} tie_graph;

static bool graph_open(tie_graph *g, const mbs_plan *like)
{
    const size_t cuts = (size_t)g->task->program->step_count + 1;
    g->scratch = plan_allocate_like(like, "dp");
    g->time_s = mem_calloc(cuts, sizeof *g->time_s);
    g->leads = mem_calloc(cuts, sizeof *g->leads);
    g->over = mem_calloc(cuts, sizeof *g->over);
    return g->scratch != NULL && g->time_s != NULL && g->leads != NULL && g->over != NULL;
}

static void graph_close(tie_graph *g)
{
    mbs_plan_free(g->scratch);
    mem_free(g->time_s);
    mem_free(g->leads);
    mem_free(g->over);
}

/* Finds what is on a way to the end; whether there is more than one. */
static bool find_ways(tie_graph *g)
{
    const dp_ties *ties = g->ties;
    const int32_t steps = g->task->program->step_count;
    bool several = false;
    g->leads[steps] = true;
    for (int32_t cut = steps; cut > 0; cut--) {
        if (!g->leads[cut])
            continue;
        several = several || ties->begin[cut + 1] - ties->begin[cut] > 1;
        for (int32_t i = ties->begin[cut]; i < ties->begin[cut + 1]; i++) {
            g->leads[ties->ways[i].first] = true;
            g->over[ties->ways[i].first]++;
            g->over[cut]--;
        }
    }
    for (int32_t k = 0; k < steps; k++)
        g->over[k + 1] += g->over[k];
    return several;
}

/* What the group takes; 0 if all ways have it. */
static mbs_status time_of_group(double *time_s, const tie_graph *g, dp_choice way, int32_t end,
                                mbs_error *error)
{
    mbs_cost cost = {0};
    *time_s = 0;
    if (g->over[way.first] == 1 || !g->task->program->has_shapes)
        return MBS_OK;
    mbs_status status = dp_emit_group(g->scratch, g->task, g->list, way, end, error);
    if (status == MBS_OK && mbs_plan_group_cost(g->scratch, g->task->hardware, 0, &cost) != MBS_OK)
        status = error_memory(error);
    plan_drop_group(g->scratch);
    *time_s = cost.time_s;
    return status;
}

static bool is_better(dp_choice way, double time_s, dp_choice than, double than_s)
{
    if (time_s < (1 - NO_GAIN) * than_s)
        return true;
    return way.candidate == DP_STRIPS && than.candidate == DP_STRIPS && way.first == than.first &&
           way.strips < than.strips && time_s * (1 - NO_GAIN) <= than_s;
}

static mbs_status choose(dp_choice *choice, const tie_graph *g, int32_t cut, mbs_error *error)
{
    const int32_t begin = g->ties->begin[cut];
    mbs_status status = MBS_OK;
    for (int32_t i = begin; i < g->ties->begin[cut + 1] && status == MBS_OK; i++) {
        const dp_choice way = g->ties->ways[i];
        double time_s;
        status = time_of_group(&time_s, g, way, cut, error);
        time_s += g->time_s[way.first];
        if (i > begin && !is_better(way, time_s, choice[cut], g->time_s[cut]))
            continue;
        g->time_s[cut] = time_s;
        choice[cut] = way;
    }
    return status;
}

mbs_status dp_ties_break(dp_choice *choice, const dp_ties *ties, const mbs_plan *like,
                         const plan_task *task, const candidates *list, mbs_error *error)
{
    tie_graph g = {.ties = ties, .task = task, .list = list};
    mbs_status status = MBS_OK;
    if (ties->failed || !graph_open(&g, like))
        status = error_memory(error);
    if (status == MBS_OK && find_ways(&g))
        for (int32_t cut = 1; cut <= task->program->step_count && status == MBS_OK; cut++)
            if (g.leads[cut])
                status = choose(choice, &g, cut, error);
    graph_close(&g);
    return status;
}
