/* Advice as tables. */
#include <inttypes.h>
#include <stdlib.h>

#include "advise/advise.h"
#include "fields.h"
#include "search.h"
#include "table.h"

/* Machines side by side in one table. */
#define MACHINES_ABREAST 4

#define COLUMNS_OF_TRAFFIC 3
#define COLUMNS_OF_MACHINE 2

/* One network at one mini-batch. */
typedef struct block {
    const advise_run *of;
    const advice *found;
    size_t network;
    size_t batch;
    size_t first_machine; /* of those in the table */
    size_t end_machine;
} block;

static const compare_row *row_of(const block *b, size_t buffer, size_t machine)
{
    return advise_row(b->of, b->network, b->batch, buffer, machine, 1);
}

static void put_title(FILE *out, const block *b)
{
    const sweep *all = &b->of->sweep;
    const int64_t batch = all->batches.values[b->batch];
    put_safe(out, mbs_network_name(all->networks[b->network].network));
    fprintf(out, " · %s · %" PRId64 " %s per core · %s", all->inference ? "inference" : "training",
            batch, batch == 1 ? "sample" : "samples", mbs_planner_name(all->planners.values[1]));
    if (all->objective != MBS_TRAFFIC)
        fprintf(out, " for %s", objective_name(all->objective));
    fprintf(out, "\n\n");
}

/* The largest time or energy of the table, for its unit. */
static double largest_of(const block *b, bool energy)
{
    double largest = 0;
    for (size_t i = 0; i < b->of->sweep.buffers.count; i++)
        for (size_t m = b->first_machine; m < b->end_machine; m++) {
            const mbs_cost *cost = &row_of(b, i, m)->cost;
            const double value = energy ? cost->energy_j : cost->time_s;
            largest = value > largest ? value : largest;
        }
    return largest;
}

static double largest_traffic(const block *b)
{
    int64_t largest = 0;
    for (size_t i = 0; i < b->of->sweep.buffers.count; i++) {
        const int64_t total = row_of(b, i, 0)->traffic.total;
        largest = total > largest ? total : largest;
    }
    return (double)largest;
}

static void put_traffic_cells(table *rows, const block *b, size_t buffer, field_scale unit)
{
    const compare_row *row = row_of(b, buffer, b->first_machine);
    table_cell(rows, "%s%s", b->found->traffic_knee == buffer ? "*" : "",
               field_fixed((double)row->traffic.total / unit.factor, 3, "").text);
    table_cell(rows, "%s", field_fixed(100 * (1 - row->traffic_ratio), 1, "").text);
}

/* So many decimals that the largest figure has some four digits. */
static int decimals_of(double largest)
{
    return largest >= 1000 ? 0 : largest >= 100 ? 1 : 2;
}

/* Time and how much faster, or energy and how much less, than baseline. */
static void put_machine_cells(table *rows, const block *b, size_t buffer, size_t machine,
                              field_scale unit, bool energy)
{
    const compare_row *row = row_of(b, buffer, machine);
    if (energy) {
        table_cell(rows, "%s", field_fixed(row->cost.energy_j / unit.factor, 3, "").text);
        table_cell(rows, "%s", field_fixed(100 * (1 - row->energy_ratio), 1, "").text);
        return;
    }
    table_cell(rows, "%s%s", b->found->time_knee[machine] == buffer ? "*" : "",
               field_fixed(row->cost.time_s / unit.factor,
                           decimals_of(largest_of(b, false) / unit.factor), "")
                   .text);
    table_cell(rows, "%s", field_fixed(row->speedup, 2, "").text);
}

static void put_table(page *out, const block *b, bool energy)
{
    const sweep *all = &b->of->sweep;
    const size_t machines = b->end_machine - b->first_machine;
    const field_scale traffic = field_scale_bytes(largest_traffic(b));
    const field_scale unit = energy ? field_scale_joules(largest_of(b, true))
                                    : field_scale_seconds(largest_of(b, false));
    mbs_table_column columns[COLUMNS_OF_TRAFFIC + COLUMNS_OF_MACHINE * MACHINES_ABREAST] = {
        {{"", "buffer"}, 1, 0, 0, NULL}};
    size_t count = 1;
    if (!energy) {
        columns[count++] = (mbs_table_column){{"traffic", traffic.name}, 1, 0, 0, NULL};
        columns[count++] = (mbs_table_column){{"less", "%"}, 1, 0, 1, "less traffic"};
    }
    for (size_t m = 0; m < machines; m++) {
        const char *name = advise_machine_name(b->of, b->first_machine + m);
        columns[count++] = (mbs_table_column){{name, unit.name}, 1, 0, 0, NULL};
        columns[count++] = (mbs_table_column){
            {"", energy ? "%" : "x"}, 1, 0, 2, energy ? "less energy" : "times as fast"};
    }
    table rows;
    table_start(&rows, columns, count);
    for (size_t i = 0; i < all->buffers.count; i++) {
        table_cell(&rows, "%s", field_space(all->buffers.values[i]).text);
        if (!energy)
            put_traffic_cells(&rows, b, i, traffic);
        for (size_t m = 0; m < machines; m++)
            put_machine_cells(&rows, b, i, b->first_machine + m, unit, energy);
    }
    table_put(&rows, out);
    if (out->out != NULL)
        fputc('\n', out->out);
}

static void put_tables(page *out, block *b)
{
    const size_t machines = b->of->sweep.machine_count;
    for (int energy = 0; energy < 2; energy++) {
        for (size_t m = 0; m < machines && out->out != NULL; m = b->end_machine) {
            b->first_machine = m;
            b->end_machine = machines - m > MACHINES_ABREAST ? m + MACHINES_ABREAST : machines;
            if (m == 0)
                fputs(energy ? "Energy, and how much less (%) than baseline's\n"
                             : "Traffic, and how much less than baseline's; time, and how many "
                               "times (x) as fast\n",
                      out->out);
            put_table(out, b, energy != 0);
        }
    }
}

static bool has_knee(const advise_run *of, const advice *found)
{
    bool any = found->traffic_knee != ADVISE_NONE;
    for (size_t m = 0; m < of->sweep.machine_count; m++)
        any |= found->time_knee[m] != ADVISE_NONE;
    return any;
}

/* False if memory is out; *knees becomes true if there is one. */
static bool put_block(page *out, bool *knees, const advise_run *of, size_t network, size_t batch)
{
    advice found;
    block b = {of, &found, network, batch, 0, 0};
    const bool known = advise_find(&found, of, network, batch);
    if (known && out->out != NULL) {
        put_title(out->out, &b);
        put_tables(out, &b);
    }
    if (known && out->out != NULL) {
        fprintf(out->out, "Advice: ");
        advise_put_sentence(out->out, of, &found, network, batch);
        fputs("\n", out->out);
        advise_put_memories(out->out, of, &found, network, batch);
        fputs("\n", out->out);
        *knees |= has_knee(of, &found);
    }
    advise_free(&found);
    return known;
}

static bool put_blocks(page *out, const advise_run *of)
{
    const sweep *all = &of->sweep;
    bool knees = false;
    for (size_t n = 0; n < all->network_count; n++)
        for (size_t i = 0; i < all->batches.count; i++)
            if (!put_block(out, &knees, of, n, i))
                return false;
    if (out->out != NULL)
        fprintf(out->out,
                "%sA memory is enough where it takes at most %d %% "
                "longer than the fastest, with all larger buffers too. Advised is the knee of "
                "traffic (without one, the smallest buffer within %d %% of the least), but where "
                "that is slower than baseline or than a smaller buffer, the smallest within %d %% "
                "of the least time; with the memory of the least bandwidth that is enough.\n",
                knees ? "* the knee: farthest below the straight line from the smallest to the "
                        "largest buffer, on a logarithmic scale. "
                      : "",
                ADVISE_WITHIN_PERCENT, ADVISE_WITHIN_PERCENT, ADVISE_WITHIN_PERCENT);
    return true;
}

char *advise_text(const advise_run *of, advise_format format, int width)
{
    page out;
    bool good = true;
    page_begin(&out, format == ADVISE_TABLE ? width : -1);
    if (out.out != NULL && format == ADVISE_CSV)
        good = advise_put_rows(out.out, of);
    else if (out.out != NULL && format == ADVISE_JSON)
        good = advise_put_document(out.out, of);
    else if (out.out != NULL)
        good = put_blocks(&out, of);
    char *text = page_text(&out);
    if (good)
        return text;
    free(text);
    return NULL;
}
