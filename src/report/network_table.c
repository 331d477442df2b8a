/* A network's layers as a table for people. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "mbsopt/cost.h"
#include "mbsopt/report.h"
#include "program/program.h"
#include "report/figures.h"
#include "report/grid.h"
#include "report/wrap.h"

/* What the steps of one layer and phase need: nothing (no steps), I iterations, or passes. */
#define NEED_NOTHING 0
#define NEED_PASSES  INT64_MAX

typedef struct layer_need {
    int64_t iterations[2]; /* by phase; the largest over the layer's steps */
} layer_need;

/* What goes into one table. */
typedef struct table_source {
    const mbs_network *network;
    const mbs_program *program;
    const mbs_hardware *hardware;
    int64_t batch;
    layer_need *needs; /* per layer, then one for steps that belong to no layer */
    size_t layer_count;
    size_t steps_in_passes;
    size_t steps_in_phase[2];
} table_source;

static void collect_needs(table_source *from)
{
    const int64_t buffer = from->hardware->buffer_bytes - from->hardware->reserved_bytes;
    for (int32_t i = 0; i < from->program->step_count; i++) {
        const mbs_step *step = &from->program->steps[i];
        bool known = step->layer_id >= 0 && (size_t)step->layer_id < from->layer_count;
        layer_need *need = &from->needs[known ? (size_t)step->layer_id : from->layer_count];
        int64_t iterations = 0;
        from->steps_in_phase[step->phase]++;
        const mbs_status status = mbs_step_smallest_iterations(from->program, (size_t)i,
                                                               from->batch, buffer, &iterations);
        assert(status == MBS_OK);
        (void)status;
        if (iterations == 0) {
            from->steps_in_passes++;
            iterations = NEED_PASSES;
        }
        int64_t *largest = &need->iterations[step->phase];
        *largest = max_i64(*largest, iterations);
    }
}

static void add_columns(grid *table, bool training)
{
    const grid_column columns[] = {
        {.head = {"", "#"}, .gap = "", .right = true, .rank = 4},
        {.head = {"", "layer"}, .gap = "  ", .flexible = true},
        {.head = {"", "op"}, .gap = "  ", .rank = 2},
        {.head = {"", "output"}, .gap = "  ", .rank = 3},
        {.head = {"parame-", "ters"}, .gap = "  ", .right = true, .rank = 5},
        {.head = {"bytes per", "sample"}, .gap = "  ", .right = true},
        {.head = {"iterations", "forward"},
         .gap = "  ",
         .right = true,
         .rank = 1,
         .name = "iterations forward"},
        {.head = {"", "backward"},
         .gap = "  ",
         .right = true,
         .rank = 1,
         .name = "iterations backward"},
    };
    size_t count = sizeof columns / sizeof columns[0];
    for (size_t i = 0; i < (training ? count : count - 1); i++)
        grid_add_column(table, columns[i]);
}

static void put_need(grid *table, int64_t iterations)
{
    if (iterations == NEED_NOTHING)
        grid_cell(table, STYLE_DIM, "-");
    else if (iterations == NEED_PASSES)
        grid_cell(table, STYLE_SECOND, "passes");
    else
        grid_cell(table, STYLE_PLAIN, figure_integer(iterations).text);
}

static void put_shape(grid *table, text_style style, const mbs_shape *shape)
{
    char cell[MBS_MAX_RANK * 21 + 1];
    size_t used = 0;
    cell[0] = '\0';
    for (int i = 0; i < shape->rank && used < sizeof cell; i++)
        used += (size_t)snprintf(cell + used, sizeof cell - used, "%s%" PRId64, i > 0 ? "x" : "",
                                 shape->dim[i]);
    grid_cell(table, style, cell);
}

/* Bytes of an output per sample; the program's builder has checked that they fit 64 bits. */
static int64_t output_bytes(const table_source *from, const mbs_layer_info *layer)
{
    int64_t bits;
    if (!checked_mul(layer->elements, from->hardware->bits.activation, &bits))
        return INT64_MAX / 8;
    return ceil_div(bits, 8);
}

static void put_layer(grid *table, const table_source *from, size_t index)
{
    mbs_layer_info layer;
    if (mbs_network_layer(from->network, index, &layer) != MBS_OK)
        return;
    const text_style style = layer.is_view ? STYLE_DIM : STYLE_PLAIN;
    const layer_need *need = &from->needs[index];
    grid_cell(table, STYLE_DIM, figure_integer((int64_t)index + 1).text);
    grid_cell(table, style, layer.name);
    grid_cell(table, layer.is_view ? STYLE_DIM : STYLE_FIRST, layer.op);
    put_shape(table, style, &layer.shape);
    grid_cell(table, style,
              layer.shares != NULL   ? "shared"
              : layer.parameters > 0 ? figure_integer(layer.parameters).text
                                     : "-");
    if (layer.is_view) {
        grid_cell(table, STYLE_DIM, "view");
        grid_end_row(table);
        return;
    }
    grid_cell(table, style, figure_integer(output_bytes(from, &layer)).text);
    put_need(table, need->iterations[MBS_FORWARD]);
    if (!mbs_program_is_inference(from->program))
        put_need(table, need->iterations[MBS_BACKWARD]);
}

/* The loss, which is a step but no layer. */
static void put_loss(grid *table, const table_source *from)
{
    const layer_need *need = &from->needs[from->layer_count];
    int64_t iterations = max_i64(need->iterations[MBS_FORWARD], need->iterations[MBS_BACKWARD]);
    if (iterations == NEED_NOTHING)
        return;
    grid_cell(table, STYLE_PLAIN, "");
    grid_cell(table, STYLE_PLAIN, "loss");
    for (int blank = 0; blank < 5; blank++)
        grid_cell(table, STYLE_PLAIN, "");
    put_need(table, iterations);
}

/* Of one sample's forward steps; approximate above 2^53. */
static double forward_macs(const mbs_program *p)
{
    double macs = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_gemm *g = &p->steps[k].gemm;
        if (p->steps[k].phase == MBS_FORWARD)
            macs += (double)g->m * (double)g->k * (double)g->n * (double)g->groups;
    }
    return macs;
}

static void put_totals(text *out, const table_source *from)
{
    size_t views = 0;
    size_t fused = 0;
    int64_t activations = 0;
    for (size_t i = 0; i < from->layer_count; i++) {
        mbs_layer_info layer = {0};
        mbs_network_layer(from->network, i, &layer);
        fused += layer.fused_count;
        if (layer.is_view)
            views++;
        else if (!checked_add(activations, output_bytes(from, &layer), &activations))
            activations = INT64_MAX;
    }
    text_format(out, "\n%zu layer%s", from->layer_count, from->layer_count == 1 ? "" : "s");
    if (views > 0)
        text_format(out, " (%zu of them views)", views);
    if (fused > 0)
        text_format(out, ", with %zu more fused into them", fused);
    text_format(out, ", %" PRId64 " parameters, ", mbs_network_parameters(from->network));
    if (mbs_program_is_inference(from->program))
        text_format(out, "%zu steps\n", from->steps_in_phase[MBS_FORWARD]);
    else
        text_format(out, "%zu steps (%zu forward, %zu backward)\n",
                    from->steps_in_phase[MBS_FORWARD] + from->steps_in_phase[MBS_BACKWARD],
                    from->steps_in_phase[MBS_FORWARD], from->steps_in_phase[MBS_BACKWARD]);
    text_format(out, "%s of layer outputs per sample, %" PRId64 " bytes\n",
                figure_space(activations).text, activations);
    text_format(out, "%.0f multiply-accumulates per sample, forward\n",
                forward_macs(from->program));
    if (from->steps_in_passes > 0)
        text_format(out,
                    "%zu step%s with operands too large for the buffer at any sub-batch: "
                    "staged alone %s would run in passes\n",
                    from->steps_in_passes, from->steps_in_passes == 1 ? "" : "s",
                    from->steps_in_passes == 1 ? "it" : "they");
}

static void put_title(text *out, const table_source *from, bool color)
{
    text_begin_style(out, color, STYLE_BOLD);
    text_safe(out, mbs_network_name(from->network));
    text_end_style(out, color, STYLE_BOLD);
    text_format(out, " · %s · %" PRId64 " %s per core · %s buffer\n\n",
                mbs_program_is_inference(from->program) ? "inference" : "training", from->batch,
                from->batch == 1 ? "sample" : "samples",
                figure_exact_space(from->hardware->buffer_bytes).text);
}

mbs_status mbs_report_layers(char **result, const mbs_network *network, const mbs_program *program,
                             const mbs_hardware *hardware, int64_t batch,
                             const mbs_report_options *options, mbs_error *error)
{
    const bool color = options != NULL && options->color != 0;
    const int width = options != NULL ? options->width : 0;
    table_source from = {.network = network,
                         .program = program,
                         .hardware = hardware,
                         .batch = batch,
                         .layer_count = mbs_network_layer_count(network)};
    text out = TEXT_INIT;
    grid table;
    *result = NULL;
    if (batch < 1 || hardware->buffer_bytes <= hardware->reserved_bytes)
        return error_set(error, MBS_ERR_ARGUMENT,
                         "%" PRId64 " samples in a buffer of %" PRId64 " bytes, %" PRId64
                         " of them reserved: expected at least one of each for use",
                         batch, hardware->buffer_bytes, hardware->reserved_bytes);
    from.needs = mem_calloc(from.layer_count + 1, sizeof *from.needs);
    if (from.needs == NULL)
        return error_memory(error);
    collect_needs(&from);
    put_title(&out, &from, color);
    grid_start(&table, color);
    grid_fit_to(&table, width);
    add_columns(&table, !mbs_program_is_inference(program));
    for (size_t i = 0; i < from.layer_count; i++)
        put_layer(&table, &from, i);
    if (!mbs_program_is_inference(program))
        put_loss(&table, &from);
    grid_finish(&table, &out);
    put_totals(&out, &from);
    mem_free(from.needs);
    return report_finish(&out, width, result, error);
}

mbs_status mbs_report_network_table(char **result, const mbs_network *network,
                                    const mbs_program *program, const mbs_hardware *hardware,
                                    int64_t batch, int color, mbs_error *error)
{
    const mbs_report_options options = {.color = color};
    return mbs_report_layers(result, network, program, hardware, batch, &options, error);
}
