#include "op_elements.h"

#include <stdbool.h>

const mbs_layer *value_layer(const mbs_network *n, int32_t value)
{
    return value < n->input_count ? NULL : &n->layers[value - n->input_count];
}

const mbs_shape *traced_shape(const mbs_network *n, int32_t value)
{
    const mbs_layer *layer = value_layer(n, value);
    return layer == NULL ? &n->inputs[value].shape : &layer->shape;
}

int64_t value_elements(const mbs_network *n, int32_t value)
{
    const mbs_layer *layer = value_layer(n, value);
    return layer == NULL ? n->inputs[value].elements : layer->elements;
}

static void split_index(const mbs_shape *shape, int64_t at, int64_t index[MBS_MAX_RANK])
{
    for (int d = shape->rank; d-- > 0; at /= shape->dim[d])
        index[d] = at % shape->dim[d];
}

static int64_t join_index(const mbs_shape *shape, const int64_t index[MBS_MAX_RANK])
{
    int64_t at = 0;
    for (int d = 0; d < shape->rank; d++)
        at = at * shape->dim[d] + index[d];
    return at;
}

int64_t element_index(const mbs_shape *shape, int64_t at, int d)
{
    int64_t index[MBS_MAX_RANK];
    split_index(shape, at, index);
    return index[d];
}

element element_behind(const mbs_network *n, element e)
{
    int64_t index[MBS_MAX_RANK];
    for (;;) {
        const mbs_layer *view = value_layer(n, e.value);
        if (view == NULL || !op_is_view(view->op))
            return e;
        split_index(&view->shape, e.at, index);
        int32_t input = 0;
        if (view->op == OP_CONCAT)
            while (index[view->axis] >= traced_shape(n, view->inputs[input])->dim[view->axis])
                index[view->axis] -= traced_shape(n, view->inputs[input++])->dim[view->axis];
        if (view->op == OP_SLICE)
            index[view->axis] = view->begin + index[view->axis] * view->step;
        e.value = view->inputs[input];
        if (view->op == OP_CONCAT || view->op == OP_SLICE) /* others keep the order of elements */
            e.at = join_index(traced_shape(n, e.value), index);
    }
}

/* One output element of one layer. */
typedef struct tracing {
    const mbs_network *network;
    const mbs_layer *layer;
    element_visit *visit;
    void *context;
    int64_t index[MBS_MAX_RANK]; /* of the output element */
} tracing;

static void visit_at(const tracing *t, int32_t input, const int64_t index[MBS_MAX_RANK])
{
    const mbs_shape *shape = traced_shape(t->network, t->layer->inputs[input]);
    for (int d = 0; d < shape->rank; d++)
        if (index[d] < 0 || index[d] >= shape->dim[d])
            return;
    const element e = {t->layer->inputs[input], join_index(shape, index)};
    t->visit(t->context, input, element_behind(t->network, e));
}

/* All elements of an input that have the output's index in the first `same` dimensions. */
static void visit_all(const tracing *t, int32_t input, int same)
{
    const int32_t value = t->layer->inputs[input];
    const mbs_shape *shape = traced_shape(t->network, value);
    for (int64_t at = 0; at < value_elements(t->network, value); at++) {
        int64_t index[MBS_MAX_RANK];
        bool wanted = true;
        split_index(shape, at, index);
        for (int d = 0; d < same; d++)
            wanted = wanted && index[d] == t->index[d];
        if (wanted)
            visit_at(t, input, index);
    }
}

/* Same index, 0 in broadcast dimensions. */
static void visit_broadcast(const tracing *t, int32_t input)
{
    const mbs_shape *shape = traced_shape(t->network, t->layer->inputs[input]);
    int64_t index[MBS_MAX_RANK];
    for (int d = 0; d < shape->rank; d++)
        index[d] = shape->dim[d] == 1 ? 0 : t->index[d];
    visit_at(t, input, index);
}

/* Whether place `in` of a dimension is under tap `tap` of the window of place `out`. */
static int64_t under(const mbs_layer *l, int axis, int64_t out, int64_t tap)
{
    return out * l->stride[axis] - l->pad[axis] + tap * l->dilation[axis];
}

/* A window's elements; of a conv_transpose those whose windows reach the output's. */
static void visit_windows(const tracing *t)
{
    const mbs_layer *l = t->layer;
    const mbs_shape *in = traced_shape(t->network, l->inputs[0]);
    const bool pool = l->op == OP_MAX_POOL || l->op == OP_AVG_POOL;
    for (int64_t at = 0; at < value_elements(t->network, l->inputs[0]); at++) {
        int64_t index[MBS_MAX_RANK];
        bool reached = true;
        split_index(in, at, index);
        for (int axis = 0; axis < l->axes; axis++) {
            bool here = false;
            for (int64_t tap = 0; tap < l->kernel[axis]; tap++) {
                const int64_t place = index[1 + axis], out = t->index[1 + axis];
                here = here || (l->op == OP_CONV_TRANSPOSE ? under(l, axis, place, tap) == out
                                                           : under(l, axis, out, tap) == place);
            }
            reached = reached && here;
        }
        const bool channel = pool ? index[0] == t->index[0]
                                  : index[0] / (in->dim[0] / l->groups) ==
                                        t->index[0] / (l->shape.dim[0] / l->groups);
        if (channel && reached)
            visit_at(t, 0, index);
    }
}

static void visit_matmul(const tracing *t)
{
    const mbs_layer *l = t->layer;
    const int rank = l->shape.rank;
    for (int32_t input = 0; input < 2; input++) {
        const mbs_shape *shape = traced_shape(t->network, l->inputs[input]);
        /* the dimension that is summed over, and the other one of the matrix */
        const int summed = (input == 0) != l->transpose[input] ? rank - 1 : rank - 2;
        const int kept = summed == rank - 1 ? rank - 2 : rank - 1;
        int64_t index[MBS_MAX_RANK];
        for (int d = 0; d < rank - 2; d++)
            index[d] = shape->dim[d] == 1 ? 0 : t->index[d];
        index[kept] = t->index[input == 0 ? rank - 2 : rank - 1];
        for (index[summed] = 0; index[summed] < shape->dim[summed]; index[summed]++)
            visit_at(t, input, index);
    }
}

/* What a nearest neighbour or a bilinear interpolation along the height takes, by any convention;
   of the other axes all. */
static void visit_upsample(const tracing *t)
{
    const mbs_shape *in = traced_shape(t->network, t->layer->inputs[0]);
    const int row = in->rank - 2;
    const double high = (double)in->dim[row], size = (double)t->layer->shape.dim[row];
    const double out = (double)t->index[row];
    const double halves = (out + 0.5) * high / size - 0.5;
    const int64_t places[] = {
        (int64_t)(out * high / size + 1e-9), (int64_t)((out + 0.5) * high / size),
        halves < 0 ? 0 : (int64_t)halves, (int64_t)(size > 1 ? out * (high - 1) / (size - 1) : 0)};
    for (int64_t at = 0; at < value_elements(t->network, t->layer->inputs[0]); at++) {
        int64_t index[MBS_MAX_RANK];
        bool taken = false;
        split_index(in, at, index);
        for (int i = 0; i < 4; i++)
            taken = taken || index[row] == places[i] || (i >= 2 && index[row] == places[i] + 1);
        if (taken && index[0] == t->index[0])
            visit_at(t, 0, index);
    }
}

static void visit_moved(const tracing *t)
{
    const mbs_layer *l = t->layer;
    int64_t index[MBS_MAX_RANK];
    for (int d = 0; d < l->shape.rank; d++) {
        if (l->op == OP_PERMUTE)
            index[l->list.dim[d]] = t->index[d];
        else
            index[d] = t->index[d] - l->list.dim[d];
    }
    visit_at(t, 0, index);
}

void op_elements(const mbs_network *network, const mbs_layer *layer, int64_t at,
                 element_visit *visit, void *context)
{
    tracing t = {network, layer, visit, context, {0}};
    split_index(&layer->shape, at, t.index);
    switch (layer->op) {
    case OP_CONV:
    case OP_CONV_TRANSPOSE:
    case OP_MAX_POOL:
    case OP_AVG_POOL:
        visit_windows(&t);
        break;
    case OP_FC:
        visit_all(&t, 0, (int)layer->axis);
        break;
    case OP_GLOBAL_AVG_POOL:
        visit_all(&t, 0, 1);
        break;
    case OP_SOFTMAX:
        visit_all(&t, 0, layer->shape.rank - 1);
        break;
    case OP_LRN:
        for (int64_t c = 0; c < layer->shape.dim[0]; c++)
            visit_at(&t, 0, (int64_t[MBS_MAX_RANK]){c, t.index[1], t.index[2]});
        break;
    case OP_MATMUL:
        visit_matmul(&t);
        break;
    case OP_UPSAMPLE:
        visit_upsample(&t);
        break;
    case OP_PERMUTE:
    case OP_PAD:
        visit_moved(&t);
        break;
    default:
        for (int32_t i = 0; i < layer->input_count; i++)
            visit_broadcast(&t, i);
    }
}
