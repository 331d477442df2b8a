/* Writing `mbsopt-plan/1` and /2 (model, section 9). One thing a line, so that plans can be
 * compared. */
#include "mbsopt/emit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "emit/plan_writer.h"
#include "mbsopt/cost.h"

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* The separator and `"key": value` with twelve digits, which tell all that an estimate can. */
static void next_real(plan_writer *w, const char *separator, const char *key, double value)
{
    char digits[REAL_BYTES];
    real_digits(digits, sizeof digits, value, 12);
    text_format(&w->out, "%s\"%s\": %s", separator, key, digits);
}

static void write_cost(plan_writer *w, const char *separator, const mbs_cost *cost)
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

static void header_figure(plan_writer *w, const char *key, int64_t value)
{
    text_string(&w->out, ",\n  ");
    put_figure(w, key, value);
}

static void header_string(plan_writer *w, const char *key, const char *value)
{
    text_format(&w->out, ",\n  \"%s\": ", key);
    text_json_string(&w->out, value);
}

/* ---- The document ---------------------------------------------------------------------------- */

static void write_header(plan_writer *w)
{
    const mbs_plan *plan = w->plan;
    text_format(&w->out, "{\n  \"format\": \"mbsopt-plan/%d\"", w->version);
    header_string(w, "network", w->program->network_name);
    header_figure(w, "batch", plan->batch);
    header_string(w, "phase", w->program->inference ? "inference" : "training");
    header_figure(w, "buffer_bytes", plan->buffer_bytes);
    header_figure(w, "norm_passes", plan->norm_passes);
    header_figure(w, "reserved_bytes", plan->reserved_bytes);
    header_string(w, "planner", plan->planner_name);
    header_string(w, "outcome", mbs_outcome_name(plan->outcome));
    if (plan->objective != MBS_TRAFFIC)
        header_string(w, "objective", mbs_objective_name(plan->objective));
    if (plan->bound_bytes != 0)
        header_figure(w, "bound_bytes", plan->bound_bytes);
    if (plan->given_bytes != 0)
        header_figure(w, "given_bytes", plan->given_bytes);
    if (plan->given_bound_bytes != 0)
        header_figure(w, "given_bound_bytes", plan->given_bound_bytes);
}

static void write_origin(plan_writer *w)
{
    mbs_origin_info origin;
    mbs_plan_origin(w->plan, &origin);
    if (origin.program == NULL)
        return;
    text_string(&w->out, ",\n  \"made_by\": {\"program\": ");
    text_json_string(&w->out, origin.program);
    put_next_string(w, "hardware", origin.hardware);
    put_next_string(w, "hardware_digest", origin.hardware_digest);
    put_next_string(w, "options", origin.options);
    text_string(&w->out, "}");
}

static void write_groups(plan_writer *w)
{
    list_begin(w, "groups");
    for (int32_t g = 0; g < w->plan->group_count; g++) {
        const mbs_group *group = &w->plan->groups[g];
        list_entry(w);
        put_figure(w, "first", group->first);
        put_next_figure(w, "last", (int64_t)group->end - 1);
        put_next_figure(w, "iterations", group->iterations);
        put_next_figure(w, "sub_batch", group->sub_batch);
        if (group->strips > 1)
            put_next_figure(w, "strips", group->strips);
        put_next_figure(w, "passes", group->passes);
        put_next_figure(w, "peak_bytes", group->peak_bytes);
        mbs_cost cost;
        if (w->hardware != NULL &&
            mbs_plan_group_cost(w->plan, w->hardware, (size_t)g, &cost) == MBS_OK)
            write_cost(w, ", ", &cost);
        list_entry_end(w);
    }
    list_end(w);
}

/* The ids of the steps in one operand mode, some to a line. */
static void write_steps_in_mode(plan_writer *w, const char *key, mbs_mode mode)
{
    const int32_t per_line = 16;
    int32_t count = 0;
    list_begin(w, key);
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
    list_end(w);
}

static void write_in_place(plan_writer *w)
{
    const mbs_plan *plan = w->plan;
    bool any = false;
    for (int32_t k = 0; k < w->program->step_count && !any; k++)
        any = plan->over[k] >= 0;
    if (!any)
        return;
    list_begin(w, "in_place");
    for (int32_t k = 0; k < w->program->step_count; k++) {
        if (plan->over[k] < 0)
            continue;
        list_entry(w);
        put_figure(w, "step", k);
        put_next_figure(w, "over", w->program->touches[plan->over[k]].tensor);
        list_entry_end(w);
    }
    list_end(w);
}

static void write_pinned(plan_writer *w)
{
    const mbs_plan *plan = w->plan;
    list_begin(w, "pinned");
    for (int32_t k = 0; k < w->program->step_count; k++) {
        if (plan->pinned_weight[k] == 0 && plan->pinned_accumulator[k] == 0)
            continue;
        list_entry(w);
        put_figure(w, "step", k);
        put_next_figure(w, "weight_bytes", plan->pinned_weight[k]);
        put_next_figure(w, "accumulator_bytes", plan->pinned_accumulator[k]);
        list_entry_end(w);
    }
    list_end(w);
}

static void write_resident(plan_writer *w)
{
    list_begin(w, "resident");
    for (int32_t t = 0; t < w->program->touch_count; t++) {
        const mbs_touch *touch = &w->program->touches[t];
        if (!w->plan->resident[t] || touch->next < 0)
            continue;
        list_entry(w);
        put_figure(w, "tensor", touch->tensor);
        put_next_figure(w, "from", touch->step);
        put_next_figure(w, "to", w->program->touches[touch->next].step);
        list_entry_end(w);
    }
    list_end(w);
}

static void write_traffic(plan_writer *w)
{
    const mbs_traffic *traffic = &w->plan->traffic;
    text_string(&w->out, ",\n  \"traffic_bytes\": {");
    put_figure(w, "activation_read", traffic->activation_read);
    put_next_figure(w, "activation_write", traffic->activation_write);
    put_next_figure(w, "weight_read", traffic->weight_read);
    put_next_figure(w, "weight_gradient", traffic->weight_gradient);
    if (traffic->optimizer > 0)
        put_next_figure(w, "optimizer", traffic->optimizer);
    put_next_figure(w, "total", traffic->total);
    text_string(&w->out, "}");
}

/* Left out of a loaded plan whose contents are too large to be summed up. */
static void write_dram_peak(plan_writer *w)
{
    mbs_dram_peak peak;
    const mbs_status status = mbs_plan_dram_peak(w->plan, &peak, NULL);
    if (status == MBS_ERR_MEMORY)
        w->status = error_memory(w->error);
    if (status != MBS_OK)
        return;
    text_string(&w->out, ",\n  \"dram_peak\": {");
    put_figure(w, "bytes", peak.bytes);
    put_next_figure(w, "weights", peak.weights);
    put_next_figure(w, "accumulators", peak.accumulators);
    put_next_figure(w, "tensors", peak.tensors);
    if (peak.state > 0)
        put_next_figure(w, "state", peak.state);
    put_next_figure(w, "group", (int64_t)peak.group);
    text_string(&w->out, "}");
}

/* Time and energy of each phase and of the whole. */
static void write_totals(plan_writer *w, const mbs_cost *cost)
{
    static const char *const names[] = {[MBS_FORWARD] = "forward", [MBS_BACKWARD] = "backward"};
    const int phases = w->program->inference ? 1 : 2;
    list_begin(w, "phases");
    for (int phase = 0; phase < phases; phase++) {
        mbs_cost part = {0};
        mbs_plan_phase_cost(w->plan, w->hardware, (mbs_phase)phase, &part);
        list_entry(w);
        text_format(&w->out, "\"phase\": \"%s\"", names[phase]);
        write_cost(w, ", ", &part);
        list_entry_end(w);
    }
    list_end(w);
    write_cost(w, ",\n  ", cost);
}

static bool has_strips(const mbs_plan *plan)
{
    for (int32_t g = 0; g < plan->group_count; g++)
        if (plan->groups[g].strips > 1)
            return true;
    return false;
}

/* Version 2 is of split programs alone, with and without strips. */
static mbs_status choose_version(plan_writer *w)
{
    w->version = w->program->split ? 2 : 1;
    if (!w->program->split && has_strips(w->plan))
        return error_set(
            w->error, MBS_ERR_INPUT,
            "plan of %s: groups in strips of a program whose norms are one step, which "
            "no plan file can say",
            quoted(w->program->network_name).text);
    return MBS_OK;
}

static mbs_status write_document(char **result, const mbs_plan *plan, const mbs_hardware *hardware,
                                 const mbs_cost *cost, mbs_error *error)
{
    plan_writer w = {.plan = plan,
                     .program = plan->program,
                     .hardware = hardware,
                     .out = TEXT_INIT,
                     .error = error};
    *result = NULL;
    w.status = choose_version(&w);
    write_header(&w);
    write_origin(&w);
    write_program(&w);
    write_groups(&w);
    write_steps_in_mode(&w, "streamed", MBS_STREAMED);
    write_steps_in_mode(&w, "in_passes", MBS_PASSES);
    write_in_place(&w);
    write_pinned(&w);
    write_resident(&w);
    write_traffic(&w);
    write_dram_peak(&w);
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
