/* The compute command (docs/schedule.md). */
#include "emit/schedule_writer.h"

#include <inttypes.h>

#include "base/checked.h"

/* A product of sizes from a plan file; one that overflows becomes a figure that is refused. */
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return checked_mul(a, b, &product) ? product : INT64_MAX;
}

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    return checked_add(a, b, &sum) ? sum : INT64_MAX;
}

/* An offset as an element of a list. */
static void list_offset(schedule_writer *w, int64_t offset)
{
    if (offset < 0)
        text_string(w->text, "null");
    else
        text_integer(w->text, offset);
}

void schedule_begin_operand(schedule_writer *w, int64_t tensor, int64_t offset, int64_t bytes)
{
    text_string(w->text, "[");
    text_integer(w->text, tensor);
    text_string(w->text, ",");
    list_offset(w, offset);
    text_string(w->text, ",");
    text_integer(w->text, bytes);
}

/* `[tensor, offset, bytes in the buffer]` of each operand. */
static void write_operands(schedule_writer *w, const char *key, int32_t begin, int32_t end)
{
    bool any = false;
    text_format(w->text, ",\"%s\":[", key);
    for (int32_t t = begin; t < end; t++) {
        if (!schedule_moves(w, t))
            continue;
        text_string(w->text, any ? "," : "");
        schedule_begin_operand(w, w->program->touches[t].tensor, w->layout->touch[t],
                               w->layout->bytes[t]);
        text_string(w->text, "]");
        any = true;
    }
    text_string(w->text, "]");
}

/* `[offset, bytes]` of the pinned part and then of the rest. */
static void write_parameters(schedule_writer *w, const char *key, int64_t bytes, int64_t pinned,
                             int64_t pinned_offset, int64_t offset)
{
    if (bytes == 0)
        return;
    text_format(w->text, ",\"%s\":[", key);
    if (pinned > 0) {
        text_string(w->text, "[");
        text_integer(w->text, pinned_offset);
        text_string(w->text, ",");
        text_integer(w->text, pinned);
        text_string(w->text, pinned < bytes ? "]," : "]");
    }
    if (pinned < bytes) {
        text_string(w->text, "[");
        list_offset(w, offset);
        text_string(w->text, ",");
        text_integer(w->text, bytes - pinned);
        text_string(w->text, "]");
    }
    text_string(w->text, "]");
}

void schedule_product(schedule_writer *w, const char *key, const mbs_gemm *gemm, int64_t samples)
{
    text_format(w->text, ",\"%s\":{", key);
    const bool in_m = !gemm->samples_in_k && !gemm->samples_in_groups;
    schedule_first_figure(w, "groups", times(gemm->groups, gemm->samples_in_groups ? samples : 1));
    schedule_figure(w, "m", times(gemm->m, in_m ? samples : 1));
    schedule_figure(w, "k", times(gemm->k, gemm->samples_in_k ? samples : 1));
    schedule_figure(w, "n", gemm->n);
    text_string(w->text, "}");
}

int64_t schedule_elements(const schedule_writer *w, int32_t k)
{
    const mbs_step *step = &w->program->steps[k];
    int64_t elements = 0;
    for (int32_t t = step->touch_begin; t < step->touch_end; t++)
        elements = plus(elements, times(w->program->tensors[w->program->touches[t].tensor].elements,
                                        t < step->write_begin ? w->group->passes : 1));
    return elements;
}

static void write_work(schedule_writer *w, int32_t k)
{
    const mbs_step *step = &w->program->steps[k];
    if (!w->program->has_shapes)
        return;
    if (step->gemm.m == 0) {
        schedule_figure(w, "elements", times(w->group->sub_batch, schedule_elements(w, k)));
        return;
    }
    schedule_product(w, "gemm", &step->gemm, w->group->sub_batch);
    if (w->last_samples != w->group->sub_batch)
        schedule_product(w, "gemm_last", &step->gemm, w->last_samples);
}

/* `[running, sum]` of each gradient to which the step adds. */
static void write_sums(schedule_writer *w, const mbs_step *step)
{
    bool any = false;
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        const int32_t sum = w->program->touches[t].tensor;
        const int32_t running = w->program->tensors[sum].running;
        if (running < 0)
            continue;
        text_format(w->text, "%s[%" PRId32 ",%" PRId32 "]", any ? "," : ",\"sums\":[", running,
                    sum);
        any = true;
    }
    if (any)
        text_string(w->text, "]");
}

void schedule_begin_compute(schedule_writer *w, int32_t k)
{
    const mbs_step *step = &w->program->steps[k];
    schedule_begin(w, "compute", k);
    schedule_string(w, "name", step->name);
    schedule_string(w, "kind", step->kind);
    for (int32_t f = 0; f < step->fused_count; f++) {
        text_string(w->text, f == 0 ? ",\"fused\":[" : ",");
        text_json_string(w->text, w->program->fused[step->fused_begin + f]);
    }
    if (step->fused_count > 0)
        text_string(w->text, "]");
    write_sums(w, step);
}

void schedule_parameter_parts(schedule_writer *w, int32_t k)
{
    const mbs_step *step = &w->program->steps[k];
    write_parameters(w, "weights", step->weight_bytes, w->plan->pinned_weight[k],
                     w->layout->pinned_weight[k], w->layout->weight[k]);
    write_parameters(w, "accumulators", step->accumulator_bytes, w->plan->pinned_accumulator[k],
                     w->layout->pinned_accumulator[k], w->layout->accumulator[k]);
}

/* `,"KEY":{"address":A,"bytes":B}`; nothing of no bytes. */
static void write_place(schedule_writer *w, const char *key, int64_t address, int64_t bytes)
{
    if (bytes == 0)
        return;
    text_format(w->text, ",\"%s\":{", key);
    schedule_first_figure(w, "address", address);
    schedule_figure(w, "bytes", bytes);
    text_string(w->text, "}");
}

bool schedule_update_of(schedule_writer *w, int32_t k)
{
    const mbs_step *step = &w->program->steps[k];
    const int32_t adds = k - 1;
    schedule_begin(w, "update", k);
    schedule_string(w, "name", step->name);
    schedule_string(w, "kind", step->kind);
    schedule_string(w, "when", "last");
    if (k > w->group->first)
        write_parameters(w, "accumulators", w->program->steps[adds].accumulator_bytes,
                         w->plan->pinned_accumulator[adds], w->layout->pinned_accumulator[adds],
                         w->layout->accumulator[adds]);
    else
        write_place(w, "gradient", w->dram->accumulators[adds],
                    program_gradient_bytes(w->program, k));
    write_place(w, "state", w->dram->state[k], step->update.state_bytes);
    write_place(w, "weights", w->dram->weights[k], step->update.old_bytes);
    write_place(w, "new_weights", w->dram->new_weights[k], step->update.new_bytes);
    if (w->program->has_shapes)
        schedule_figure(w, "elements", step->update.elements);
    return schedule_end(w);
}

void schedule_in_place(schedule_writer *w, int32_t k)
{
    const int32_t over = w->plan->over[k];
    if (over >= 0 && w->layout->bytes[over] > 0)
        schedule_figure(w, "in_place", w->program->touches[over].tensor);
}

bool schedule_write_compute(schedule_writer *w, int32_t k)
{
    const mbs_step *step = &w->program->steps[k];
    schedule_begin_compute(w, k);
    schedule_figure(w, "samples", w->group->sub_batch);
    write_operands(w, "reads", step->touch_begin, step->write_begin);
    write_operands(w, "writes", step->write_begin, step->touch_end);
    schedule_in_place(w, k);
    schedule_parameter_parts(w, k);
    write_work(w, k);
    return schedule_end(w);
}
