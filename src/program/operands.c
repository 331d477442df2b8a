/* What steps read and write in both phases. */
#include "program/builder.h"

/* A tensor that can be recomputed has its value's id; others are parts, which are stored. */
int32_t remat_tensor(const builder *b, int32_t tensor)
{
    const bool again = b->again != NULL && tensor < b->value_count && b->again[tensor] >= 0;
    return again ? b->again[tensor] : tensor;
}

bool read_inputs(builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    for (int32_t i = 0; i < l->input_count; i++) {
        const int32_t count = members_of(b, l->inputs[i]).count;
        for (int32_t m = 0; m < count; m++) {
            const operand read = operand_of(b, layer, i, m);
            if (!builder_read(b, remat_tensor(b, read.tensor), read.map))
                return false;
        }
    }
    return true;
}

int32_t write_statistics(builder *b, const char *name)
{
    const int32_t statistics = builder_tensor(b, 0, b->options.bits.activation, 1, name);
    return statistics >= 0 && builder_write(b, statistics) ? statistics : -1;
}

bool read_statistics(builder *b, int32_t statistics)
{
    mbs_step *step = &b->program->steps[b->program->step_count - 1];
    const int32_t written = b->program->tensors[statistics].last_touch;
    if (b->network->layers[step->layer_id].norm_kind == NORM_BATCH && b->options.keep_batch_norm)
        step->coupled_to = b->program->touches[written].step;
    return builder_read(b, statistics, map_plain(b, false, step->rows, statistics));
}
