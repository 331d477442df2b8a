/* Writing `mbsopt-plan/1` (model, section 9). One thing a line, so that plans can be compared. */
#include "mbsopt/emit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "cost/schedule.h"
#include "mbsopt/cost.h"

typedef struct writer {
    const mbs_plan *plan;
    const mbs_program *program;
    const mbs_hardware *hardware; /* costs are written for it; or null */
    text out;
    mbs_error *error;
    mbs_status status;
    bool first; /* in the list at hand, nothing is written yet */
} writer;

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* `, "key": value`; the first of an object comes with its own beginning. */
static void member(writer *w, const char *key, int64_t value)
{
    if (w->status == MBS_OK && (value > JSON_MAX_INTEGER || value < -JSON_MAX_INTEGER))
        w->status = error_set(w->error, MBS_ERR_INPUT,
                              "plan of %s: %s is %" PRId64
                              ", but many JSON readers round figures beyond %" PRId64,
                              quoted(w->program->network_name).text, key, value, JSON_MAX_INTEGER);
    text_format(&w->out, "\"%s\": ", key);
    text_integer(&w->out, value);
}

static void next_member(writer *w, const char *key, int64_t value)
{
    text_string(&w->out, ", ");
    member(w, key, value);
}

/* The separator and `"key": value` with twelve digits, which tell all that an estimate can. */
static void next_real(writer *w, const char *separator, const char *key, double value)
{
    char digits[REAL_BYTES];
    real_digits(digits, sizeof digits, value, 12);
    text_format(&w->out, "%s\"%s\": %s", separator, key, digits);
}

static void write_cost(writer *w, const char *separator, const mbs_cost *cost)
{
    next_real(w, separator, "time_s", cost->time_s);
    next_real(w, separator, "energy_j", cost->energy_j);
    next_real(w, separator, "utilisation", cost->utilisation);
    text_format(&w->out, "%s\"energy_parts_j\": ", separator);
    next_real(w, "{", "dram", cost->dram_j);
    next_real(w, ", ", "buffer", cost->buffer_j);
    next_real(w, ", ", "mac", cost->mac_j);
    next_real(w, ", ", "vector", cost->vector_j);
    next_real(w, ", ", "static", cost->static_j);
    text_string(&w->out, "}");
}

static void header_figure(writer *w, const char *key, int64_t value)
{
    text_string(&w->out, ",\n  ");
    member(w, key, value);
}

static void header_string(writer *w, const char *key, const char *value)
{
    text_format(&w->out, ",\n  \"%s\": ", key);
    text_json_string(&w->out, value);
}

static void string_member(writer *w, const char *key, const char *value)
{
    text_format(&w->out, ", \"%s\": ", key);
    text_json_string(&w->out, value);
}

static void begin_list(writer *w, const char *key)
{
    text_format(&w->out, ",\n  \"%s\": [", key);
    w->first = true;
}

/* Begins an entry's line. */
static void begin_entry(writer *w)
{
    text_string(&w->out, w->first ? "\n    {" : ",\n    {");
    w->first = false;
}

static void end_entry(writer *w)
{
    text_string(&w->out, "}");
}

static void end_list(writer *w)
{
    text_string(&w->out, w->first ? "]" : "\n  ]");
}

/* ---- The document ---------------------------------------------------------------------------- */

static void write_header(writer *w)
{
    const mbs_plan *plan = w->plan;
    text_string(&w->out, "{\n  \"format\": \"mbsopt-plan/1\"");
    header_string(w, "network", w->program->network_name);
    header_figure(w, "batch", plan->batch);
    header_string(w, "phase", w->program->inference ? "inference" : "training");
    header_figure(w, "buffer_bytes", plan->buffer_bytes);
    header_figure(w, "norm_passes", plan->norm_passes);
    header_figure(w, "reserved_bytes", plan->reserved_bytes);
    header_string(w, "planner", plan->planner_name);
    header_string(w, "outcome", mbs_outcome_name(plan->outcome));
    if (plan->objective != MBS_TRAFFIC)
        header_string(w, "objective", plan->objective == MBS_TIME ? "time" : "energy");
    if (plan->bound_bytes != 0)
        header_figure(w, "bound_bytes", plan->bound_bytes);
}

static void write_origin(writer *w)
{
    mbs_origin_info origin;
    mbs_plan_origin(w->plan, &origin);
    if (origin.program == NULL)
        return;
    text_string(&w->out, ",\n  \"made_by\": {\"program\": ");
    text_json_string(&w->out, origin.program);
    string_member(w, "hardware", origin.hardware);
    string_member(w, "hardware_digest", origin.hardware_digest);
    string_member(w, "options", origin.options);
    text_string(&w->out, "}");
}

static void write_tensors(writer *w)
{
    begin_list(w, "tensors");
    for (int32_t id = 0; id < w->program->tensor_count; id++) {
        const mbs_tensor *tensor = &w->program->tensors[id];
        begin_entry(w);
        member(w, "id", id);
        string_member(w, "name", tensor->name);
        next_member(w, "bytes", tensor->bytes);
        if (w->program->has_shapes && tensor->elements > 0)
            next_member(w, "elements", tensor->elements);
        end_entry(w);
    }
    end_list(w);
}

static void operand_list(writer *w, const char *key, int32_t begin, int32_t end)
{
    text_format(&w->out, ", \"%s\": [", key);
    for (int32_t t = begin; t < end; t++) {
        text_string(&w->out, t == begin ? "" : ", ");
        text_integer(&w->out, w->program->touches[t].tensor);
    }
    text_string(&w->out, "]");
}

static void pair_member(writer *w, const char *key, const int64_t pair[2])
{
    text_format(&w->out, ", \"%s\": [%" PRId64 ", %" PRId64 "]", key, pair[0], pair[1]);
}

/* The sizes of a step's matrix product and convolution, if it has them. */
static void write_products(writer *w, const mbs_step *step)
{
    const mbs_gemm *gemm = &step->gemm;
    const mbs_conv *conv = &step->conv;
    if (gemm->m == 0)
        return;
    text_string(&w->out, ", \"gemm\": {");
    member(w, "m", gemm->m);
    next_member(w, "k", gemm->k);
    next_member(w, "n", gemm->n);
    next_member(w, "groups", gemm->groups);
    string_member(w, "samples_in",
                  gemm->samples_in_groups ? "groups"
                  : gemm->samples_in_k    ? "k"
                                          : "m");
    text_string(&w->out, "}");
    if (conv->channels == 0)
        return;
    text_string(&w->out, ", \"conv\": {");
    member(w, "channels", conv->channels);
    next_member(w, "filters", conv->filters);
    pair_member(w, "output", conv->output);
    pair_member(w, "kernel", conv->kernel);
    pair_member(w, "stride", conv->stride);
    pair_member(w, "dilation", conv->dilation);
    text_string(&w->out, "}");
}

static void write_steps(writer *w)
{
    begin_list(w, "steps");
    for (int32_t k = 0; k < w->program->step_count; k++) {
        const mbs_step *step = &w->program->steps[k];
        begin_entry(w);
        member(w, "id", k);
        string_member(w, "name", step->name);
        string_member(w, "phase", step->phase == MBS_FORWARD ? "forward" : "backward");
        string_member(w, "kind", step->kind);
        operand_list(w, "reads", step->touch_begin, step->write_begin);
        operand_list(w, "writes", step->write_begin, step->touch_end);
        next_member(w, "weight_bytes", step->weight_bytes);
        next_member(w, "accumulator_bytes", step->accumulator_bytes);
        write_products(w, step);
        end_entry(w);
    }
    end_list(w);
}

static void write_groups(writer *w)
{
    begin_list(w, "groups");
    for (int32_t g = 0; g < w->plan->group_count; g++) {
        const mbs_group *group = &w->plan->groups[g];
        begin_entry(w);
        member(w, "first", group->first);
        next_member(w, "last", (int64_t)group->end - 1);
        next_member(w, "iterations", group->iterations);
        next_member(w, "sub_batch", group->sub_batch);
        next_member(w, "passes", group->passes);
        next_member(w, "peak_bytes", group->peak_bytes);
        mbs_cost cost;
        if (w->hardware != NULL &&
            mbs_plan_group_cost(w->plan, w->hardware, (size_t)g, &cost) == MBS_OK)
            write_cost(w, ", ", &cost);
        end_entry(w);
    }
    end_list(w);
}

/* The ids of the steps in one operand mode, some to a line. */
static void write_steps_in_mode(writer *w, const char *key, mbs_mode mode)
{
    const int32_t per_line = 16;
    int32_t count = 0;
    begin_list(w, key);
    for (int32_t k = 0; k < w->program->step_count; k++) {
        if (w->plan->mode[k] != mode)
            continue;
        if (count > 0)
            text_string(&w->out, ",");
        text_string(&w->out, count % per_line == 0 ? "\n    " : " ");
        text_integer(&w->out, k);
        w->first = false;
        count++;
    }
    end_list(w);
}

static void write_pinned(writer *w)
{
    const mbs_plan *plan = w->plan;
    begin_list(w, "pinned");
    for (int32_t k = 0; k < w->program->step_count; k++) {
        if (plan->pinned_weight[k] == 0 && plan->pinned_accumulator[k] == 0)
            continue;
        begin_entry(w);
        member(w, "step", k);
        next_member(w, "weight_bytes", plan->pinned_weight[k]);
        next_member(w, "accumulator_bytes", plan->pinned_accumulator[k]);
        end_entry(w);
    }
    end_list(w);
}

static void write_resident(writer *w)
{
    begin_list(w, "resident");
    for (int32_t t = 0; t < w->program->touch_count; t++) {
        const mbs_touch *touch = &w->program->touches[t];
        if (!w->plan->resident[t] || touch->next < 0)
            continue;
        begin_entry(w);
        member(w, "tensor", touch->tensor);
        next_member(w, "from", touch->step);
        next_member(w, "to", w->program->touches[touch->next].step);
        end_entry(w);
    }
    end_list(w);
}

static void write_traffic(writer *w)
{
    const mbs_traffic *traffic = &w->plan->traffic;
    text_string(&w->out, ",\n  \"traffic_bytes\": {");
    member(w, "activation_read", traffic->activation_read);
    next_member(w, "activation_write", traffic->activation_write);
    next_member(w, "weight_read", traffic->weight_read);
    next_member(w, "weight_gradient", traffic->weight_gradient);
    next_member(w, "total", traffic->total);
    text_string(&w->out, "}");
}

/* Time and energy of each phase and of the whole. */
static void write_totals(writer *w, const mbs_cost *cost)
{
    static const char *const names[] = {[MBS_FORWARD] = "forward", [MBS_BACKWARD] = "backward"};
    const int phases = w->program->inference ? 1 : 2;
    begin_list(w, "phases");
    for (int phase = 0; phase < phases; phase++) {
        mbs_cost part = {0};
        mbs_plan_phase_cost(w->plan, w->hardware, (mbs_phase)phase, &part);
        begin_entry(w);
        text_format(&w->out, "\"phase\": \"%s\"", names[phase]);
        write_cost(w, ", ", &part);
        end_entry(w);
    }
    end_list(w);
    write_cost(w, ",\n  ", cost);
}

static mbs_status write_document(char **result, const mbs_plan *plan, const mbs_hardware *hardware,
                                 const mbs_cost *cost, mbs_error *error)
{
    writer w = {.plan = plan,
                .program = plan->program,
                .hardware = hardware,
                .out = TEXT_INIT,
                .error = error};
    *result = NULL;
    write_header(&w);
    write_origin(&w);
    write_tensors(&w);
    write_steps(&w);
    write_groups(&w);
    write_steps_in_mode(&w, "streamed", MBS_STREAMED);
    write_steps_in_mode(&w, "in_passes", MBS_PASSES);
    write_pinned(&w);
    write_resident(&w);
    write_traffic(&w);
    if (cost != NULL)
        write_totals(&w, cost);
    text_string(&w.out, "\n}\n");
    if (w.status != MBS_OK) {
        text_free(&w.out);
        return w.status;
    }
    return text_finish(&w.out, result, error);
}

mbs_status mbs_plan_to_json(char **result, const mbs_plan *plan, mbs_error *error)
{
    return write_document(result, plan, NULL, NULL, error);
}

mbs_status mbs_plan_to_json_with_cost(char **result, const mbs_plan *plan,
                                      const mbs_hardware *hardware, mbs_error *error)
{
    mbs_cost cost;
    *result = NULL;
    mbs_status status = mbs_plan_cost(plan, hardware, &cost);
    if (status != MBS_OK)
        return error_set(error, status,
                         "plan of %s: its file tells no shapes, so its costs are not known",
                         quoted(plan->program->network_name).text);
    return write_document(result, plan, hardware, &cost, error);
}
