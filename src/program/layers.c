#include "program/layers.h"

#include "base/error.h"
#include "base/memory.h"

mbs_status layer_numbers_create(layer_numbers *numbers, const mbs_program *p, mbs_error *error)
{
    int32_t ids = 0;
    for (int32_t k = 0; k < p->step_count; k++)
        if (p->steps[k].layer_id >= ids)
            ids = p->steps[k].layer_id + 1;
    int32_t *number = mem_zeroed(ids, sizeof *number); /* per layer id: 1 + its number, or 0 */
    *numbers = (layer_numbers){.of_step = mem_zeroed(p->step_count, sizeof(int32_t)),
                               .first = mem_zeroed(p->step_count, sizeof(int32_t))};
    if (number == NULL || numbers->of_step == NULL || numbers->first == NULL) {
        mem_free(number);
        return error_memory(error);
    }
    for (int32_t k = 0; k < p->step_count; k++) {
        const int32_t id = p->steps[k].layer_id;
        if (id >= 0 && number[id] > 0) {
            numbers->of_step[k] = number[id] - 1;
            continue;
        }
        numbers->of_step[k] = numbers->count;
        numbers->first[numbers->count++] = k;
        if (id >= 0)
            number[id] = numbers->count;
    }
    mem_free(number);
    return MBS_OK;
}

void layer_numbers_free(layer_numbers *numbers)
{
    mem_free(numbers->of_step);
    mem_free(numbers->first);
}
