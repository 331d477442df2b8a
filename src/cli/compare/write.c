/* Comparisons as tables, CSV and JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "fields.h"
#include "search.h"
#include "table.h"

static double gap_of(const compare_row *row)
{
    const double total = (double)row->traffic.total;
    return row->bound_bytes > 0 && total > 0 ? (total - (double)row->bound_bytes) / total : 0;
}

static const char *phase_of(const comparison *of)
{
    return of->setup.inference ? "inference" : "training";
}

/* ---- Table ----------------------------------------------------------------------------------- */

typedef struct row_note {
    char text[96];
} row_note;

/* No bound of the given order is one of others. */
static row_note order_of(const compare_row *row)
{
    const double given = (double)row->given_bytes;
    const double share = (given - (double)row->traffic.total) / given;
    row_note note = {"order given"};
    if (share > 0)
        snprintf(note.text, sizeof note.text, "order -%.2f %%", 100 * share);
    return note;
}

/* What ilp has proven, which is about traffic whatever dp minimises. */
static row_note proof_of(const compare_row *row, mbs_objective objective)
{
    row_note note = {""};
    if (row->given_bytes > 0)
        return order_of(row);
    const char *kind = objective == MBS_TRAFFIC ? "" : "traffic ";
    if (row->planner != MBS_PLANNER_ILP && row->planner != MBS_PLANNER_BEST)
        return note;
    if (row->outcome == MBS_HEURISTIC && row->bound_bytes == 0)
        return note; /* what is recomputed was chosen, and the time did not suffice for a bound */
    if (row->outcome == MBS_OPTIMAL)
        snprintf(note.text, sizeof note.text, "%sproven optimal", kind);
    else if (gap_of(row) < 0.0001)
        snprintf(note.text, sizeof note.text, "%sgap under 0.01 %%", kind);
    else
        snprintf(note.text, sizeof note.text, "%sgap %.2f %%", kind, 100 * gap_of(row));
    return note;
}

/* Also what recomputing costs. */
static row_note note_of(const compare_row *row, mbs_objective objective)
{
    row_note note = proof_of(row, objective);
    const size_t length = strlen(note.text);
    if (row->recomputes)
        snprintf(note.text + length, sizeof note.text - length, "%s%.1f %% more MACs",
                 length > 0 ? ", " : "", row->extra_macs);
    return note;
}

static void put_row(table *rows, const compare_row *row, const field_scale units[4], row_note note)
{
    const field_figure figures[] = {
        field_fixed((double)row->traffic.total / units[0].factor, 3, ""),
        field_fixed(100 * (1 - row->traffic_ratio), 1, ""),
        field_fixed(row->cost.time_s / units[1].factor, 2, ""),
        field_fixed(row->speedup, 2, ""),
        field_fixed(row->cost.energy_j / units[2].factor, 3, ""),
        field_fixed(100 * (1 - row->energy_ratio), 1, ""),
        field_fixed(100 * row->utilisation, 1, ""),
        field_fixed((double)row->dram_peak.bytes / units[3].factor, 3, ""),
    };
    table_cell(rows, "%s", row->name);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        table_cell(rows, "%s", figures[i].text);
    table_cell(rows, "%s", note.text);
}

static void put_rows(page *out, const comparison *of, const compare_network *network,
                     const field_scale units[4])
{
    const mbs_table_column columns[] = {
        {{"", "planner"}, 0, 1, 0, NULL},
        {{"traffic", units[0].name}, 1, 0, 1, NULL},
        {{"less", "%"}, 1, 0, 0, NULL},
        {{"time", units[1].name}, 1, 0, 2, NULL},
        {{"speed-", "up"}, 1, 0, 3, "speedup"},
        {{"energy", units[2].name}, 1, 0, 4, NULL},
        {{"less", "%"}, 1, 0, 4, "less energy"},
        {{"util.", "%"}, 1, 0, 7, "utilisation"},
        {{"DRAM", units[3].name}, 1, 0, 8, "DRAM"},
        {{"", ""}, 0, 1, 6, "what is proven"},
    };
    table rows;
    table_start(&rows, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < of->planners.count; i++)
        put_row(&rows, &network->rows[i], units, note_of(&network->rows[i], of->options.objective));
    table_put(&rows, out);
}

/* Means have no units and no notes. */
static void put_means(page *out, const comparison *of)
{
    static const mbs_table_column columns[] = {
        {{"", "planner"}, 0, 1, 0, NULL},         {{"traffic", "less %"}, 1, 0, 0, NULL},
        {{"speed-", "up"}, 1, 0, 1, "speedup"},   {{"energy", "less %"}, 1, 0, 2, NULL},
        {{"util.", "%"}, 1, 0, 3, "utilisation"},
    };
    table rows;
    table_start(&rows, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < of->planners.count; i++) {
        const compare_row *mean = &of->means[i];
        table_cell(&rows, "%s", mean->name);
        table_cell(&rows, "%s", field_fixed(100 * (1 - mean->traffic_ratio), 1, "").text);
        table_cell(&rows, "%s", field_fixed(mean->speedup, 2, "").text);
        table_cell(&rows, "%s", field_fixed(100 * (1 - mean->energy_ratio), 1, "").text);
        table_cell(&rows, "%s", field_fixed(100 * mean->utilisation, 1, "").text);
    }
    table_put(&rows, out);
}

static void put_table(page *out, const comparison *of, const compare_network *network)
{
    double largest[4] = {0};
    for (size_t i = 0; i < of->planners.count; i++) {
        const compare_row *row = &network->rows[i];
        const double figures[4] = {(double)row->traffic.total, row->cost.time_s, row->cost.energy_j,
                                   (double)row->dram_peak.bytes};
        for (size_t f = 0; f < 4; f++)
            largest[f] = figures[f] > largest[f] ? figures[f] : largest[f];
    }
    const field_scale units[4] = {field_scale_bytes(largest[0]), field_scale_seconds(largest[1]),
                                  field_scale_joules(largest[2]), field_scale_bytes(largest[3])};
    put_safe(out->out, network->name);
    fprintf(out->out, " · %s · %" PRId64 " %s per core · %s buffer · ", phase_of(of),
            of->setup.batch, of->setup.batch == 1 ? "sample" : "samples",
            field_space(of->setup.hardware.buffer_bytes).text);
    put_safe(out->out, of->setup.hardware.name);
    fprintf(out->out, "\n\n");
    put_rows(out, of, network, units);
    fputc('\n', out->out);
}

static void put_tables(page *out, const comparison *of)
{
    for (size_t n = 0; n < of->network_count; n++)
        put_table(out, of, &of->networks[n]);
    if (of->network_count > 1) {
        fprintf(out->out, "geometric means over the %zu networks\n\n", of->network_count);
        put_means(out, of);
        fputc('\n', out->out);
    }
    fprintf(out->out, "Per training step and core; less, speedup: than baseline.\n"
                      "DRAM: the most that must be in it at a time.\n");
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* Energy by what takes it; nothing in the row of a mean. */
static void put_csv_parts(FILE *out, const mbs_cost *cost)
{
    const mbs_cost none = {0};
    const mbs_cost *of = cost != NULL ? cost : &none;
    const double parts[] = {of->dram_j, of->buffer_j, of->mac_j, of->vector_j, of->static_j};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        fprintf(out, ",%s", cost != NULL ? field_number(parts[i]).text : "");
}

static void put_csv_row(FILE *out, const compare_row *row, const char *network)
{
    put_csv(out, network != NULL ? network : "(geometric mean)");
    fprintf(out, ",%s,", row->name);
    if (network != NULL)
        fprintf(out, "%s,%" PRId64 ",", mbs_outcome_name(row->outcome), row->traffic.total);
    else
        fprintf(out, ",,");
    if (row->bound_bytes > 0)
        fprintf(out, "%" PRId64, row->bound_bytes);
    fprintf(out, ",%s,", field_number(row->traffic_ratio).text);
    if (network != NULL)
        fprintf(out, "%s", field_number(row->cost.time_s).text);
    fprintf(out, ",%s,", field_number(row->speedup).text);
    if (network != NULL)
        fprintf(out, "%s", field_number(row->cost.energy_j).text);
    fprintf(out, ",%s", field_number(row->energy_ratio).text);
    fprintf(out, ",%s", field_number(row->utilisation).text);
    put_csv_parts(out, network != NULL ? &row->cost : NULL);
    if (network != NULL)
        fprintf(out, ",%s,%" PRId64 "\n", field_number(row->extra_macs).text, row->dram_peak.bytes);
    else
        fprintf(out, ",,\n");
}

static void put_csv_rows(FILE *out, const comparison *of)
{
    fprintf(out, "network,planner,outcome,total_bytes,bound_bytes,traffic_ratio,time_s,speedup,"
                 "energy_j,energy_ratio,utilisation,dram_j,buffer_j,mac_j,vector_j,static_j,extra_"
                 "macs_percent,dram_peak_bytes\n");
    for (size_t n = 0; n < of->network_count; n++)
        for (size_t i = 0; i < of->planners.count; i++)
            put_csv_row(out, &of->networks[n].rows[i], of->networks[n].name);
    for (size_t i = 0; i < of->planners.count && of->network_count > 1; i++)
        put_csv_row(out, &of->means[i], NULL);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put_energy_parts(FILE *out, const mbs_cost *cost)
{
    fprintf(out, ", \"energy_parts_j\": {\"dram\": %s", field_number(cost->dram_j).text);
    put_json_member(out, "buffer", cost->buffer_j);
    put_json_member(out, "mac", cost->mac_j);
    put_json_member(out, "vector", cost->vector_j);
    put_json_member(out, "static", cost->static_j);
    fprintf(out, "}");
}

static void put_ratios(FILE *out, const compare_row *row)
{
    put_json_member(out, "traffic_ratio", row->traffic_ratio);
    put_json_member(out, "speedup", row->speedup);
    put_json_member(out, "energy_ratio", row->energy_ratio);
    put_json_member(out, "utilisation", row->utilisation);
    fprintf(out, "}");
}

static void put_json_row(FILE *out, const compare_row *row)
{
    const mbs_traffic *traffic = &row->traffic;
    fprintf(out, "{\"planner\": \"%s\", \"outcome\": \"%s\"", row->name,
            mbs_outcome_name(row->outcome));
    char optimizer[64] = "";
    if (traffic->optimizer > 0)
        snprintf(optimizer, sizeof optimizer, ", \"optimizer\": %" PRId64, traffic->optimizer);
    fprintf(out,
            ", \"traffic_bytes\": {\"activation_read\": %" PRId64 ", \"activation_write\": %" PRId64
            ", \"weight_read\": %" PRId64 ", \"weight_gradient\": %" PRId64
            "%s, \"total\": %" PRId64 "}",
            traffic->activation_read, traffic->activation_write, traffic->weight_read,
            traffic->weight_gradient, optimizer, traffic->total);
    if (row->bound_bytes > 0)
        fprintf(out, ", \"bound_bytes\": %" PRId64, row->bound_bytes);
    put_json_member(out, "time_s", row->cost.time_s);
    put_json_member(out, "energy_j", row->cost.energy_j);
    put_energy_parts(out, &row->cost);
    put_json_member(out, "extra_macs_percent", row->extra_macs);
    fprintf(out, ", \"dram_peak_bytes\": %" PRId64, row->dram_peak.bytes);
    put_ratios(out, row);
}

static void put_document(FILE *out, const comparison *of)
{
    fprintf(out, "{\n  \"format\": \"mbsopt-comparison/1\",\n  \"hardware\": ");
    put_json(out, of->setup.hardware.name);
    fprintf(out, ",\n  \"buffer_bytes\": %" PRId64 ",\n  \"batch\": %" PRId64,
            of->setup.hardware.buffer_bytes, of->setup.batch);
    fprintf(out, ",\n  \"phase\": \"%s\",\n  \"objective\": \"%s\",\n  \"networks\": [",
            phase_of(of), objective_name(of->options.objective));
    for (size_t n = 0; n < of->network_count; n++) {
        fprintf(out, "%s\n    {\"network\": ", n > 0 ? "," : "");
        put_json(out, of->networks[n].name);
        fprintf(out, ", \"plans\": [");
        for (size_t i = 0; i < of->planners.count; i++) {
            fprintf(out, "%s\n      ", i > 0 ? "," : "");
            put_json_row(out, &of->networks[n].rows[i]);
        }
        fprintf(out, "\n    ]}");
    }
    fprintf(out, "\n  ],\n  \"geometric_means\": [");
    for (size_t i = 0; i < of->planners.count; i++) {
        fprintf(out, "%s\n    {\"planner\": \"%s\"", i > 0 ? "," : "", of->means[i].name);
        put_ratios(out, &of->means[i]);
    }
    fprintf(out, "\n  ]\n}\n");
}

char *compare_text(const comparison *of, compare_format format)
{
    page out;
    page_begin(&out, format == COMPARE_TABLE ? output_width(of->setup.output) : -1);
    if (out.out != NULL && format == COMPARE_CSV)
        put_csv_rows(out.out, of);
    else if (out.out != NULL && format == COMPARE_JSON)
        put_document(out.out, of);
    else if (out.out != NULL)
        put_tables(&out, of);
    return page_text(&out);
}
