/* The matrix products of a plan, as simulators of arrays are asked about them. */
#ifndef EMIT_PRODUCTS_H
#define EMIT_PRODUCTS_H

#include "cost/schedule.h"

typedef enum product_pass { PASS_FORWARD, PASS_DGRAD, PASS_WGRAD } product_pass;

/* A step on a number of samples, or on a strip of one: what a simulator runs once. */
typedef struct gemm_run {
    int32_t step;
    product_pass pass;
    int64_t samples;
    int64_t rows; /* of the step, of a strip of one sample; 0: whole samples */
    int64_t runs; /* in one training step, each of the groups' products counted */
    int64_t m;    /* of one of the groups' products, for all samples or the strip's rows */
    int64_t k;
    int64_t n;
} gemm_run;

typedef struct product_list {
    gemm_run *items;
    int32_t count;
    int32_t room;
} product_list;

/*
 * The distinct (step, samples) in step order: one for each step with a matrix product, and one more
 * where its last iteration has fewer samples; of a strip group the distinct products that its
 * strips come to, the larger ones first. Free items with mem_free(), also after a failure.
 * O(steps), of strip groups O(touches · strips · log strips). Errors: MBS_ERR_MEMORY, MBS_ERR_INPUT
 * (a size exceeds 2^53, from a loaded plan).
 */
mbs_status product_list_create(product_list *list, const mbs_plan *plan, mbs_error *error);

/* A name for a product, NAME_bSAMPLES or NAME_rROWS, to be made safe. Errors: MBS_ERR_MEMORY. */
mbs_status product_name(char **name, const mbs_program *program, const gemm_run *item,
                        mbs_error *error);

#endif
