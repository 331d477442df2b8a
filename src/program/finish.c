/* The last pass over a built program: unread writes go, tensors get their final numbers. */

#include "base/checked.h"
#include "base/memory.h"
#include "program/builder.h"

/*
 * A mask, index or gradient that no step reads is not an operand of the step that would write it.
 * `read` says which tensors are read; an activation that nobody reads is kept (inference).
 */
static void drop_unread_writes(mbs_program *p, const bool *read)
{
    int32_t to = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        mbs_step *step = &p->steps[k];
        mbs_step old = *step;
        step->touch_begin = to;
        for (int32_t t = old.touch_begin; t < old.touch_end; t++) {
            if (t == old.write_begin)
                step->write_begin = to;
            int32_t tensor = p->touches[t].tensor;
            if (t < old.write_begin || read[tensor] || p->tensors[tensor].kept)
                p->touches[to++] = p->touches[t];
        }
        if (old.write_begin == old.touch_end)
            step->write_begin = to;
        step->touch_end = to;
    }
    p->touch_count = to;
}

/* Renumbers the tensors in the order of their first touch; untouched ones go. */
static bool renumber(builder *b)
{
    mbs_program *p = b->program;
    int32_t *number = mem_alloc((size_t)p->tensor_count * sizeof *number);
    mbs_tensor *sorted = mem_alloc((size_t)p->tensor_count * sizeof *sorted);
    if (number == NULL || sorted == NULL) {
        mem_free(number);
        mem_free(sorted);
        return builder_fail(b, MBS_ERR_MEMORY);
    }
    int32_t count = 0;
    for (int32_t i = 0; i < p->tensor_count; i++)
        number[i] = -1;
    for (int32_t t = 0; t < p->touch_count; t++) {
        int32_t old = p->touches[t].tensor;
        if (number[old] < 0) {
            number[old] = count;
            sorted[count++] = p->tensors[old];
        }
        p->touches[t].tensor = number[old];
    }
    mem_free(number);
    mem_free(p->tensors);
    p->tensors = sorted;
    p->tensor_count = count;
    return true;
}

/* The largest rows of what a step writes, or if it writes nothing, reads. */
static void find_rows(mbs_program *p)
{
    for (int32_t k = 0; k < p->step_count; k++) {
        mbs_step *step = &p->steps[k];
        const bool writes = step->write_begin < step->touch_end;
        int32_t t = writes ? step->write_begin : step->touch_begin;
        const int32_t end = writes ? step->touch_end : step->write_begin;
        for (; step->pass == STEP_LOSS && t < end; t++)
            step->rows = max_i64(step->rows, p->tensors[p->touches[t].tensor].rows);
    }
}

/* Whatever is summed later over one sample or iteration is bounded by these sums. */
static bool check_sums(builder *b)
{
    const mbs_program *p = b->program;
    int64_t bytes = 0;
    for (int32_t t = 0; t < p->touch_count; t++)
        if (!checked_add(bytes, p->tensors[p->touches[t].tensor].bytes, &bytes))
            return builder_fail(b, MBS_ERR_INPUT);
    for (int32_t k = 0; k < p->step_count; k++)
        if (!checked_add(bytes, p->steps[k].weight_bytes, &bytes) ||
            !checked_add(bytes, p->steps[k].accumulator_bytes, &bytes))
            return builder_fail(b, MBS_ERR_INPUT);
    return true;
}

bool builder_finish(builder *b)
{
    mbs_program *p = b->program;
    bool *read = mem_calloc((size_t)p->tensor_count, sizeof *read);
    if (read == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    for (int32_t k = 0; k < p->step_count; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].write_begin; t++)
            read[p->touches[t].tensor] = true;
    drop_unread_writes(p, read);
    mem_free(read);
    if (!renumber(b) || !check_sums(b))
        return false;
    find_rows(p);
    program_link(p);
    return true;
}
