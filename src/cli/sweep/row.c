/* A point's row, as CSV or as a line of JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "search.h"
#include "sweep/sweep.h"

/* Which sweeps have a column. */
typedef enum column_of {
    OF_ALL,
    OF_UPDATES, /* those with an optimizer */
    OF_FUSION,  /* those of inference, or whose layers are fused */
} column_of;

typedef struct row_column {
    const char *name;
    column_of of;
} row_column;

/* The first of them, up to the outcome, tell points apart; they are known before a point is
 * planned. */
static const row_column columns[] = {
    {"index", OF_ALL},
    {"network", OF_ALL},
    {"phase", OF_ALL},
    {"batch_norm", OF_ALL},
    {"buffer_bytes", OF_ALL},
    {"batch", OF_ALL},
    {"hardware", OF_ALL},
    {"planner", OF_ALL},
    {"recompute", OF_ALL},
    {"strips", OF_ALL},
    {"optimizer", OF_UPDATES},
    {"fused", OF_FUSION},
    {"outcome", OF_ALL},
    {"activation_read_bytes", OF_ALL},
    {"activation_write_bytes", OF_ALL},
    {"weight_read_bytes", OF_ALL},
    {"weight_gradient_bytes", OF_ALL},
    {"optimizer_bytes", OF_UPDATES},
    {"total_bytes", OF_ALL},
    {"bound_bytes", OF_ALL},
    {"groups", OF_ALL},
    {"time_s", OF_ALL},
    {"energy_j", OF_ALL},
    {"utilisation", OF_ALL},
    {"compute_bound", OF_ALL},
    {"dram_j", OF_ALL},
    {"buffer_j", OF_ALL},
    {"mac_j", OF_ALL},
    {"vector_j", OF_ALL},
    {"static_j", OF_ALL},
    {"extra_macs_percent", OF_ALL},
    {"dram_peak_bytes", OF_ALL},
};
#define COLUMN_COUNT (sizeof columns / sizeof columns[0])

/* A row that is being written. */
typedef struct row_writer {
    FILE *out;
    char *text;
    size_t length;
    bool json;
    bool has[OF_FUSION + 1]; /* the sweep has such columns */
    size_t column;
} row_writer;

static bool has_columns(const sweep *of, column_of which)
{
    return which == OF_UPDATES  ? of->optimizer != MBS_OPTIMIZER_NONE
           : which == OF_FUSION ? of->inference || of->fusion != 0
                                : true;
}

static bool row_begin(row_writer *w, const sweep *of, bool json)
{
    *w = (row_writer){.json = json};
    for (int which = OF_ALL; which <= OF_FUSION; which++)
        w->has[which] = has_columns(of, (column_of)which);
    w->out = open_memstream(&w->text, &w->length);
    return w->out != NULL;
}

static char *row_end(row_writer *w)
{
    const bool failed = ferror(w->out) != 0;
    if (fclose(w->out) == 0 && !failed)
        return w->text;
    free(w->text);
    return NULL;
}

/* Goes to the next column that the sweep has; null: there is none. */
static const char *column_at(row_writer *w)
{
    while (w->column < COLUMN_COUNT && !w->has[columns[w->column].of])
        w->column++;
    return w->column < COLUMN_COUNT ? columns[w->column].name : NULL;
}

static void next_column(row_writer *w)
{
    const char *name = column_at(w);
    if (w->json)
        fprintf(w->out, "%s\"%s\": ", w->column == 0 ? "{" : ", ", name);
    else if (w->column > 0)
        fputc(',', w->out);
    w->column++;
}

static void put_text(row_writer *w, const char *text)
{
    next_column(w);
    if (w->json)
        put_json(w->out, text);
    else
        put_csv(w->out, text);
}

static void put_integer(row_writer *w, int64_t value)
{
    next_column(w);
    fprintf(w->out, "%" PRId64, value);
}

static void put_real(row_writer *w, double value)
{
    next_column(w);
    fprintf(w->out, "%s", field_number(value).text);
}

/* Two of best's are not alike: by itself it looks for an order, for traffic. */
static const char *order_suffix(const sweep *of, mbs_planner planner)
{
    if (of->order == MBS_ORDER_GIVEN && planner == MBS_PLANNER_BEST && of->objective == MBS_TRAFFIC)
        return "-given";
    return search_order_of(of->order, planner) == MBS_ORDER_SEARCH ? "-order" : "";
}

/* "dp-time", as plans of dp with that objective are called; "best-time", "dp-in-place-order". */
static void put_planner(row_writer *w, const sweep *of, const sweep_point *at)
{
    char text[64];
    const mbs_planner planner = of->planners.values[at->planner];
    const bool plain = !search_heeds_objective(planner) || of->objective == MBS_TRAFFIC;
    const bool in_place = of->in_place && mbs_planner_writes_in_place(planner);
    snprintf(text, sizeof text, "%s%s%s%s%s", mbs_planner_name(planner), plain ? "" : "-",
             plain ? "" : objective_name(of->objective), in_place ? "-in-place" : "",
             order_suffix(of, planner));
    put_text(w, text);
}

/* "auto:10", "auto:10:effort=3:dram=1000000000": with its limits, since these tell rows apart. */
static void put_recompute(row_writer *w, const sweep *of, const sweep_point *at)
{
    const mbs_recompute_options *recompute = &of->recompute;
    const bool recomputes = sweep_recomputes(of, at);
    char limit[64] = "";
    char effort[32] = "";
    char dram[64] = "";
    char text[192];
    if (recomputes && recompute->recompute == MBS_RECOMPUTE_AUTO &&
        isfinite(recompute->max_percent))
        snprintf(limit, sizeof limit, ":%s", field_number(recompute->max_percent).text);
    if (recomputes && recompute->recompute == MBS_RECOMPUTE_AUTO && recompute->effort > 1)
        snprintf(effort, sizeof effort, ":effort=%d", recompute->effort);
    if (recomputes && recompute->max_dram_bytes > 0)
        snprintf(dram, sizeof dram, ":dram=%" PRId64, recompute->max_dram_bytes);
    snprintf(text, sizeof text, "%s%s%s%s",
             mbs_recompute_name(recomputes ? recompute->recompute : MBS_RECOMPUTE_NONE), limit,
             effort, dram);
    put_text(w, text);
}

static void put_start(row_writer *w, const sweep *of, const sweep_point *at)
{
    static const char *const fused[] = {[0] = "none",
                                        [MBS_FUSE_PRODUCTS] = "products",
                                        [MBS_FUSE_PRODUCTS | MBS_FUSE_NORMS] = "products+norms",
                                        [MBS_FUSE_NORMS] = "norms",
                                        [MBS_FUSE_NORMS | MBS_FUSE_SUMS] = "norms+sums"};
    put_integer(w, (int64_t)at->index);
    put_text(w, mbs_network_name(of->networks[at->network].network));
    put_text(w, of->inference ? "inference" : "training");
    put_text(w, sweep_keeps_batch_norms(of, at) ? "keep" : "replace");
    put_integer(w, sweep_buffer_bytes(of, at));
    put_integer(w, of->batches.values[at->batch]);
    put_text(w, of->machines[at->machine].hardware.name);
    put_planner(w, of, at);
    put_recompute(w, of, at);
    put_text(w, of->strips[at->planner] ? "on" : "off");
    if (w->has[OF_UPDATES])
        put_text(w, mbs_optimizer_name(of->optimizer));
    if (w->has[OF_FUSION])
        put_text(w, fused[of->fusion]);
}

static void put_plan(row_writer *w, const mbs_plan *plan, const mbs_cost *cost,
                     const mbs_dram_peak *peak)
{
    mbs_traffic traffic;
    mbs_plan_traffic(plan, &traffic);
    put_text(w, mbs_outcome_name(mbs_plan_outcome(plan)));
    put_integer(w, traffic.activation_read);
    put_integer(w, traffic.activation_write);
    put_integer(w, traffic.weight_read);
    put_integer(w, traffic.weight_gradient);
    if (w->has[OF_UPDATES])
        put_integer(w, traffic.optimizer);
    put_integer(w, traffic.total);
    if (mbs_plan_bound_bytes(plan) > 0) {
        put_integer(w, mbs_plan_bound_bytes(plan));
    } else { /* none is known */
        next_column(w);
        fputs(w->json ? "null" : "", w->out);
    }
    put_integer(w, (int64_t)mbs_plan_group_count(plan));
    put_real(w, cost->time_s);
    put_real(w, cost->energy_j);
    put_real(w, cost->utilisation);
    put_real(w, cost->time_s > 0 ? cost->compute_bound_s / cost->time_s : 0);
    put_real(w, cost->dram_j);
    put_real(w, cost->buffer_j);
    put_real(w, cost->mac_j);
    put_real(w, cost->vector_j);
    put_real(w, cost->static_j);
    mbs_recompute_info info;
    mbs_plan_recompute(plan, &info);
    put_real(w, info.macs_percent);
    put_integer(w, peak->bytes);
    if (w->json)
        fputc('}', w->out);
}

char *sweep_header(const sweep *of)
{
    row_writer w;
    if (!row_begin(&w, of, false))
        return NULL;
    for (const char *name; (name = column_at(&w)) != NULL;)
        put_text(&w, name);
    return row_end(&w);
}

const char *sweep_older_lacks(const char *line, bool json)
{
    static const char *const added[] = {"strips", "dram_peak_bytes"};
    const char *start = json ? "{\"index\": " : "index,network,phase,";
    if (strncmp(line, start, strlen(start)) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++)
        if (strstr(line, added[i]) == NULL)
            return added[i];
    return NULL;
}

char *sweep_row_start(const sweep *of, const sweep_point *at)
{
    row_writer w;
    if (!row_begin(&w, of, of->json))
        return NULL;
    put_start(&w, of, at);
    fputs(of->json ? ", " : ",", w.out);
    return row_end(&w);
}

char *sweep_row(const sweep *of, const sweep_point *at, const mbs_plan *plan)
{
    row_writer w;
    mbs_cost cost;
    mbs_dram_peak peak;
    if (mbs_plan_cost(plan, &of->machines[at->machine].hardware, &cost) != MBS_OK ||
        mbs_plan_dram_peak(plan, &peak, NULL) != MBS_OK || !row_begin(&w, of, of->json))
        return NULL;
    put_start(&w, of, at);
    put_plan(&w, plan, &cost, &peak);
    fputc('\n', w.out);
    return row_end(&w);
}

/* Columns of what comes of a point. */
static size_t columns_behind_start(const sweep *of)
{
    size_t count = 0;
    for (size_t i = COLUMN_COUNT; strcmp(columns[--i].name, "outcome") != 0;)
        count += has_columns(of, columns[i].of);
    return count + 1;
}

bool sweep_row_is_whole(const sweep *of, const char *row, size_t start_length)
{
    const char *rest = row + start_length;
    if (of->json) /* rows of older versions have fewer members */
        return strstr(rest, columns[COLUMN_COUNT - 1].name) != NULL &&
               rest[strlen(rest) - 1] == '}';
    /* no column of the rest is ever quoted */
    return count_items(rest) == columns_behind_start(of) && strchr(rest, '"') == NULL &&
           rest[strlen(rest) - 1] != ',';
}

char *sweep_point_name(const sweep *of, const sweep_point *at)
{
    row_writer w;
    if (!row_begin(&w, of, false))
        return NULL;
    const mbs_planner planner = of->planners.values[at->planner];
    const bool without = !of->strips[at->planner] && mbs_planner_takes_strips(planner) != 0;
    fprintf(w.out, "point %zu (%s, %s%s, buffer of %" PRId64 " bytes, %" PRId64 " samples, %s)",
            at->index, mbs_network_name(of->networks[at->network].network),
            mbs_planner_name(planner), without ? " without strips" : "", sweep_buffer_bytes(of, at),
            of->batches.values[at->batch], of->machines[at->machine].hardware.name);
    return row_end(&w);
}
