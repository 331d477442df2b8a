#include "emit/strip_progress.h"

#include <string.h>

#include "base/memory.h"
#include "cost/strips.h"

typedef struct finder {
    strip_progress *progress;
    bool failed;
} finder;

static void on_arrival(void *context, int32_t touch, const int32_t *there)
{
    finder *f = context;
    const size_t size = (size_t)f->progress->strips * sizeof *there;
    int32_t *kept = mem_alloc(size);
    f->progress->there[touch - f->progress->touch_begin] = kept;
    if (kept == NULL)
        f->failed = true;
    else
        memcpy(kept, there, size);
}

static void on_step(void *context, int32_t step, const int32_t *done)
{
    const strip_progress *p = ((finder *)context)->progress;
    memcpy(p->done + (int64_t)(step - p->first) * p->strips, done,
           (size_t)p->strips * sizeof *done);
}

bool strip_progress_find(strip_progress *progress, const mbs_plan *plan, const mbs_group *group)
{
    const mbs_step *steps = plan->program->steps;
    const size_t count = (size_t)(group->end - group->first);
    *progress = (strip_progress){.first = group->first,
                                 .touch_begin = steps[group->first].touch_begin,
                                 .strips = (int32_t)group->strips};
    progress->touch_count = steps[group->end - 1].touch_end - progress->touch_begin;
    progress->done = mem_alloc(count * (size_t)group->strips * sizeof *progress->done);
    progress->there = mem_calloc((size_t)progress->touch_count + 1, sizeof *progress->there);
    finder f = {progress, progress->done == NULL || progress->there == NULL};
    const strips_watch watch = {on_arrival, on_step, &f};
    return !f.failed &&
           strips_follow(plan->program, group->first, group->end, progress->strips, &watch) &&
           !f.failed;
}

void strip_progress_free(strip_progress *progress)
{
    for (int32_t i = 0; progress->there != NULL && i < progress->touch_count; i++)
        mem_free(progress->there[i]);
    mem_free(progress->there);
    mem_free(progress->done);
    *progress = (strip_progress){0};
}

static strip_span span_of(const int32_t *rows, int64_t i)
{
    return (strip_span){i > 0 ? rows[i - 1] : 0, rows[i]};
}

strip_span strip_progress_step(const strip_progress *progress, int32_t k, int64_t i)
{
    return span_of(progress->done + (int64_t)(k - progress->first) * progress->strips, i);
}

strip_span strip_progress_arrival(const strip_progress *progress, int32_t touch, int64_t i)
{
    return span_of(progress->there[touch - progress->touch_begin], i);
}
