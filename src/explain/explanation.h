/* What is explained, and the two forms it is written in. */
#ifndef EXPLAIN_EXPLANATION_H
#define EXPLAIN_EXPLANATION_H

#include "explain/words.h"
#include "mbsopt/explain.h"

typedef struct explanation {
    const mbs_plan *plan;
    variants variants;
    int32_t first_group; /* groups [first_group, end_group) */
    int32_t end_group;
    int32_t step;           /* this step alone; -1: groups */
    bool is_whole;          /* the plan, not one group of it */
    const mbs_plan *larger; /* of the whole: for 1 MiB more */
    mbs_plan *own_larger;   /* the same, if the explanation made it */
    moves moves;            /* of the groups */
    part_list parts;        /* of the step */
} explanation;

/* ---- explain_text.c ---- */

/* The errors of both are those of what they find out about groups: MBS_ERR_MEMORY. */
mbs_status explain_write_text(text *out, explanation *of, mbs_error *error);

/* The paragraphs on the plan as such, and on a plan for more buffer. */
void explain_head(text *out, const explanation *of);
void explain_larger(text *out, const explanation *of);

/* ---- explain_json.c ---- */

mbs_status explain_write_json(text *out, explanation *of, mbs_error *error);

#endif
