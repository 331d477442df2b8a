/* A page's data: plan files, the comparison's document and the sweep's rows, and what these lack.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "report/report.h"

/* ---- Steps ----------------------------------------------------------------------------------- */

/* What a step moves, by class, updates with gradients, and takes; a list, for there are many. */
static mbs_status put_step(FILE *out, const mbs_plan *plan, const mbs_hardware *hardware, size_t k)
{
    mbs_traffic traffic;
    mbs_cost cost;
    mbs_status status = mbs_plan_step_traffic(plan, k, &traffic);
    if (status == MBS_OK)
        status = mbs_plan_step_cost(plan, hardware, k, &cost);
    if (status != MBS_OK)
        return status;
    fprintf(out, "%s\n[%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, k > 0 ? "," : "",
            traffic.activation_read, traffic.activation_write, traffic.weight_read,
            traffic.weight_gradient + traffic.optimizer);
    const double costs[] = {cost.time_s, cost.compute_s, cost.dram_s, cost.energy_j};
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++)
        fprintf(out, ",%.5g", costs[i]);
    fputc(']', out);
    return MBS_OK;
}

/* The layer of each step, which plan files do not tell. */
static void put_layers(FILE *out, const mbs_program *program)
{
    mbs_step_info step;
    fputs(",\n\"layers\": [", out);
    for (size_t k = 0; mbs_program_step(program, k, &step) == MBS_OK; k++) {
        fputs(k > 0 ? "," : "", out);
        put_json(out, step.layer);
    }
    fputs("]", out);
}

static mbs_status put_steps(FILE *out, const mbs_plan *plan, const mbs_hardware *hardware)
{
    const size_t count = mbs_program_step_count(mbs_plan_program(plan));
    mbs_status status = MBS_OK;
    fputs(",\n\"steps\": [", out);
    for (size_t k = 0; k < count && status == MBS_OK; k++)
        status = put_step(out, plan, hardware, k);
    fputs("]", out);
    return status;
}

/* ---- The buffer ------------------------------------------------------------------------------ */

/* [content, first step, last step, offset, bytes, tensor or step] */
static void put_ranges(FILE *out, const report_network *of)
{
    fputs(",\n\"ranges\": [", out);
    for (size_t i = 0; i < of->range_count; i++) {
        const mbs_buffer_range *range = &of->ranges[i];
        fprintf(out, "%s\n[%d,%zu,%zu,%" PRId64 ",%" PRId64 ",%" PRId64 "]", i > 0 ? "," : "",
                (int)range->content, range->first, range->last, range->offset, range->bytes,
                range->tensor >= 0 ? range->tensor : range->step);
    }
    fputs("],\n\"placing\": ", out);
    put_json(out, of->placing);
}

/* ---- Traffic against time -------------------------------------------------------------------- */

static mbs_status put_front(FILE *out, const tradeoff_run *front)
{
    char *text = tradeoff_json(front);
    if (text == NULL)
        return MBS_ERR_MEMORY;
    fprintf(out, ",\n\"front\": %s", text);
    free(text);
    return MBS_OK;
}

/* ---- Networks -------------------------------------------------------------------------------- */

/* Of plan files and explanations what no part of the page shows: it is most of both. */
static const lean_member not_shown[] = {{"id", 0},
                                        {"elements", 0},
                                        {"rows", 0},
                                        {"maps", 0},
                                        {"reads", 0},
                                        {"weight_bytes", 0},
                                        {"gemm", 0},
                                        {"conv", 0},
                                        {"accumulator_bytes", 0},
                                        {"resident", 0},
                                        {"pinned", 0},
                                        {"classes", 0},
                                        {"peak", 0},
                                        {"with_group_before", 0},
                                        {"with_group_after", 0},
                                        {"cut", 0},
                                        {"limit", 0},
                                        {"movers", 10},
                                        {NULL, 0}};

static mbs_status put_network(FILE *out, const report *of, size_t n, mbs_error *error)
{
    const report_network *shown = &of->networks[n];
    const mbs_hardware *hardware = &of->setup.hardware;
    char *plan;
    mbs_status status = mbs_plan_to_json_with_cost(&plan, shown->plan, hardware, error);
    if (status != MBS_OK)
        return status;
    fprintf(out, "%s\n{\"plan\": ", n > 0 ? "," : "");
    status = lean_put(out, plan, not_shown);
    mbs_free(plan);
    fprintf(out, ",\n\"replaced_batch_norms\": %zu",
            mbs_program_replaced_batch_norms(mbs_plan_program(shown->plan)));
    if (status == MBS_OK)
        status = put_steps(out, shown->plan, hardware);
    put_layers(out, mbs_plan_program(shown->plan));
    put_ranges(out, shown);
    if (status == MBS_OK)
        status = put_front(out, &shown->front);
    fputs(",\n\"explanation\": ", out);
    if (status == MBS_OK)
        status = lean_put(out, shown->explanation, not_shown);
    fputs("}", out);
    return status;
}

/* ---- The document ---------------------------------------------------------------------------- */

static void put_hardware(FILE *out, const mbs_hardware *hardware)
{
    mbs_hardware_member_info member;
    fputs(",\n\"hardware\": {\"name\": ", out);
    put_json(out, hardware->name);
    for (size_t i = 0; mbs_hardware_member(hardware, i, &member) == MBS_OK; i++) {
        fputs(", ", out);
        put_json(out, member.name);
        fputs(": ", out);
        put_json(out, member.value);
    }
    fputs("}", out);
}

static mbs_status put_comparison(FILE *out, const comparison *with)
{
    char *text = compare_text(with, COMPARE_JSON);
    if (text == NULL)
        return MBS_ERR_MEMORY;
    fprintf(out, ",\n\"comparison\": %s", text);
    free(text);
    return MBS_OK;
}

/* Lines of JSON become a list. */
static void put_rows(FILE *out, const char *rows)
{
    fputs(",\n\"sweep\": [", out);
    for (; *rows != '\0'; rows++) {
        const bool ends_row = *rows == '\n' && rows[1] != '\0';
        fputs(ends_row ? ",\n" : (char[]){*rows, '\0'}, out);
    }
    fputs("]", out);
}

mbs_status report_put_data(FILE *out, const report *of, mbs_error *error)
{
    mbs_status status = MBS_OK;
    fprintf(out, "{\"format\": \"mbsopt-report/1\", \"made_by\": \"mbsopt %s\",\n\"networks\": [",
            mbs_version());
    for (size_t n = 0; n < of->sweep.network_count && status == MBS_OK; n++)
        status = put_network(out, of, n, error);
    fputs("]", out);
    put_hardware(out, &of->setup.hardware);
    if (status == MBS_OK)
        status = put_comparison(out, &of->comparison);
    put_rows(out, of->rows);
    fputs("}\n", out);
    return status;
}
