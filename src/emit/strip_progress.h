/* What a strip group brings and does strip by strip, from first step to last. */
#ifndef EMIT_STRIP_PROGRESS_H
#define EMIT_STRIP_PROGRESS_H

#include "cost/schedule.h"

typedef struct strip_progress {
    int32_t first; /* the group's first step, and its first touch */
    int32_t touch_begin;
    int32_t touch_count;
    int32_t strips;
    int32_t *done;   /* of step k after strip i: [(k - first) * strips + i] */
    int32_t **there; /* [touch - touch_begin]: of a tensor that comes from DRAM there, after each
                        strip; else null */
} strip_progress;

/*
 * Of a group with strips > 1. O(touches · strips) time and memory. False if memory is out; to be
 * freed all the same.
 */
bool strip_progress_find(strip_progress *progress, const mbs_plan *plan, const mbs_group *group);
void strip_progress_free(strip_progress *progress);

/* The rows of step k, or of the tensor that comes at `touch`, that are there before strip i and
 * after it. */
typedef struct strip_span {
    int64_t before;
    int64_t after;
} strip_span;
strip_span strip_progress_step(const strip_progress *progress, int32_t k, int64_t i);
strip_span strip_progress_arrival(const strip_progress *progress, int32_t touch, int64_t i);

#endif
