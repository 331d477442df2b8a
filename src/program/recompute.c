#include "program/recompute.h"

const char *mbs_recompute_name(mbs_recompute recompute)
{
    static const char *const names[MBS_RECOMPUTE_COUNT] = {"none", "activations", "expand", "auto"};
    return (unsigned)recompute < MBS_RECOMPUTE_COUNT ? names[recompute] : NULL;
}

bool recompute_allows(mbs_op op)
{
    /* dropout draws anew each time; of a pool its small index is stored, not its large input; a
       parameter's rows are read, not computed */
    return op != OP_PARAMETER && op != OP_EMBEDDING && op != OP_DROPOUT && op != OP_MAX_POOL &&
           op != OP_AVG_POOL && op != OP_GLOBAL_AVG_POOL && !op_is_view(op);
}

static bool is_rectifier(mbs_op op)
{
    return op == OP_RELU || op == OP_RELU6 || op == OP_LEAKY_RELU;
}

static bool are_norms(const mbs_network *n, const int32_t *members, int32_t count)
{
    const int32_t values = n->input_count + n->layer_count;
    for (int32_t i = 0; i < count; i++)
        if (members[i] < n->input_count || members[i] >= values ||
            n->layers[members[i] - n->input_count].op != OP_NORM)
            return false;
    return true;
}

/* A convolution by windows of one element whose output has at least twice the elements of its
 * input. */
static bool expands(const mbs_network *n, const mbs_layer *l)
{
    if (l->op != OP_CONV || l->kernel[0] != 1 || l->kernel[1] != 1 || l->kernel[2] != 1)
        return false;
    const int32_t value = l->inputs[0];
    const int64_t input = value < n->input_count ? n->inputs[value].elements
                                                 : n->layers[value - n->input_count].elements;
    return l->elements / 2 >= input;
}

bool recompute_wants(const mbs_network *network, int32_t layer, const int32_t *members,
                     int32_t member_count, mbs_recompute policy)
{
    const mbs_layer *l = &network->layers[layer];
    if (policy == MBS_RECOMPUTE_NONE)
        return false;
    if (l->op == OP_NORM || (is_rectifier(l->op) && are_norms(network, members, member_count)))
        return true;
    return policy == MBS_RECOMPUTE_EXPAND && expands(network, l);
}
