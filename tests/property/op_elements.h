/* Which elements of its inputs an op makes an element of its output of, from the ops' definitions.
 */
#ifndef TESTS_PROPERTY_OP_ELEMENTS_H
#define TESTS_PROPERTY_OP_ELEMENTS_H

#include "network/network.h"

/* An element of a value, in row-major order. */
typedef struct element {
    int32_t value;
    int64_t at;
} element;

/* Index `d` of an element of that shape. */
int64_t element_index(const mbs_shape *shape, int64_t at, int d);
const mbs_shape *traced_shape(const mbs_network *network, int32_t value);
int64_t value_elements(const mbs_network *network, int32_t value);
/* The layer that makes a value; null: it is a network input. */
const mbs_layer *value_layer(const mbs_network *network, int32_t value);

/* What a view's element is, of a value that is no view. */
element element_behind(const mbs_network *network, element e);

/* Called for elements of values that are no views, maybe more than once for the same. */
typedef void element_visit(void *context, int32_t input, element of);

/*
 * Visits what element `at` of the layer's output depends on. A norm's is its own element alone:
 * statistics are another matter. The layer is no view.
 */
void op_elements(const mbs_network *network, const mbs_layer *layer, int64_t at,
                 element_visit *visit, void *context);

#endif
