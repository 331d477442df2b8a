/* Pieces of `mbsopt-schedule/1` (docs/schedule.md), shared by the files that write it. */
#ifndef EMIT_SCHEDULE_WRITER_H
#define EMIT_SCHEDULE_WRITER_H

#include "emit/dram_layout.h"
#include "emit/exporter.h"
#include "place/fit.h"

typedef struct schedule_writer {
    const mbs_plan *plan; /* the placed one */
    const mbs_program *program;
    const buffer_layout *layout;
    const dram_layout *dram;
    sink *out;
    text *text;             /* the sink's */
    const mbs_group *group; /* at hand */
    int64_t last_samples;   /* of the group's last iteration */
    mbs_error *error;
    mbs_status status; /* the first fault */
} schedule_writer;

/* `"key":value` and `,"key":value`; a value that JSON readers round is a fault. */
void schedule_first_figure(schedule_writer *w, const char *key, int64_t value);
void schedule_figure(schedule_writer *w, const char *key, int64_t value);
void schedule_string(schedule_writer *w, const char *key, const char *value);

/* A command's beginning, `{"do":"NAME","step":K`, and the end of any line. */
void schedule_begin(schedule_writer *w, const char *name, int32_t step);
bool schedule_end(schedule_writer *w);

/* `,"offset":N`, or null where the offset is -1. */
void schedule_offset(schedule_writer *w, int64_t offset);

/* The commands of one iteration of w->group. False once there is no point in going on. */
bool schedule_write_group(schedule_writer *w);

/* The compute command of step k. */
bool schedule_write_compute(schedule_writer *w, int32_t k);

#endif
