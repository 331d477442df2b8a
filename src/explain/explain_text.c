/* An explanation as text. */
#include <inttypes.h>
#include <stdio.h>

#include "explain/explanation.h"
#include "program/program.h"
#include "report/figures.h"

void explain_head(text *out, const explanation *of)
{
    const mbs_plan *plan = of->plan;
    text_safe(out, plan->program->network_name);
    text_format(out, " · %s · ", plan->program->inference ? "inference" : "training");
    prose_count(out, plan->batch, "sample", "samples");
    text_string(out, " per core · ");
    text_string(out, figure_exact_space(plan->buffer_bytes).text);
    text_string(out, " buffer · ");
    text_safe(out, plan->planner_name);
    text_format(out, ", %s%s\n", mbs_outcome_name(plan->outcome),
                program_is_reordered(plan->program) ? ", in another order than the network's" : "");
    prose_traffic(out, plan->traffic.total);
    text_string(out, " per step and core, in ");
    prose_count(out, plan->group_count, "group", "groups");
    text_string(out, ".\n");
}

void explain_larger(text *out, const explanation *of)
{
    if (of->larger == NULL)
        return;
    const int64_t now = of->plan->traffic.total;
    const int64_t then = of->larger->traffic.total;
    text_string(out, "With 1 MiB more of buffer ");
    text_safe(out, of->larger->planner_name);
    text_string(out, " would move ");
    if (program_is_reordered(of->larger->program) && of->larger->program != of->plan->program)
        text_string(out, "in another order ");
    prose_traffic(out, then);
    if (then == now) {
        text_string(out, ", as much as now");
    } else {
        text_string(out, ", ");
        prose_percent(out, then < now ? now - then : then - now, now);
        text_string(out, then < now ? " less" : " more");
    }
    text_string(out, ", in ");
    prose_count(out, of->larger->group_count, "group", "groups");
    text_string(out, ".\n");
}

static void put_moves(text *out, const explanation *of)
{
    text words = TEXT_INIT;
    text_string(out, of->is_whole ? "\nWhat moves, and why\n" : "What moves in it, and why\n");
    words_of_classes(&words, of->plan, &of->moves);
    prose_paragraphs(out, &words, "  ", 2);
    text_string(out, "\nWhat moves most\n");
    for (int32_t i = 0; i < of->moves.count && i < WORDS_MOVERS; i++) {
        char number[24];
        snprintf(number, sizeof number, "  %2" PRId32 ".  ", i + 1);
        text sentence = TEXT_INIT;
        words_of_mover(&sentence, of->plan, &of->moves.movers[i]);
        prose_paragraphs(out, &sentence, number, 7);
    }
}

static mbs_status put_group(text *out, explanation *of, int32_t index, mbs_error *error)
{
    group_story story;
    text words = TEXT_INIT;
    mbs_status status = story_find(&story, &of->variants, index, error);
    if (status == MBS_OK) {
        text_string(out, "\n");
        words_of_title(&words, of->plan, index);
        words_of_story(&words, &of->variants, &story);
        prose_paragraphs(out, &words, "", 2);
    }
    story_free(&story);
    return status;
}

mbs_status explain_write_text(text *out, explanation *of, mbs_error *error)
{
    mbs_status status = MBS_OK;
    text head = TEXT_INIT;
    if (of->step >= 0) {
        words_of_step(&head, of->plan, of->step, &of->parts);
        prose_paragraphs(out, &head, "", 2);
        return MBS_OK;
    }
    explain_head(&head, of);
    if (of->is_whole)
        explain_larger(&head, of);
    prose_paragraphs(out, &head, "", 0);
    if (of->is_whole)
        put_moves(out, of);
    for (int32_t g = of->first_group; g < of->end_group && status == MBS_OK; g++)
        status = put_group(out, of, g, error);
    if (status == MBS_OK && !of->is_whole) {
        text_string(out, "\n");
        put_moves(out, of);
    }
    return status;
}
