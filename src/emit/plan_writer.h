/* A plan file while it is being written: what plan_write*.c share. */
#ifndef EMIT_PLAN_WRITER_H
#define EMIT_PLAN_WRITER_H

#include "base/text.h"
#include "cost/schedule.h"

typedef struct plan_writer {
    const mbs_plan *plan;
    const mbs_program *program;
    const mbs_hardware *hardware; /* costs are written for it; or null */
    int version;                  /* of the format */
    text out;
    mbs_error *error;
    mbs_status status;
    bool first; /* in the list at hand, nothing is written yet */
} plan_writer;

/* `"key": value`, with `, ` before it in the second; a figure that JSON readers round is a fault.
 */
void put_figure(plan_writer *w, const char *key, int64_t value);
void put_next_figure(plan_writer *w, const char *key, int64_t value);
void put_next_string(plan_writer *w, const char *key, const char *value);

/* A list that is a member of the document, an entry a line. */
void list_begin(plan_writer *w, const char *key);
void list_entry(plan_writer *w);
void list_entry_end(plan_writer *w);
void list_end(plan_writer *w);

/* ---- plan_write_program.c ---- */

/* The members tensors and steps; of version 2 with rows and maps. */
void write_program(plan_writer *w);

#endif
