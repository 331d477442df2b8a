#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fields.h"
#include "table.h"
#include "tradeoff/tradeoff.h"

/* ---- A table --------------------------------------------------------------------------------- */

/* "-23.6": the change against baseline in percent. */
static void put_change(table *rows, double value, double baseline)
{
    if (baseline > 0)
        table_cell(rows, "%+.1f", 100 * (value - baseline) / baseline);
    else
        table_cell(rows, "%s", "");
}

static void put_row(table *rows, const tradeoff_run *run, const tradeoff_row *row, const char *name)
{
    const tradeoff_row *baseline = &run->baseline;
    const field_scale bytes = field_scale_bytes((double)baseline->bytes);
    const field_scale seconds = field_scale_seconds(baseline->cost.time_s);
    const field_scale joules = field_scale_joules(baseline->cost.energy_j);
    table_cell(rows, "%s", name);
    table_cell(rows, "%s", field_fixed((double)row->bytes / bytes.factor, 3, "").text);
    put_change(rows, (double)row->bytes, (double)baseline->bytes);
    table_cell(rows, "%s", field_fixed(row->cost.time_s / seconds.factor, 2, "").text);
    put_change(rows, row->cost.time_s, baseline->cost.time_s);
    table_cell(rows, "%s", field_fixed(row->cost.energy_j / joules.factor, 3, "").text);
    put_change(rows, row->cost.energy_j, baseline->cost.energy_j);
}

char *tradeoff_table(const tradeoff_run *run)
{
    page onto;
    table rows;
    page_begin(&onto, output_width(run->setup.output));
    if (onto.out == NULL)
        return NULL;
    const mbs_table_column columns[] = {
        {{"", "mbsopt plan …"}, 0, 0, 0, NULL},
        {{"traffic", field_scale_bytes((double)run->baseline.bytes).name}, 1, 0, 0, NULL},
        {{"", "%"}, 1, 0, 1, "traffic, %"},
        {{"time", field_scale_seconds(run->baseline.cost.time_s).name}, 1, 0, 0, NULL},
        {{"", "%"}, 1, 0, 1, "time, %"},
        {{"energy", field_scale_joules(run->baseline.cost.energy_j).name}, 1, 0, 2, NULL},
        {{"", "%"}, 1, 0, 3, "energy, %"},
    };
    put_safe(onto.out, mbs_network_name(run->setup.network));
    fprintf(onto.out, " · %s · %" PRId64 " %s per core · %s · ",
            run->setup.inference ? "inference" : "training", run->options.batch,
            run->options.batch == 1 ? "sample" : "samples",
            field_space(run->options.buffer_bytes).text);
    put_safe(onto.out, run->setup.hardware.name);
    fprintf(onto.out, "\n%zu plan%s between least traffic and least time; %% against baseline\n\n",
            run->count, run->count == 1 ? "" : "s");
    table_start(&rows, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < run->count; i++)
        put_row(&rows, run, &run->rows[i], run->rows[i].how);
    put_row(&rows, run, &run->baseline, "--planner baseline");
    table_put(&rows, &onto);
    return page_text(&onto);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static const char *objective_of(const tradeoff_row *row)
{
    return mbs_objective_name(mbs_plan_objective(row->plan));
}

char *tradeoff_csv(const tradeoff_run *run)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    fputs("options,planner,objective,weight_gb_s,total_bytes,time_s,energy_j,traffic_ratio,time_"
          "ratio,"
          "energy_ratio\n",
          out);
    for (size_t i = 0; i < run->count; i++) {
        const tradeoff_row *row = &run->rows[i];
        put_csv(out, row->how);
        fprintf(out, ",%s,%s,%s,%" PRId64, mbs_plan_planner_name(row->plan), objective_of(row),
                isinf(row->weight_gb_s) ? "" : field_number(row->weight_gb_s).text, row->bytes);
        const double figures[] = {row->cost.time_s, row->cost.energy_j,
                                  (double)row->bytes / (double)run->baseline.bytes,
                                  row->cost.time_s / run->baseline.cost.time_s,
                                  row->cost.energy_j / run->baseline.cost.energy_j};
        for (size_t f = 0; f < sizeof figures / sizeof figures[0]; f++)
            fprintf(out, ",%s", isfinite(figures[f]) ? field_number(figures[f]).text : "");
        fputc('\n', out);
    }
    return fclose(out) == 0 ? text : (free(text), NULL);
}

static void put_figures(FILE *out, const tradeoff_row *row)
{
    fprintf(out, "\"traffic_bytes\": %" PRId64 ", \"time_s\": %s, ", row->bytes,
            field_number(row->cost.time_s).text);
    fprintf(out, "\"energy_j\": %s}", field_number(row->cost.energy_j).text);
}

char *tradeoff_json(const tradeoff_run *run)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NULL;
    fputs("{\n  \"format\": \"mbsopt-tradeoff/1\",\n  \"network\": ", out);
    put_json(out, mbs_network_name(run->setup.network));
    fputs(",\n  \"hardware\": ", out);
    put_json(out, run->setup.hardware.name);
    fprintf(out,
            ",\n  \"phase\": \"%s\",\n  \"batch\": %" PRId64 ",\n  \"buffer_bytes\": %" PRId64
            ",\n  \"baseline\": {",
            run->setup.inference ? "inference" : "training", run->options.batch,
            run->options.buffer_bytes);
    put_figures(out, &run->baseline);
    fputs(",\n  \"plans\": [", out);
    for (size_t i = 0; i < run->count; i++) {
        const tradeoff_row *row = &run->rows[i];
        fputs(i == 0 ? "\n    {\"options\": " : ",\n    {\"options\": ", out);
        put_json(out, row->how);
        fprintf(out, ", \"planner\": \"%s\", \"objective\": \"%s\", ",
                mbs_plan_planner_name(row->plan), objective_of(row));
        if (isfinite(row->weight_gb_s))
            fprintf(out, "\"weight_gb_s\": %s, ", field_number(row->weight_gb_s).text);
        put_figures(out, row);
    }
    fputs("\n  ]\n}\n", out);
    return fclose(out) == 0 ? text : (free(text), NULL);
}
