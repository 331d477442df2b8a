#include "plan/dp/dp_starts.h"

#include "base/checked.h"
#include "base/memory.h"
#include "plan/pins.h"

bool starts_open(starts *s, const mbs_program *program, int64_t batch)
{
    size_t cuts = (size_t)program->step_count + 1;
    size_t blocks = cuts / STARTS_BLOCK + 1;
    *s = (starts){.program = program, .batch = batch};
    s->weights = mem_alloc(cuts * sizeof *s->weights);
    s->accumulators = mem_alloc(cuts * sizeof *s->accumulators);
    s->once = mem_alloc(cuts * sizeof *s->once);
    s->continued = mem_alloc(cuts * sizeof *s->continued);
    s->offset = mem_calloc(blocks, sizeof *s->offset);
    s->rest = mem_alloc(cuts * sizeof *s->rest);
    s->least = mem_calloc(2 * blocks, sizeof *s->least);
    s->need = mem_calloc(cuts, sizeof *s->need);
    s->block_need = mem_calloc(blocks, sizeof *s->block_need);
    if (s->weights == NULL || s->accumulators == NULL || s->once == NULL || s->continued == NULL ||
        s->offset == NULL || s->rest == NULL || s->least == NULL || s->need == NULL ||
        s->block_need == NULL)
        return false;
    s->weights[0] = s->accumulators[0] = s->once[0] = s->continued[0] = 0;
    for (int32_t k = 0; k < program->step_count; k++) {
        s->weights[k + 1] = s->weights[k] + program->steps[k].weight_bytes;
        s->accumulators[k + 1] = s->accumulators[k] + program->steps[k].accumulator_bytes;
        s->once[k + 1] = s->once[k] + program_once_bytes(program, k);
        s->continued[k + 1] = s->continued[k] + step_continued_bytes(&program->steps[k]);
    }
    return true;
}

void starts_close(starts *s)
{
    mem_free(s->weights);
    mem_free(s->accumulators);
    mem_free(s->once);
    mem_free(s->continued);
    mem_free(s->offset);
    mem_free(s->rest);
    mem_free(s->least);
    mem_free(s->need);
    mem_free(s->block_need);
}

void starts_add_cut(starts *s, int64_t best)
{
    best += s->count < s->program->step_count ? program_head_bytes(s->program, s->count) : 0;
    s->rest[s->count] = best - s->base - s->offset[s->count / STARTS_BLOCK];
    s->count++;
}

/* Adds to the values of the cuts after step k. */
static void add_after(starts *s, int32_t k, int64_t bytes)
{
    int32_t block = (k + 1) / STARTS_BLOCK;
    int32_t last = (s->count - 1) / STARTS_BLOCK;
    for (int32_t i = k + 1; i < s->count && i < (block + 1) * STARTS_BLOCK; i++)
        s->rest[i] += bytes;
    starts_least *least = &s->least[2 * (ptrdiff_t)block];
    least[0].iterations = least[1].iterations = 0;
    for (int32_t b = block + 1; b <= last; b++)
        s->offset[b] += bytes;
}

void starts_add_step(starts *s)
{
    const mbs_program *p = s->program;
    const mbs_step *step = &p->steps[s->end];
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const mbs_touch *touch = &p->touches[t];
        const mbs_tensor *tensor = &p->tensors[touch->tensor];
        int64_t bytes = s->batch * tensor->bytes;
        bool last = touch->next < 0;
        if (t >= step->write_begin) {
            if (tensor->kept || !last)
                s->base += bytes; /* until its last touch is in the group */
        } else if (touch->previous < 0) {
            s->base += bytes;
        } else {
            add_after(s, p->touches[touch->previous].step, bytes);
        }
        if (last && !tensor->kept && tensor->producer >= 0 && tensor->producer < s->end) {
            s->base -= bytes;
            add_after(s, tensor->producer, bytes);
        }
    }
    s->end++;
}

int64_t starts_block_reduced(starts *s, int32_t block, int64_t iterations)
{
    starts_least *least = &s->least[2 * block + (iterations > 1)];
    if (least->iterations != iterations) {
        const int32_t first = block * STARTS_BLOCK;
        *least = (starts_least){iterations, INT64_MAX};
        for (int32_t k = first; k < first + STARTS_BLOCK; k++)
            least->value = min_i64(least->value, s->rest[k] - starts_parameters(s, k, iterations));
    }
    return s->base + s->offset[block] + least->value;
}

bool starts_raise(starts_need *need, starts_need more)
{
    bool raised = more.smallest > need->smallest || more.peak > need->peak;
    if (more.smallest > need->smallest)
        need->smallest = more.smallest;
    need->peak = max_i64(need->peak, more.peak);
    return raised;
}

void starts_learn(starts *s, int32_t cut, starts_need need)
{
    starts_raise(&s->need[cut], need);
    starts_raise(&s->block_need[cut / STARTS_BLOCK], need);
}
