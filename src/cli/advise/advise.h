/*
 * Buffers against memories: what `mbsopt advise` finds out and how it is written. It is a sweep
 * over buffers and machines with two planners, the baseline and another one.
 */
#ifndef CLI_ADVISE_H
#define CLI_ADVISE_H

#include "compare/compare.h"
#include "sweep/sweep.h"

/* A memory is enough where its time is at most so many percent above that of the fastest. */
#define ADVISE_WITHIN_PERCENT 5

/* No place in a list. */
#define ADVISE_NONE SIZE_MAX

typedef struct advise_run {
    sweep sweep;       /* planners: baseline, then the other; buffers ascending */
    compare_row *rows; /* per point of the sweep, related to the baseline's */
} advise_run;

/* What is made of one network at one mini-batch: places in the lists of buffers and machines. */
typedef struct advice {
    size_t traffic_knee; /* ADVISE_NONE: there is none */
    size_t *time_knee;   /* per machine: likewise */
    size_t *enough_from; /* per machine: the smallest buffer from which on it is enough */
    size_t sparing;      /* the buffer that traffic asks for: its knee, or if there is none the
                            smallest at most ADVISE_WITHIN_PERCENT above the least */
    size_t buffer;       /* the advised one: that, or if it is slower than baseline, or so many
                            percent slower than a smaller one, the smallest at most so many percent
                            above the least time */
    size_t machine;      /* of those that are enough from there on the one of least bandwidth */
} advice;

/* ---- figures.c: nothing here prints or reads files ---- */

/* The point of the planner (0: baseline, 1: the other) at these places. */
const compare_row *advise_row(const advise_run *of, size_t network, size_t batch, size_t buffer,
                              size_t machine, size_t planner);

/* Relates the rows of the planner to those of the baseline. */
void advise_relate(advise_run *of);

/*
 * The knee of `values` over ascending `buffers`: of the values below the straight line from the
 * first to the last, buffers on a logarithmic scale, the one farthest below; the first of several.
 * ADVISE_NONE with fewer than three, or if none is below.
 */
size_t advise_knee(const int64_t *buffers, const double *values, size_t count);

/* False if memory is out; free in any case. */
bool advise_find(advice *found, const advise_run *of, size_t network, size_t batch);
void advise_free(advice *found);

/* The machine that is fastest at the buffer. */
size_t advise_fastest(const advise_run *of, size_t network, size_t batch, size_t buffer);

/* By how much traffic at a buffer is below that at another, as a part of the latter. */
double advise_saving(const advise_run *of, size_t network, size_t batch, size_t from, size_t to);

/* ---- words.c ---- */

/* What a machine is called: its memory, if no other has one of that name, else its own name. */
const char *advise_machine_name(const advise_run *of, size_t machine);

/* The advice in one sentence. */
void advise_put_sentence(FILE *out, const advise_run *of, const advice *found, size_t network,
                         size_t batch);

/* From which buffer on each memory is enough, in a line; nothing of a single one. */
void advise_put_memories(FILE *out, const advise_run *of, const advice *found, size_t network,
                         size_t batch);

/* ---- write.c, document.c ---- */

typedef enum advise_format { ADVISE_TABLE, ADVISE_CSV, ADVISE_JSON } advise_format;

/* All of it as text, owned by the caller (free); null if memory is out. */
char *advise_text(const advise_run *of, advise_format format, int width);

/* The same as JSON or CSV; false if memory is out. */
bool advise_put_document(FILE *out, const advise_run *of);
bool advise_put_rows(FILE *out, const advise_run *of);

#endif
