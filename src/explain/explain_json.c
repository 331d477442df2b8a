/* An explanation as a document: docs/schemas/explanation.json. */
#include "cost/footprint.h"
#include "explain/explanation.h"

/* ---- Pieces ---------------------------------------------------------------------------------- */

static void put_key(text *out, const char *separator, const char *key)
{
    text_format(out, "%s\"%s\": ", separator, key);
}

static void put_figure(text *out, const char *separator, const char *key, int64_t value)
{
    put_key(out, separator, key);
    text_integer(out, value);
}

static void put_string(text *out, const char *separator, const char *key, const char *value)
{
    put_key(out, separator, key);
    text_json_string(out, value);
}

static void put_bool(text *out, const char *separator, const char *key, bool value)
{
    put_key(out, separator, key);
    text_string(out, value ? "true" : "false");
}

static void put_traffic(text *out, const char *separator, const char *key,
                        const mbs_traffic *traffic)
{
    put_key(out, separator, key);
    put_figure(out, "{", "activation_read", traffic->activation_read);
    put_figure(out, ", ", "activation_write", traffic->activation_write);
    put_figure(out, ", ", "weight_read", traffic->weight_read);
    put_figure(out, ", ", "weight_gradient", traffic->weight_gradient);
    if (traffic->optimizer > 0)
        put_figure(out, ", ", "optimizer", traffic->optimizer);
    put_figure(out, ", ", "total", traffic->total);
    text_string(out, "}");
}

static void put_sentences(text *out, const char *separator, text *paragraphs)
{
    put_key(out, separator, "sentences");
    prose_json(out, paragraphs);
}

static void put_parts(text *out, const mbs_plan *plan, const part_list *list)
{
    text_string(out, ", \"parts\": [");
    for (int32_t i = 0; i < list->count; i++) {
        const part *each = &list->parts[i];
        put_string(out, i > 0 ? ", {" : "{", "role", part_role_name(each->role));
        if (each->tensor >= 0)
            put_string(out, ", ", "tensor", plan->program->tensors[each->tensor].name);
        put_figure(out, ", ", "bytes", each->bytes);
        text_string(out, "}");
    }
    text_string(out, "]");
}

static void put_footprint(text *out, const mbs_plan *plan, const part_list *list)
{
    put_string(out, "{", "step", plan->program->steps[list->step].name);
    put_figure(out, ", ", "bytes", list->bytes);
    put_parts(out, plan, list);
    text_string(out, "}");
}

static void put_pace(text *out, const char *separator, const mbs_group *group)
{
    put_figure(out, separator, "iterations", group->iterations);
    put_figure(out, ", ", "sub_batch", group->sub_batch);
    put_figure(out, ", ", "strips", group->strips);
    put_figure(out, ", ", "passes", group->passes);
}

static void put_variant(text *out, const variant *of)
{
    put_pace(out, "{", &of->group);
    put_figure(out, ", ", "peak_bytes", of->group.peak_bytes);
    put_figure(out, ", ", "pinned_bytes", of->pinned_bytes);
    put_traffic(out, ", ", "traffic_bytes", &of->traffic);
    text_string(out, "}");
}

/* ---- Moves ----------------------------------------------------------------------------------- */

static void put_reasons(text *out, const char *separator, const char *key,
                        const int64_t bytes[MOVE_REASON_COUNT])
{
    put_key(out, separator, key);
    for (int i = 0; i < MOVE_REASON_COUNT; i++)
        put_figure(out, i > 0 ? ", " : "{", move_reason_name((move_reason)i), bytes[i]);
    text_string(out, "}");
}

static void put_parameters(text *out, const char *key, int64_t once, int64_t again, int64_t spared)
{
    put_key(out, ",\n    ", key);
    put_figure(out, "{", "once", once);
    put_figure(out, ", ", "again", again);
    put_figure(out, ", ", "spared_by_pinning", spared);
    text_string(out, "}");
}

static void put_movers(text *out, const mbs_plan *plan, const moves *found)
{
    static const char *const kinds[] = {"tensor", "weights", "accumulators", "state"};
    text_string(out, ",\n  \"movers\": [");
    for (int32_t i = 0; i < found->count; i++) {
        const mover *each = &found->movers[i];
        text words = TEXT_INIT;
        put_string(out, i > 0 ? ",\n    {" : "\n    {", "kind", kinds[each->kind]);
        put_string(out, ", ", "name",
                   each->kind == MOVER_TENSOR ? plan->program->tensors[each->index].name
                                              : plan->program->steps[each->index].name);
        put_figure(out, ", ", "read_bytes", each->read);
        put_figure(out, ", ", "written_bytes", each->written);
        words_of_mover(&words, plan, each);
        put_sentences(out, ", ", &words);
        text_string(out, "}");
    }
    text_string(out, "]");
}

static void put_moves(text *out, const mbs_plan *plan, const moves *found)
{
    text_string(out, ",\n  \"classes\": {");
    put_reasons(out, "\n    ", "activation_read", found->read);
    put_reasons(out, ",\n    ", "activation_write", found->written);
    put_parameters(out, "weight_read", found->weight_once, found->weight_again,
                   found->weight_spared);
    put_parameters(out, "weight_gradient", found->gradient_once, found->gradient_again,
                   found->gradient_spared);
    if (found->state_read + found->state_written > 0) {
        put_key(out, ",\n    ", "optimizer");
        put_figure(out, "{", "read", found->state_read);
        put_figure(out, ", ", "written", found->state_written);
        put_figure(out, ", ", "gradient_handed_on", found->gradient_handed);
        text_string(out, "}");
    }
    text_string(out, "}");
    put_movers(out, plan, found);
}

/* ---- Groups ---------------------------------------------------------------------------------- */

static void put_merger(text *out, const char *key, const mbs_plan *plan, const merger *with)
{
    put_key(out, ",\n     ", key);
    if (!with->exists) {
        text_string(out, "null");
        return;
    }
    put_bool(out, "{", "fits", with->together.fits);
    put_traffic(out, ", ", "apart_bytes", &with->apart);
    if (with->obstacle.is_known) {
        put_key(out, ", ", "needs");
        put_footprint(out, plan, &with->obstacle.parts);
    } else {
        put_key(out, ", ", "together");
        put_variant(out, &with->together);
    }
    text_string(out, "}");
}

static void put_division(text *out, const mbs_plan *plan, const division *cut)
{
    put_key(out, ",\n     ", "cut");
    if (cut->at < 0) {
        text_string(out, "null");
        return;
    }
    put_string(out, "{", "behind", plan->program->steps[cut->at - 1].name);
    put_figure(out, ", ", "places", cut->cuts);
    put_figure(out, ", ", "places_judged", cut->tried);
    put_key(out, ", ", "parts");
    text_string(out, "[");
    put_variant(out, &cut->parts[0]);
    text_string(out, ", ");
    put_variant(out, &cut->parts[1]);
    text_string(out, "]}");
}

static void put_limit(text *out, const mbs_plan *plan, const limitation *limit)
{
    put_key(out, ",\n     ", "limit");
    put_string(out, "{", "kind", limit_kind_name(limit->kind));
    if (limit->kind == LIMIT_BUFFER || limit->kind == LIMIT_CHOICE) {
        put_key(out, ", ", "next");
        put_variant(out, &limit->next);
    }
    if (limit->obstacle.is_known) {
        put_pace(out, ", \"too_large\": {", &limit->obstacle.tried.group);
        put_key(out, ", ", "needs");
        put_footprint(out, plan, &limit->obstacle.parts);
        text_string(out, "}");
    }
    text_string(out, "}");
}

static void put_larger(text *out, const char *key, const larger_room *with)
{
    put_key(out, ",\n     ", key);
    if (with->bytes == 0) {
        text_string(out, "null");
        return;
    }
    put_figure(out, "{", "bytes", with->bytes);
    put_figure(out, ", ", "saved_bytes", with->saved);
    put_key(out, ", ", "group");
    put_variant(out, &with->variant);
    text_string(out, "}");
}

static void put_story(text *out, const explanation *of, const group_story *story)
{
    const mbs_plan *plan = of->plan;
    const mbs_step *steps = plan->program->steps;
    text words = TEXT_INIT;
    put_figure(out, "{", "group", story->index + 1);
    put_string(out, ", ", "first", steps[story->group->first].name);
    put_string(out, ", ", "last", steps[story->group->end - 1].name);
    put_figure(out, ", ", "steps", story->group->end - story->group->first);
    put_pace(out, ", ", story->group);
    put_figure(out, ", ", "pinned_bytes",
               plan_pinned_bytes(plan, story->group->first, story->group->end));
    put_traffic(out, ",\n     ", "traffic_bytes", &story->traffic);
    put_key(out, ",\n     ", "peak");
    put_footprint(out, plan, &story->peak);
    put_merger(out, "with_group_before", plan, &story->before);
    put_merger(out, "with_group_after", plan, &story->after);
    put_division(out, plan, &story->division);
    put_limit(out, plan, &story->limit);
    put_larger(out, "one_mib_more", &story->more);
    put_larger(out, "least_more", &story->least);
    words_of_story(&words, &of->variants, story);
    put_sentences(out, ",\n     ", &words);
    text_string(out, "}");
}

static mbs_status put_groups(text *out, explanation *of, mbs_error *error)
{
    mbs_status status = MBS_OK;
    text_string(out, ",\n  \"groups\": [");
    for (int32_t g = of->first_group; g < of->end_group && status == MBS_OK; g++) {
        group_story story;
        status = story_find(&story, &of->variants, g, error);
        text_string(out, g > of->first_group ? ",\n    " : "\n    ");
        if (status == MBS_OK)
            put_story(out, of, &story);
        story_free(&story);
    }
    text_string(out, "]");
    return status;
}

/* ---- The document ---------------------------------------------------------------------------- */

static void put_head(text *out, const explanation *of)
{
    const mbs_plan *plan = of->plan;
    put_string(out, "{\n  ", "format", "mbsopt-explanation/1");
    put_string(out, ",\n  ", "network", plan->program->network_name);
    put_string(out, ",\n  ", "phase", plan->program->inference ? "inference" : "training");
    put_string(out, ",\n  ", "planner", plan->planner_name);
    put_string(out, ",\n  ", "outcome", mbs_outcome_name(plan->outcome));
    put_figure(out, ",\n  ", "batch", plan->batch);
    put_figure(out, ",\n  ", "buffer_bytes", plan->buffer_bytes);
    put_figure(out, ",\n  ", "usable_bytes", plan_capacity(plan));
    put_figure(out, ",\n  ", "group_count", plan->group_count);
    put_traffic(out, ",\n  ", "traffic_bytes", &plan->traffic);
    put_string(out, ",\n  ", "of", of->step >= 0 ? "step" : of->is_whole ? "plan" : "group");
}

static void put_step(text *out, const explanation *of)
{
    const mbs_plan *plan = of->plan;
    text words = TEXT_INIT;
    put_figure(out, ",\n  \"step\": {", "group", plan_group_of(plan, of->step) + 1);
    put_key(out, ", ", "footprint");
    put_footprint(out, plan, &of->parts);
    words_of_step(&words, plan, of->step, &of->parts);
    put_sentences(out, ", ", &words);
    text_string(out, "}");
}

static void put_whole(text *out, const explanation *of)
{
    text words = TEXT_INIT;
    if (of->larger != NULL) {
        put_key(out, ",\n  ", "one_mib_more");
        put_figure(out, "{", "buffer_bytes", of->larger->buffer_bytes);
        put_string(out, ", ", "planner", of->larger->planner_name);
        put_traffic(out, ", ", "traffic_bytes", &of->larger->traffic);
        text_string(out, "}");
    }
    explain_head(&words, of);
    explain_larger(&words, of);
    words_of_classes(&words, of->plan, &of->moves);
    put_sentences(out, ",\n  ", &words);
}

mbs_status explain_write_json(text *out, explanation *of, mbs_error *error)
{
    mbs_status status = MBS_OK;
    put_head(out, of);
    if (of->step >= 0) {
        put_step(out, of);
    } else {
        if (of->is_whole)
            put_whole(out, of);
        put_moves(out, of->plan, &of->moves);
        status = put_groups(out, of, error);
    }
    text_string(out, "\n}\n");
    return status;
}
