/* What an optimizer does once a gradient is complete (model, section 3). */
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "program/builder.h"

const char *mbs_optimizer_name(mbs_optimizer optimizer)
{
    static const char *const names[MBS_OPTIMIZER_COUNT] = {"none", "sgd", "momentum", "adam"};
    return (unsigned)optimizer < MBS_OPTIMIZER_COUNT ? names[optimizer] : NULL;
}

/* Bytes and elements of an update of `count` parameters. */
static bool count_update(builder *b, int64_t count, weight_update *update)
{
    static const int state_words[MBS_OPTIMIZER_COUNT] = {
        [MBS_OPTIMIZER_MOMENTUM] = 1, [MBS_OPTIMIZER_ADAM] = 2};
    const mbs_optimizer_bits *bits = &b->options.optimizer_bits;
    const int64_t weight_bits = b->options.bits.weight;
    const int words = state_words[b->options.optimizer];
    const bool has_masters = bits->master > 0;
    int64_t state;
    int64_t masters;
    int64_t weights;
    if (!builder_bytes(b, count, bits->state, &state) ||
        !builder_bytes(b, count, bits->master, &masters) ||
        !builder_bytes(b, count, weight_bits, &weights))
        return false;
    *update = (weight_update){.is_update = true,
                              .state_bytes = masters,
                              .old_bytes = has_masters ? 0 : weights,
                              .new_bytes = weights};
    if (!checked_add_product(&update->state_bytes, words, state) ||
        !checked_mul(count, 3 + has_masters + 2 * words, &update->elements))
        return builder_fail(b, MBS_ERR_INPUT);
    return true;
}

/* The update behind a step, the last that adds to its gradient. */
static bool make_update(builder *b, const mbs_step *adds, mbs_step *update)
{
    static const char *const kinds[MBS_OPTIMIZER_COUNT] = {
        [MBS_OPTIMIZER_SGD] = "sgd.update",
        [MBS_OPTIMIZER_MOMENTUM] = "momentum.update",
        [MBS_OPTIMIZER_ADAM] = "adam.update",
    };
    const mbs_layer *layer = &b->network->layers[adds->layer_id];
    *update = (mbs_step){
        .name = name_pool_format(b->program->names, "%s.update", adds->layer),
        .kind = kinds[b->options.optimizer],
        .layer = adds->layer,
        .layer_id = adds->layer_id,
        .phase = MBS_BACKWARD,
        .pass = STEP_UPDATE,
        .coupled_to = -1,
        .rows = 1,
        .touch_begin = adds->touch_end,
        .write_begin = adds->touch_end,
        .touch_end = adds->touch_end,
        .weight_use = {-1, -1, 0},
        .accumulator_use = {-1, -1, 0},
    };
    if (update->name == NULL)
        return builder_fail(b, MBS_ERR_MEMORY);
    return count_update(b, layer->weights + layer->biases, &update->update);
}

/* Per layer that owns parameters: the step that adds last to their gradient, or -1. Returns how
 * many have one. */
static int32_t find_last(const builder *b, int32_t *last)
{
    const mbs_program *p = b->program;
    int32_t count = 0;
    for (int32_t l = 0; l < b->network->layer_count; l++)
        last[l] = -1;
    for (int32_t k = 0; k < p->step_count; k++) {
        if (p->steps[k].accumulator_bytes == 0)
            continue;
        int32_t *of_owner = &last[layer_owner(b->network, p->steps[k].layer_id)];
        count += *of_owner < 0;
        *of_owner = k;
    }
    return count;
}

/* Copies the steps with their updates to `steps`, and their new numbers to `number`. */
static bool copy_steps(builder *b, const int32_t *last, mbs_step *steps, int32_t *number)
{
    const mbs_program *p = b->program;
    int32_t count = 0;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        number[k] = count;
        steps[count] = *step;
        if (step->coupled_to >= 0)
            steps[count].coupled_to = number[step->coupled_to];
        count++;
        if (step->accumulator_bytes > 0 && last[layer_owner(b->network, step->layer_id)] == k &&
            !make_update(b, step, &steps[count++]))
            return false;
    }
    return true;
}

bool updates_insert(builder *b)
{
    mbs_program *p = b->program;
    if (p->optimizer == MBS_OPTIMIZER_NONE)
        return true;
    int32_t *last = mem_alloc((size_t)b->network->layer_count * sizeof *last);
    int32_t *number = mem_alloc((size_t)p->step_count * sizeof *number);
    const int32_t updates = last == NULL ? 0 : find_last(b, last);
    mbs_step *steps = mem_zeroed((int64_t)p->step_count + updates, sizeof *steps);
    bool made = last != NULL && number != NULL && steps != NULL;
    if (!made)
        builder_fail(b, MBS_ERR_MEMORY);
    made = made && copy_steps(b, last, steps, number);
    if (made) {
        for (int32_t t = 0; t < p->touch_count; t++)
            p->touches[t].step = number[p->touches[t].step];
        mem_free(p->steps);
        p->steps = steps;
        p->step_count += updates;
        b->step_capacity = p->step_count;
        steps = NULL;
    }
    mem_free(last);
    mem_free(number);
    mem_free(steps);
    return made;
}
