#include "plan/recompute/moves.h"

#include "base/memory.h"
#include "cost/array.h"
#include "program/recompute.h"

/* Units of a stretch. */
static const int32_t lengths[] = {1, 2, 3, 4, 6, 8};
#define LENGTH_COUNT ((int32_t)(sizeof lengths / sizeof lengths[0]))

/* Whether a tensor is less than the layer's whole output, which is then stored in parts. */
static bool is_part(const mbs_network *network, int32_t layer, const mbs_tensor *tensor)
{
    return tensor->elements != network->layers[layer].elements;
}

static void read_forward_step(recompute_layer *layers, const mbs_network *network,
                              const mbs_program *p, const mbs_step *step, int32_t *members)
{
    int32_t count = 0;
    recompute_layer *layer = &layers[step->layer_id];
    layer->allowed = recompute_allows(network->layers[step->layer_id].op);
    layer->multiplies = step->gemm.m > 0;
    layer->widens = layer->multiplies && step->conv.kernel[0] * step->conv.kernel[1] != 1;
    layer->macs = array_macs(&step->gemm, 1);
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
        const int32_t from = tensor->producer < 0 ? -1 : p->steps[tensor->producer].layer_id;
        const bool whole = from >= 0 && !is_part(network, from, tensor);
        members[count++] = whole ? network->input_count + from : 0;
        if (from >= 0)
            layers[from].last_reader = step->layer_id;
    }
    for (int32_t t = step->write_begin; t < step->touch_end; t++) {
        const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
        const int32_t last_reader = p->touches[tensor->last_touch].step;
        layer->read_backward = layer->read_backward || p->steps[last_reader].phase == MBS_BACKWARD;
        if (is_part(network, step->layer_id, tensor))
            layer->allowed = false;
    }
    layer->activation =
        recompute_wants(network, step->layer_id, members, count, MBS_RECOMPUTE_ACTIVATIONS);
    layer->expand = recompute_wants(network, step->layer_id, members, count, MBS_RECOMPUTE_EXPAND);
}

/* Its inputs have readers behind it, or its output, which may stand for a mask, has any. */
static void find_shared(recompute_layer *layers, const mbs_program *p, const mbs_step *step)
{
    const int32_t layer = step->layer_id;
    layers[layer].shares = layers[layer].allowed && layers[layer].last_reader >= 0;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        const int32_t producer = p->tensors[p->touches[t].tensor].producer;
        const int32_t from = producer < 0 ? -1 : p->steps[producer].layer_id;
        if (from >= 0 && layers[from].allowed && layers[from].last_reader > layer)
            layers[layer].shares = true;
    }
}

bool recompute_layers(recompute_layer *layers, const mbs_network *network, const mbs_program *p)
{
    int32_t most = 1;
    for (int32_t k = 0; k < p->step_count; k++) {
        const int32_t reads = p->steps[k].write_begin - p->steps[k].touch_begin;
        most = reads > most ? reads : most;
    }
    int32_t *members = mem_alloc((size_t)most * sizeof *members);
    if (members == NULL)
        return false;
    for (int32_t l = 0; l < network->layer_count; l++)
        layers[l] = (recompute_layer){.last_reader = -1};
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        if (step->pass == STEP_FORWARD)
            read_forward_step(layers, network, p, step, members);
        for (int32_t t = step->touch_begin; step->pass == STEP_LOSS && t < step->write_begin; t++) {
            const int32_t producer = p->tensors[p->touches[t].tensor].producer;
            if (producer >= 0) /* a sink */
                layers[p->steps[producer].layer_id].allowed = false;
        }
    }
    for (int32_t k = 0; k < p->step_count; k++)
        if (p->steps[k].pass == STEP_FORWARD)
            find_shared(layers, p, &p->steps[k]);
    mem_free(members);
    return true;
}

double recompute_least_macs(const unsigned char *set, const recompute_layer *layers,
                            const mbs_program *plain, bool *again)
{
    double macs = 0;
    int32_t k = 0;
    for (; k < plain->step_count && plain->steps[k].phase == MBS_FORWARD; k++) {
        const int32_t l = plain->steps[k].layer_id;
        again[l] = (set[l] & MBS_RECOMPUTE_OUTPUT) != 0 && layers[l].read_backward;
    }
    /* what is computed again reads its inputs again */
    while (k-- > 0) {
        const mbs_step *step = &plain->steps[k];
        if (!again[step->layer_id])
            continue;
        macs += layers[step->layer_id].macs;
        for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
            const int32_t producer = plain->tensors[plain->touches[t].tensor].producer;
            const int32_t from = producer < 0 ? -1 : plain->steps[producer].layer_id;
            if (from >= 0 && (set[from] & MBS_RECOMPUTE_OUTPUT) != 0)
                again[from] = true;
        }
    }
    return macs;
}

static bool wanted(const recompute_layer *layers, const recompute_move *move, int32_t layer)
{
    const recompute_layer *l = &layers[layer];
    switch (move->level) {
    case LEVEL_ACTIVATIONS:
        return l->activation;
    case LEVEL_EXPAND:
        return l->expand;
    case LEVEL_FREE:
        return !l->multiplies;
    case LEVEL_INNER:
        return l->last_reader < move->end;
    default:
        return move->level == LEVEL_ALL;
    }
}

static unsigned char deep(const recompute_layer *layer)
{
    const unsigned output = layer->allowed && !layer->widens ? MBS_RECOMPUTE_OUTPUT : 0;
    return (unsigned char)(output | (layer->shares ? MBS_RECOMPUTE_ANEW : 0));
}

bool recompute_make_move(unsigned char *set, const recompute_layer *layers,
                         const recompute_move *move)
{
    bool changed = false;
    for (int32_t l = move->first; l < move->end; l++) {
        const bool output = (set[l] & MBS_RECOMPUTE_OUTPUT) != 0;
        const bool toggles = move->level == LEVEL_TOGGLE;
        unsigned char to = set[l];
        if (move->level == LEVEL_DEEP)
            to = deep(&layers[l]);
        else if (move->level == LEVEL_ANEW)
            to ^= MBS_RECOMPUTE_ANEW;
        else if (move->level == LEVEL_BOTH)
            to ^= MBS_RECOMPUTE_OUTPUT | MBS_RECOMPUTE_ANEW;
        else if (output != (layers[l].allowed && (toggles ? !output : wanted(layers, move, l))))
            to ^= MBS_RECOMPUTE_OUTPUT;
        changed = changed || set[l] != to;
        set[l] = to;
    }
    return changed;
}

/* Appends the moves that give levels [first, end) to consecutive units; returns how many moves
 * there are then. */
static int32_t add_stretches(recompute_move *moves, int32_t count, const int32_t *start,
                             int32_t units, recompute_level first, recompute_level end)
{
    for (int32_t i = 0; i < LENGTH_COUNT; i++)
        for (int32_t u = 0; u + lengths[i] <= units; u++)
            for (int level = (int)first; level < (int)end; level++)
                moves[count++] = (recompute_move){.first = start[u],
                                                  .end = start[u + lengths[i]],
                                                  .level = (recompute_level)level};
    return count;
}

recompute_move *recompute_moves(recompute_counts *counts, const mbs_network *network,
                                const recompute_layer *layers, recompute_level levels)
{
    const size_t n = (size_t)network->layer_count;
    int32_t *start = mem_alloc((n + 2) * sizeof *start);
    recompute_move *moves =
        mem_alloc(n * (3 + (size_t)LENGTH_COUNT * (LEVEL_COUNT + 1)) * sizeof *moves);
    int32_t units = 0;
    int32_t count = 0;
    if (start == NULL || moves == NULL) {
        mem_free(start);
        mem_free(moves);
        return NULL;
    }
    for (int32_t l = 0; l < network->layer_count; l++) {
        const mbs_op op = network->layers[l].op;
        if (l == 0 || op == OP_CONV || op == OP_FC)
            start[units++] = l;
        if (layers[l].allowed)
            moves[count++] = (recompute_move){.first = l, .end = l + 1, .level = LEVEL_TOGGLE};
    }
    start[units] = network->layer_count;
    counts->toggles = count;
    counts->once = count = add_stretches(moves, count, start, units, LEVEL_NONE, levels);
    count = add_stretches(moves, count, start, units, LEVEL_DEEP, LEVEL_ANEW);
    for (int32_t l = 0; l < network->layer_count; l++)
        if (layers[l].shares)
            moves[count++] = (recompute_move){.first = l, .end = l + 1, .level = LEVEL_ANEW};
    counts->all = count;
    for (int32_t l = 0; l < network->layer_count; l++)
        if (layers[l].shares && layers[l].allowed)
            moves[count++] = (recompute_move){.first = l, .end = l + 1, .level = LEVEL_BOTH};
    counts->with_both = count;
    mem_free(start);
    return moves;
}
