/* `mbsopt-schedule/1`, or /2 where strips occur: a plan as the command stream of an accelerator
 * (docs/schedule.md). */
#include "emit/schedule_writer.h"

#include "emit/placed.h"

static bool has_strips(const mbs_plan *plan)
{
    for (int32_t g = 0; g < plan->group_count; g++)
        if (plan->groups[g].strips > 1)
            return true;
    return false;
}

static bool write_header(schedule_writer *w)
{
    const mbs_plan *plan = w->plan;
    const mbs_traffic *traffic = &plan->traffic;
    text_format(w->text, "{\"format\":\"mbsopt-schedule/%d\"", w->version);
    schedule_string(w, "network", w->program->network_name);
    schedule_string(w, "phase", w->program->inference ? "inference" : "training");
    schedule_string(w, "planner", plan->planner_name);
    schedule_figure(w, "batch", plan->batch);
    schedule_figure(w, "buffer_bytes", plan->buffer_bytes);
    schedule_figure(w, "reserved_bytes", plan->reserved_bytes);
    schedule_figure(w, "alignment_bytes", w->layout->alignment);
    schedule_figure(w, "dram_bytes", w->dram->end);
    schedule_figure(w, "dram_peak_bytes", w->dram_peak);
    schedule_figure(w, "groups", plan->group_count);
    schedule_figure(w, "steps", w->program->step_count);
    schedule_figure(w, "regions", w->dram->region_count);
    text_string(w->text, ",\"traffic_bytes\":{");
    schedule_first_figure(w, "activation_read", traffic->activation_read);
    schedule_figure(w, "activation_write", traffic->activation_write);
    schedule_figure(w, "weight_read", traffic->weight_read);
    schedule_figure(w, "weight_gradient", traffic->weight_gradient);
    if (traffic->optimizer > 0)
        schedule_figure(w, "optimizer", traffic->optimizer);
    schedule_figure(w, "total", traffic->total);
    text_string(w->text, "}");
    return schedule_end(w);
}

static bool write_region(schedule_writer *w, const dram_region *region, int32_t *tensor)
{
    text_format(w->text, "{\"region\":\"%s\"", dram_content_name(region->content));
    schedule_string(w, "name", region->name);
    schedule_figure(w, "address", region->address);
    schedule_figure(w, "bytes", region->bytes);
    bool filled = region->content == DRAM_WEIGHTS || region->content == DRAM_STATE;
    if (region->content == DRAM_TENSOR) {
        const mbs_tensor *of = &w->program->tensors[*tensor];
        schedule_figure(w, "tensor", (*tensor)++);
        schedule_figure(w, "bytes_per_sample", of->bytes);
        if (w->version > 1)
            schedule_figure(w, "rows", of->rows);
        filled = of->producer < 0;
        if (of->kept)
            text_string(w->text, ",\"output\":true");
    }
    if (region->bytes > 0) {
        schedule_figure(w, "first_group", region->first);
        schedule_figure(w, "last_group", region->last);
    }
    if (filled)
        text_string(w->text, ",\"filled\":true");
    return schedule_end(w);
}

static bool write_group(schedule_writer *w, int32_t g)
{
    const mbs_group *group = &w->plan->groups[g];
    w->group = group;
    w->last_samples = w->plan->batch - (group->iterations / group->strips - 1) * group->sub_batch;
    text_string(w->text, "{");
    schedule_first_figure(w, "group", g);
    schedule_figure(w, "first", group->first);
    schedule_figure(w, "last", (int64_t)group->end - 1);
    schedule_figure(w, "iterations", group->iterations);
    schedule_figure(w, "sub_batch", group->sub_batch);
    schedule_figure(w, "last_samples", w->last_samples);
    if (group->strips == 1)
        return schedule_end(w) && schedule_write_group(w);
    schedule_figure(w, "strips", group->strips);
    schedule_write_rings(w);
    return schedule_end(w) && schedule_write_strips(w);
}

static void write_document(schedule_writer *w)
{
    int32_t tensor = 0; /* regions of tensors come by number */
    bool going = write_header(w);
    for (int32_t i = 0; i < w->dram->region_count && going; i++)
        going = write_region(w, &w->dram->regions[i], &tensor);
    for (int32_t g = 0; g < w->plan->group_count && going; g++)
        going = write_group(w, g);
}

/* ---- Exporting ------------------------------------------------------------------------------- */

static mbs_status write_placed(exporter *e, const placed_plan *placed)
{
    dram_layout *dram;
    mbs_dram_peak peak;
    mbs_status status = mbs_plan_dram_peak(placed->plan, &peak, e->error);
    if (status == MBS_OK)
        status = dram_layout_create(&dram, placed->plan, &e->watch, e->error);
    if (status != MBS_OK)
        return status;
    schedule_writer w = {.plan = placed->plan,
                         .program = placed->plan->program,
                         .layout = &placed->layout,
                         .dram = dram,
                         .dram_peak = peak.bytes,
                         .version = has_strips(placed->plan) ? 2 : 1,
                         .out = e->out,
                         .text = sink_text(e->out),
                         .error = e->error};
    write_document(&w);
    dram_layout_free(dram);
    return w.status;
}

mbs_status export_wavecore(exporter *e)
{
    placed_plan placed;
    mbs_status status =
        plan_place(&placed, e->plan, e->hardware->buffer_alignment_bytes, &e->watch, e->error);
    if (status != MBS_OK)
        return status;
    status = write_placed(e, &placed);
    if (status == MBS_OK)
        placed_notes(&placed, e->plan, e->options->note, e->options->note_context);
    placed_plan_free(&placed);
    return status;
}
