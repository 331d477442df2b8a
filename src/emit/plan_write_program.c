/* The program in a plan file: tensors, steps, operands. */
#include <inttypes.h>

#include "emit/plan_writer.h"
#include "program/rows.h"

static void write_tensors(plan_writer *w)
{
    list_begin(w, "tensors");
    for (int32_t id = 0; id < w->program->tensor_count; id++) {
        const mbs_tensor *tensor = &w->program->tensors[id];
        list_entry(w);
        put_figure(w, "id", id);
        put_next_string(w, "name", tensor->name);
        put_next_figure(w, "bytes", tensor->bytes);
        if (w->program->has_shapes && tensor->elements > 0)
            put_next_figure(w, "elements", tensor->elements);
        if (w->version > 1)
            put_next_figure(w, "rows", tensor->rows);
        list_entry_end(w);
    }
    list_end(w);
}

static void operand_list(plan_writer *w, const char *key, int32_t begin, int32_t end)
{
    text_format(&w->out, ", \"%s\": [", key);
    for (int32_t t = begin; t < end; t++) {
        text_string(&w->out, t == begin ? "" : ", ");
        text_integer(&w->out, w->program->touches[t].tensor);
    }
    text_string(&w->out, "]");
}

static void pair_member(plan_writer *w, const char *key, const int64_t pair[2])
{
    text_format(&w->out, ", \"%s\": [%" PRId64 ", %" PRId64 "]", key, pair[0], pair[1]);
}

/* The sizes of a step's matrix product and convolution, if it has them. */
static void write_products(plan_writer *w, const mbs_step *step)
{
    const mbs_gemm *gemm = &step->gemm;
    const mbs_conv *conv = &step->conv;
    if (gemm->m == 0)
        return;
    text_string(&w->out, ", \"gemm\": {");
    put_figure(w, "m", gemm->m);
    put_next_figure(w, "k", gemm->k);
    put_next_figure(w, "n", gemm->n);
    put_next_figure(w, "groups", gemm->groups);
    put_next_string(w, "samples_in",
                    gemm->samples_in_groups ? "groups"
                    : gemm->samples_in_k    ? "k"
                                            : "m");
    text_string(&w->out, "}");
    if (conv->channels == 0)
        return;
    text_string(&w->out, ", \"conv\": {");
    put_figure(w, "channels", conv->channels);
    put_next_figure(w, "filters", conv->filters);
    pair_member(w, "output", conv->output);
    pair_member(w, "kernel", conv->kernel);
    pair_member(w, "stride", conv->stride);
    pair_member(w, "dilation", conv->dilation);
    text_string(&w->out, "}");
}

/* What a map needs besides its kind. */
static void write_map(plan_writer *w, const mbs_touch *read)
{
    const mbs_row_map *map = &w->program->maps[read->map];
    text_string(&w->out, "{");
    put_figure(w, "tensor", read->tensor);
    put_next_string(w, "kind", row_map_name(map->kind));
    if (map->kind == ROWS_WINDOW || map->kind == ROWS_TRANSPOSED) {
        put_next_figure(w, "window", map->window);
        put_next_figure(w, "stride", map->stride);
    }
    if (map->kind == ROWS_WINDOW || map->kind == ROWS_TRANSPOSED || map->kind == ROWS_SHIFTED)
        put_next_figure(w, "pad", map->pad);
    text_string(&w->out, "}");
}

static void write_rows(plan_writer *w, const mbs_step *step)
{
    bool any = false;
    put_next_figure(w, "rows", step->rows);
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        if (w->program->touches[t].map == ROW_MAP_SAME)
            continue;
        text_string(&w->out, any ? ", " : ", \"maps\": [");
        write_map(w, &w->program->touches[t]);
        any = true;
    }
    if (any)
        text_string(&w->out, "]");
}

/* Names of layers, if there are any. */
static void write_fused(plan_writer *w, const mbs_step *step)
{
    for (int32_t f = 0; f < step->fused_count; f++) {
        text_string(&w->out, f == 0 ? ", \"fused\": [" : ", ");
        text_json_string(&w->out, w->program->fused[step->fused_begin + f]);
    }
    if (step->fused_count > 0)
        text_string(&w->out, "]");
}

/* Pairs of tensors, if there are any: what the step adds its gradients to, and the sums. */
static void write_sums(plan_writer *w, const mbs_step *step)
{
    bool any = false;
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        const int32_t sum = w->program->touches[t].tensor;
        if (w->program->tensors[sum].running < 0)
            continue;
        text_string(&w->out, any ? ", {" : ", \"sums\": [{");
        put_figure(w, "running", w->program->tensors[sum].running);
        put_next_figure(w, "sum", sum);
        text_string(&w->out, "}");
        any = true;
    }
    if (any)
        text_string(&w->out, "]");
}

static void write_update(plan_writer *w, const weight_update *update)
{
    text_string(&w->out, ", \"update\": {");
    put_figure(w, "state_bytes", update->state_bytes);
    put_next_figure(w, "old_weight_bytes", update->old_bytes);
    put_next_figure(w, "new_weight_bytes", update->new_bytes);
    put_next_figure(w, "elements", update->elements);
    text_string(&w->out, "}");
}

static void write_steps(plan_writer *w)
{
    const bool reordered = program_is_reordered(w->program);
    list_begin(w, "steps");
    for (int32_t k = 0; k < w->program->step_count; k++) {
        const mbs_step *step = &w->program->steps[k];
        list_entry(w);
        put_figure(w, "id", k);
        put_next_string(w, "name", step->name);
        put_next_string(w, "phase", step->phase == MBS_FORWARD ? "forward" : "backward");
        put_next_string(w, "kind", step->kind);
        operand_list(w, "reads", step->touch_begin, step->write_begin);
        operand_list(w, "writes", step->write_begin, step->touch_end);
        put_next_figure(w, "weight_bytes", step->weight_bytes);
        put_next_figure(w, "accumulator_bytes", step->accumulator_bytes);
        if (step->weight_use.previous >= 0)
            put_next_figure(w, "same_weights", step->weight_use.previous);
        if (step->accumulator_use.previous >= 0)
            put_next_figure(w, "same_accumulators", step->accumulator_use.previous);
        if (reordered && step->given >= 0)
            put_next_figure(w, "given", step->given);
        if (step->update.is_update)
            write_update(w, &step->update);
        write_products(w, step);
        write_fused(w, step);
        write_sums(w, step);
        if (w->version > 1)
            write_rows(w, step);
        list_entry_end(w);
    }
    list_end(w);
}

void write_program(plan_writer *w)
{
    write_tensors(w);
    write_steps(w);
}
