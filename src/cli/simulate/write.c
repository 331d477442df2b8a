/* What a simulation came to, as a table and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "output.h"
#include "simulate/simulate.h"
#include "table.h"

/* Steps that the table names. */
#define MOST_STEPS 8

static double per_cent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : 0;
}

/* "+1.20 %" of what is simulated above the estimate. */
static field_figure above(double time_s, double estimate_s)
{
    const field_figure figure = field_fixed(per_cent(time_s - estimate_s, estimate_s), 2, " %");
    field_figure result = figure;
    if (figure.text[0] != '-')
        snprintf(result.text, sizeof result.text, "+%.*s", (int)sizeof result.text - 2,
                 figure.text);
    return result;
}

static void put_head(const simulate_run *run, FILE *out)
{
    const mbs_simulation *s = &run->found;
    const mbs_hardware *hardware = &run->setup.hardware;
    put_safe(out, mbs_program_network_name(mbs_plan_program(run->plan)));
    fprintf(out, " · %" PRId64 " samples per core · %s buffer · ", mbs_plan_batch(run->plan),
            field_space(mbs_plan_buffer_bytes(run->plan)).text);
    put_safe(out, mbs_plan_planner_name(run->plan));
    fputs(" · on ", out);
    put_safe(out, hardware->name);
    if (hardware->slice_bytes > 0)
        fprintf(out, " · slices of %s", field_space(hardware->slice_bytes).text);
    else
        fputs(" · whole operands", out);
    fprintf(out, ", prefetch %s\n", mbs_prefetch_name(run->options.prefetch));
    fprintf(out, "%s ms per step, %s of the estimated ", field_fixed(1e3 * s->time_s, 3, "").text,
            above(s->time_s, s->estimate_s).text);
    fprintf(out, "%s ms\n\n", field_fixed(1e3 * s->estimate_s, 3, "").text);
}

static void put_parts(const simulate_run *run, page *onto)
{
    static const mbs_table_column columns[] = {{.head = {"", "of the time"}},
                                               {.head = {"", "ms"}, .right = 1},
                                               {.head = {"", "%"}, .right = 1}};
    enum { BOTH = 2 }; /* told where it happens */
    const mbs_simulation *s = &run->found;
    const struct {
        const char *name;
        double time_s;
    } parts[] = {{"the array computes", s->array_s},
                 {"the vector unit computes", s->vector_s},
                 {"both compute at once (in both of these)", s->both_s},
                 {"both wait for operands from DRAM", s->wait_load_s},
                 {"both wait for what had no room to come earlier", s->wait_room_s},
                 {"both wait for results to be stored", s->wait_store_s},
                 {"DRAM moves (beside all that)", s->dram_s}};
    table rows;
    table_start(&rows, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (i == BOTH && !(s->both_s > 0))
            continue;
        table_cell(&rows, "%s", parts[i].name);
        table_cell(&rows, "%s", field_fixed(1e3 * parts[i].time_s, 3, "").text);
        table_cell(&rows, "%s", field_fixed(per_cent(parts[i].time_s, s->time_s), 1, "").text);
    }
    table_put(&rows, onto);
}

static void put_figures(table *rows, const mbs_simulated_part *part)
{
    table_cell(rows, "%s", field_fixed(1e3 * part->time_s, 3, "").text);
    table_cell(rows, "%s", field_fixed(1e3 * part->wait_load_s, 3, "").text);
    table_cell(rows, "%s", field_fixed(1e3 * part->wait_room_s, 3, "").text);
    table_cell(rows, "%s", field_fixed(1e3 * part->wait_store_s, 3, "").text);
}

#define WAIT_COLUMNS                                                                               \
    {.head = {"", "ms"}, .right = 1}, {.head = {"wait for", "operands"}, .right = 1, .rank = 1},   \
        {.head = {"wait for", "room"}, .right = 1, .rank = 3},                                     \
    {                                                                                              \
        .head = {"wait for", "stores"}, .right = 1, .rank = 2                                      \
    }

static void put_groups(const simulate_run *run, page *onto)
{
    static const mbs_table_column columns[] = {{.head = {"", "group"}, .right = 1},
                                               {.head = {"", "steps"}},
                                               {.head = {"", "iterations"}, .right = 1, .rank = 4},
                                               WAIT_COLUMNS,
                                               {.head = {"", "estimate"}, .right = 1},
                                               {.head = {"", "above"}, .right = 1}};
    table rows;
    table_start(&rows, columns, sizeof columns / sizeof columns[0]);
    for (size_t g = 0; g < mbs_plan_group_count(run->plan); g++) {
        const mbs_simulated_part *part = &run->groups[g];
        mbs_group_info group;
        mbs_plan_group(run->plan, g, &group);
        table_cell(&rows, "%zu", g + 1);
        table_cell(&rows, "%zu..%zu", group.first, group.last);
        table_cell(&rows, "%" PRId64, group.iterations);
        put_figures(&rows, part);
        table_cell(&rows, "%s", field_fixed(1e3 * part->estimate_s, 3, "").text);
        table_cell(&rows, "%s", above(part->time_s, part->estimate_s).text);
    }
    table_put(&rows, onto);
}

static double waits(const mbs_simulated_part *part)
{
    return part->wait_load_s + part->wait_room_s + part->wait_store_s;
}

#define LEAST_SHOWN_S 5e-7 /* what the table rounds to nothing */

/* The steps that wait most, by insertion into so short a list. */
static size_t longest_waits(const simulate_run *run, size_t longest[MOST_STEPS])
{
    size_t count = 0;
    for (size_t k = 0; k < mbs_program_step_count(mbs_plan_program(run->plan)); k++) {
        size_t at = count;
        if (waits(&run->steps[k]) < LEAST_SHOWN_S)
            continue;
        while (at > 0 && waits(&run->steps[longest[at - 1]]) < waits(&run->steps[k]))
            at--;
        if (at == MOST_STEPS)
            continue;
        count += count < MOST_STEPS;
        memmove(longest + at + 1, longest + at, (count - at - 1) * sizeof *longest);
        longest[at] = k;
    }
    return count;
}

static void put_steps(const simulate_run *run, page *onto)
{
    static const mbs_table_column columns[] = {{.head = {"steps that", "wait most"}, .shortens = 1},
                                               WAIT_COLUMNS};
    size_t longest[MOST_STEPS];
    const size_t count = longest_waits(run, longest);
    table rows;
    if (count == 0)
        return;
    fputc('\n', onto->out);
    table_start(&rows, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < count; i++) {
        mbs_step_info step;
        mbs_program_step(mbs_plan_program(run->plan), longest[i], &step);
        table_cell(&rows, "%s", step.name);
        put_figures(&rows, &run->steps[longest[i]]);
    }
    table_put(&rows, onto);
}

static void put_json_waits(FILE *out, const mbs_simulated_part *part)
{
    fprintf(out, "\"time_s\": %s", field_number(part->time_s).text);
    put_json_member(out, "wait_load_s", part->wait_load_s);
    put_json_member(out, "wait_room_s", part->wait_room_s);
    put_json_member(out, "wait_store_s", part->wait_store_s);
    fputs("}", out);
}

static void put_document(const simulate_run *run, FILE *out)
{
    const mbs_simulation *s = &run->found;
    const mbs_simulated_part whole = {s->time_s, s->wait_load_s, s->wait_room_s, s->wait_store_s,
                                      0};
    fputs("{\"format\": \"mbsopt-simulation/1\", \"network\": ", out);
    put_json(out, mbs_program_network_name(mbs_plan_program(run->plan)));
    fputs(", \"hardware\": ", out);
    put_json(out, run->setup.hardware.name);
    fputs(", \"planner\": ", out);
    put_json(out, mbs_plan_planner_name(run->plan));
    fprintf(out,
            ", \"batch\": %" PRId64 ", \"buffer_bytes\": %" PRId64 ", \"slice_bytes\": %" PRId64
            ", \"prefetch\": \"%s\", \"executions\": %" PRId64 ", \"transfers\": %" PRId64,
            mbs_plan_batch(run->plan), mbs_plan_buffer_bytes(run->plan),
            run->setup.hardware.slice_bytes, mbs_prefetch_name(run->options.prefetch),
            s->executions, s->transfers);
    put_json_member(out, "estimate_s", s->estimate_s);
    put_json_member(out, "array_s", s->array_s);
    put_json_member(out, "vector_s", s->vector_s);
    put_json_member(out, "both_s", s->both_s);
    put_json_member(out, "dram_s", s->dram_s);
    put_json_member(out, "read_bytes", s->read_bytes);
    put_json_member(out, "write_bytes", s->write_bytes);
    fputs(",\n \"total\": {", out);
    put_json_waits(out, &whole);
    fputs(",\n \"groups\": [", out);
    for (size_t g = 0; g < mbs_plan_group_count(run->plan); g++) {
        fprintf(out, "%s\n  {\"group\": %zu", g > 0 ? "," : "", g);
        put_json_member(out, "estimate_s", run->groups[g].estimate_s);
        fputs(", ", out);
        put_json_waits(out, &run->groups[g]);
    }
    fputs("],\n \"steps\": [", out);
    for (size_t k = 0; k < mbs_program_step_count(mbs_plan_program(run->plan)); k++) {
        fprintf(out, "%s\n  {\"step\": %zu, ", k > 0 ? "," : "", k);
        put_json_waits(out, &run->steps[k]);
    }
    fputs("]}\n", out);
}

static void put_tables(const simulate_run *run, page *onto)
{
    put_head(run, onto->out);
    put_parts(run, onto);
    fputc('\n', onto->out);
    put_groups(run, onto);
    put_steps(run, onto);
}

char *simulate_text(const simulate_run *run)
{
    page onto;
    page_begin(&onto, run->json ? -1 : output_width(run->setup.output));
    if (onto.out != NULL && run->json)
        put_document(run, onto.out);
    else if (onto.out != NULL)
        put_tables(run, &onto);
    return page_text(&onto);
}
