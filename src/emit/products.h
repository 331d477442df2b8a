/* The matrix products of a plan, as simulators of arrays are asked about them. */
#ifndef EMIT_PRODUCTS_H
#define EMIT_PRODUCTS_H

#include "cost/schedule.h"

typedef enum product_pass { PASS_FORWARD, PASS_DGRAD, PASS_WGRAD } product_pass;

/* A step on a number of samples: what a simulator runs once. */
typedef struct gemm_run {
    int32_t step;
    product_pass pass;
    int64_t samples;
    int64_t runs; /* in one training step, each of the groups' products counted */
    int64_t m;    /* of one of the groups' products, for all samples */
    int64_t k;
    int64_t n;
} gemm_run;

typedef struct product_list {
    gemm_run *items;
    int32_t count;
} product_list;

/*
 * The distinct (step, samples) in step order: one for each step with a matrix product, and one more
 * where its last iteration has fewer samples. Free items with mem_free(). O(steps).
 * Errors: MBS_ERR_MEMORY, MBS_ERR_INPUT (a size exceeds 2^53, from a loaded plan).
 */
mbs_status product_list_create(product_list *list, const mbs_plan *plan, mbs_error *error);

#endif
