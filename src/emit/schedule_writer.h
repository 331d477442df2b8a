/* Pieces of `mbsopt-schedule/1` and /2 (docs/schedule.md), shared by the files that write them. */
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
    int64_t dram_peak; /* the most that is in DRAM at one time */
    int version;       /* of the format */
    sink *out;
    text *text;             /* the sink's, or one that goes there later */
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

/* Whether the operand moves at all: statistics have no bytes (section 11). */
bool schedule_moves(const schedule_writer *w, int32_t touch);

/* Whether the operand is in the buffer before its step, from a step of the same group. */
bool schedule_arrives(const schedule_writer *w, int32_t touch);

/* What step k brings in before it computes, and takes out afterwards, of its parameters. */
bool schedule_parameters_in(schedule_writer *w, int32_t k);
bool schedule_parameters_out(schedule_writer *w, int32_t k);

/*
 * The update behind step k, if step k hands its gradient on, or that step k is, if no step of the
 * group does so for it; nothing else.
 */
bool schedule_write_update(schedule_writer *w, int32_t k);

/* Frees what no later step of the iteration needs. */
bool schedule_free_after(schedule_writer *w, int32_t k);

/* Pinned weights come before all else in the group, and pinned accumulators go after it. */
bool schedule_bring_pinned(schedule_writer *w);
bool schedule_release_pinned(schedule_writer *w);

/* The commands of one iteration of w->group. False once there is no point in going on. */
bool schedule_write_group(schedule_writer *w);

/* The compute command of step k. */
bool schedule_write_compute(schedule_writer *w, int32_t k);

/* The command of update k. */
bool schedule_update_of(schedule_writer *w, int32_t k);

/* Pieces of it: the command's beginning, an operand up to what may follow the bytes, parameters. */
void schedule_begin_compute(schedule_writer *w, int32_t k);
void schedule_begin_operand(schedule_writer *w, int64_t tensor, int64_t offset, int64_t bytes);
/* `,"in_place":T`, if step k writes over something. */
void schedule_in_place(schedule_writer *w, int32_t k);
void schedule_parameter_parts(schedule_writer *w, int32_t k);

/* `,"KEY":{...}`: a step's product for so many samples. */
void schedule_product(schedule_writer *w, const char *key, const mbs_gemm *gemm, int64_t samples);

/* Elements that the vector unit touches with one sample, at most INT64_MAX. */
int64_t schedule_elements(const schedule_writer *w, int32_t k);

/* The rings of w->group, which has strips, as a member of its line. */
void schedule_write_rings(schedule_writer *w);

/* The commands of one strip of it. False as above. */
bool schedule_write_strips(schedule_writer *w);

#endif
