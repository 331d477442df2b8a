/* Pieces of sentences. */
#include <inttypes.h>

#include "explain/words.h"

static const char *const part_words[PART_ROLE_COUNT] = {
    [PART_CROSSING] = "crosses it",   [PART_RESIDENT] = "stays",
    [PART_STAGED] = "staged",         [PART_SAMPLE] = "one sample",
    [PART_BLOCK] = "rows of a strip", [PART_PARAMETERS] = "",
    [PART_RING] = "rows used again",  [PART_PINNED] = "",
};

void words_of_parts(text *out, const mbs_plan *plan, const part_list *list, int32_t most)
{
    int64_t rest = 0;
    for (int32_t i = most; i < list->count; i++)
        rest += list->parts[i].bytes;
    for (int32_t i = 0; i < list->count && i < most; i++) {
        const part *each = &list->parts[i];
        text_string(out, i > 0 ? ", " : "");
        if (each->role == PART_PARAMETERS)
            text_string(out, "its parameters");
        else if (each->role == PART_PINNED)
            text_string(out, "pinned parameters");
        else
            text_safe(out, plan->program->tensors[each->tensor].name);
        text_string(out, " ");
        prose_space(out, each->bytes);
        if (part_words[each->role][0] != '\0')
            text_format(out, " (%s)", part_words[each->role]);
    }
    if (list->count > most) {
        text_format(out, " and %" PRId32 " more ", list->count - most);
        prose_space(out, rest);
    }
}

void words_of_pace(text *out, const mbs_plan *plan, const mbs_group *group)
{
    if (group->strips > 1) {
        prose_count(out, group->strips, "strip", "strips");
        text_string(out, " of rows per sample, in ");
        prose_count(out, group->iterations, "iteration", "iterations");
    } else if (group->passes > 1) {
        text_string(out, "all samples, in ");
        prose_count(out, group->passes, "pass", "passes");
    } else if (group->iterations == 1) {
        text_format(out, "%s",
                    plan->batch == 1 ? "its only sample at once"
                                     : "all samples at once, in 1 iteration");
    } else {
        prose_count(out, group->sub_batch, "sample", "samples");
        text_string(out, " at a time, in ");
        prose_count(out, group->iterations, "iteration", "iterations");
    }
}
