/* Row axes of values, and what of their rows survives an op (model, section 11). */
#include "program/builder.h"
#include "program/rows.h"

/* No dimension at all; -1 is that of a value of one row. */
#define NONE (-2)

static bool is_window(mbs_op op)
{
    return op == OP_CONV || op == OP_CONV_TRANSPOSE || op == OP_MAX_POOL || op == OP_AVG_POOL ||
           op == OP_UPSAMPLE;
}

int reshaped_axis(const mbs_shape *from, int axis, const mbs_shape *to)
{
    int64_t before = 1;
    const int64_t wanted = axis < 0 ? 0 : elements_between(from, 0, axis);
    for (int d = 0; d < to->rank && axis >= 0; before *= to->dim[d++])
        if (to->dim[d] == from->dim[axis] && before == wanted)
            return d;
    return NONE;
}

/* Where dimension `axis` of the first input is in the output, or NONE. */
static int handed_on(const mbs_layer *l, const mbs_shape *from, int axis)
{
    if (axis < 0)
        return NONE;
    switch (l->op) {
    case OP_PERMUTE:
        for (int d = 0; d < l->shape.rank; d++)
            if (l->list.dim[d] == axis)
                return d;
        return NONE;
    case OP_RESHAPE:
    case OP_FLATTEN:
        return reshaped_axis(from, axis, &l->shape);
    case OP_CONCAT:
    case OP_SLICE:
        return axis != l->axis ? axis : NONE;
    case OP_FC:
        return axis < l->axis ? axis : NONE;
    case OP_MATMUL: {
        const int rows = from->rank - (l->transpose[0] ? 1 : 2);
        return axis == rows ? from->rank - 2 : axis < from->rank - 2 ? axis : NONE;
    }
    case OP_ELEMENTWISE:
        return l->shape.rank == from->rank &&
                       (l->list.rank == 0 || l->shape.dim[axis] == from->dim[axis])
                   ? axis
                   : NONE;
    case OP_GLOBAL_AVG_POOL:
    case OP_PARAMETER:
        return NONE;
    default:
        return axis;
    }
}

void row_axes_find(builder *b)
{
    for (int32_t value = 0; value < b->value_count; value++) {
        const mbs_layer *l = builder_layer(b, value);
        const int rank = builder_shape(b, value)->rank;
        int axis = NONE;
        if (l != NULL && is_window(l->op))
            axis = 1 + row_window(l);
        else if (l != NULL && l->input_count > 0)
            axis = handed_on(l, builder_shape(b, l->inputs[0]), b->row_axis[l->inputs[0]]);
        if (axis < 0)
            axis = rank - 2;
        const bool cut = rank > 1 && builder_shape(b, value)->dim[axis] <= MOST_ROWS;
        b->row_axis[value] = cut ? axis : -1;
    }
}

int64_t forward_rows(const builder *b, int32_t layer)
{
    const mbs_layer *l = &b->network->layers[layer];
    return rows_of(b, l->op == OP_GLOBAL_AVG_POOL ? l->inputs[0] : b->network->input_count + layer);
}

int64_t rows_of_part(const builder *b, int32_t value, int64_t begin, int64_t end, bool *aligned)
{
    const mbs_shape *shape = builder_shape(b, value);
    const int axis = b->row_axis[value];
    const int64_t rows = rows_of(b, value);
    const int64_t planes =
        axis < 0 ? 1 : elements_between(shape, 0, axis); /* of all rows, one after */
    const int64_t row =
        elements_between(shape, axis + 1, shape->rank); /* elements of one in a plane */
    const int64_t runs = b->ranges[value].blocks;
    *aligned = true;
    if (runs % (planes * rows) == 0) /* something of each row */
        return rows;
    if (planes % runs == 0 && begin % (row * rows) == 0 && end % (row * rows) == 0)
        return rows; /* some planes */
    *aligned = false;
    if (planes == runs && begin % row == 0 && end % row == 0)
        return (end - begin) / row; /* some rows */
    return 1;
}

bool norm_is_affine(const builder *b, const mbs_layer *l)
{
    return b->options.inference && l->op == OP_NORM && l->norm_kind == NORM_BATCH;
}

bool norm_is_within_row(const builder *b, const mbs_layer *l)
{
    return l->norm_kind == NORM_LAYER && l->axis >= 0 && l->axis > b->row_axis[l->inputs[0]];
}

bool norm_is_split(const builder *b, const mbs_layer *l)
{
    return b->options.split_norms && l->op == OP_NORM && !norm_is_within_row(b, l) &&
           !norm_is_affine(b, l);
}

/* Whether a row of a norm's output needs no other row of the input: what of these it needs are
   statistics, which another step makes, or which are constants. */
static bool norm_is_by_rows(const builder *b, const mbs_layer *l)
{
    return b->options.split_norms || norm_is_within_row(b, l) || norm_is_affine(b, l);
}

/* The dimension of an input that goes with dimension `axis` of the layer's output, or NONE. */
static int input_axis(const builder *b, const mbs_layer *l, int32_t input, int axis)
{
    const mbs_shape *from = builder_shape(b, l->inputs[input]);
    const bool same =
        from->rank == l->shape.rank && (axis < 0 || from->dim[axis] == l->shape.dim[axis]);
    switch (l->op) {
    case OP_CONV:
    case OP_CONV_TRANSPOSE:
    case OP_MAX_POOL:
    case OP_AVG_POOL:
    case OP_UPSAMPLE:
        return axis < 0 ? NONE : axis;
    case OP_GLOBAL_AVG_POOL:
        return b->row_axis[l->inputs[0]]; /* its steps have the input's rows */
    case OP_FC:
        return axis >= 0 && axis < l->axis ? axis : NONE;
    case OP_MATMUL:
        if (input == 1)
            return NONE;
        if (axis == from->rank - 2)
            return from->rank - (l->transpose[0] ? 1 : 2);
        return same ? axis : NONE;
    case OP_PERMUTE:
        return axis < 0 ? axis : (int)l->list.dim[axis];
    case OP_PAD:
        return axis;
    case OP_SOFTMAX: /* over the last dimension; of [C, H, W] over the channels */
        return axis >= 0 && (axis == l->shape.rank - 1 || (axis == 0 && l->shape.rank == 3)) ? NONE
                                                                                             : axis;
    case OP_LRN: /* over neighbouring channels */
        return axis == 0 ? NONE : axis;
    case OP_NORM:
        return norm_is_by_rows(b, l) ? axis : NONE;
    case OP_ELEMENTWISE: /* with a shape of its own it may be any function */
        return l->list.rank == 0 && same ? axis : NONE;
    default:
        return same ? axis : NONE;
    }
}

bool rows_correspond(const builder *b, int32_t layer, int32_t input)
{
    const mbs_layer *l = &b->network->layers[layer];
    const int axis = b->row_axis[b->network->input_count + layer];
    return input_axis(b, l, input, axis) == b->row_axis[l->inputs[input]];
}
