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
static bool renumber(mbs_program *p)
{
    int32_t *number = mem_alloc((size_t)p->tensor_count * sizeof *number);
    mbs_tensor *sorted = mem_alloc((size_t)p->tensor_count * sizeof *sorted);
    if (number == NULL || sorted == NULL) {
        mem_free(number);
        mem_free(sorted);
        return false;
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
    for (int32_t i = 0; i < count; i++) /* what a sum is added to is read where that is written */
        if (sorted[i].running >= 0)
            sorted[i].running = number[sorted[i].running];
    mem_free(number);
    mem_free(p->tensors);
    p->tensors = sorted;
    p->tensor_count = count;
    return true;
}

bool program_renumber(mbs_program *program)
{
    if (!renumber(program))
        return false;
    program_link(program);
    return true;
}

static int64_t most_rows(const mbs_program *p, int32_t begin, int32_t end)
{
    int64_t rows = 0;
    for (int32_t t = begin; t < end; t++)
        rows = max_i64(rows, p->tensors[p->touches[t].tensor].rows);
    return rows;
}

/* Whether the step's rows are those of something that it reads. */
static bool goes_by_reads(const builder *b, const mbs_step *step)
{
    return step->pass == STEP_STAT || step->pass == STEP_BWD_STAT || step->pass == STEP_WGRAD ||
           (step->pass == STEP_FORWARD &&
            b->network->layers[step->layer_id].op == OP_GLOBAL_AVG_POOL);
}

/*
 * R as section 11 has it. Where that is not what the maps were made for, be it that a tensor is in
 * parts of its rows or that a gradient is of another shape, any row needs all.
 */
static void settle_rows(builder *b, mbs_step *step)
{
    mbs_program *p = b->program;
    const int64_t read = most_rows(p, step->touch_begin, step->write_begin);
    int64_t rows = most_rows(p, step->write_begin, step->touch_end);
    if (goes_by_reads(b, step)) {
        rows = read;
        for (int32_t t = step->touch_begin; t < step->write_begin; t++)
            if (p->tensors[p->touches[t].tensor].rows == step->rows)
                rows = step->rows;
    } else if (rows == 0) {
        rows = read;
    }
    if (rows == step->rows || rows == 0)
        return;
    step->rows = rows;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++)
        p->touches[t].map = ROW_MAP_WHOLE;
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
            !checked_add(bytes, p->steps[k].accumulator_bytes, &bytes) ||
            !program_add_update(p, k, &bytes))
            return builder_fail(b, MBS_ERR_INPUT);
    return true;
}

/* Links the steps that use parameters which layers share. */
static bool link_shared(builder *b)
{
    const mbs_network *n = b->network;
    bool any = false;
    for (int32_t l = 0; l < n->layer_count && !any; l++)
        any = n->layers[l].shares >= 0;
    if (!any)
        return true;
    const size_t layers = (size_t)n->layer_count;
    bool *shared = mem_calloc(layers, sizeof *shared); /* per owner; likewise the latest steps */
    int32_t *users = mem_alloc(2 * layers * sizeof *users);
    const bool good = shared != NULL && users != NULL;
    int32_t *adders = good ? users + layers : NULL;
    for (int32_t l = 0; good && l < n->layer_count; l++) {
        users[l] = adders[l] = -1;
        shared[layer_owner(n, l)] = shared[layer_owner(n, l)] || n->layers[l].shares >= 0;
    }
    for (int32_t k = 0; good && k < b->program->step_count; k++) {
        mbs_step *step = &b->program->steps[k];
        const int32_t owner = step->layer_id < 0 ? -1 : layer_owner(n, step->layer_id);
        if (owner < 0 || !shared[owner])
            continue;
        if (step->weight_bytes > 0) {
            step->weight_use.previous = users[owner];
            users[owner] = k;
        }
        if (step->accumulator_bytes > 0) {
            step->accumulator_use.previous = adders[owner];
            adders[owner] = k;
        }
    }
    mem_free(shared);
    mem_free(users);
    return good || builder_fail(b, MBS_ERR_MEMORY);
}

bool builder_finish(builder *b)
{
    mbs_program *p = b->program;
    if (!updates_insert(b))
        return false;
    bool *read = mem_calloc((size_t)p->tensor_count, sizeof *read);
    if (read == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    for (int32_t k = 0; k < p->step_count; k++)
        for (int32_t t = p->steps[k].touch_begin; t < p->steps[k].write_begin; t++)
            read[p->touches[t].tensor] = true;
    drop_unread_writes(p, read);
    mem_free(read);
    if (!renumber(p))
        return builder_fail(b, MBS_ERR_MEMORY);
    if (!check_sums(b) || !link_shared(b))
        return false;
    for (int32_t k = 0; k < p->step_count; k++)
        settle_rows(b, &p->steps[k]);
    program_link(p);
    if (!order_apply(b))
        return false;
    return b->options.order == NULL || program_renumber(p) || builder_fail(b, MBS_ERR_MEMORY);
}
