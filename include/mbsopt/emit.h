/* Files written for other programs (section 9, docs/simulators.md). */
#ifndef MBSOPT_EMIT_H
#define MBSOPT_EMIT_H

#include "mbsopt/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The plan as an `mbsopt-plan/1` document, deterministic to the byte. *text is owned by the caller
 * (mbs_free). Errors: MBS_ERR_MEMORY, MBS_ERR_INPUT (a figure above 2^53, which JSON readers
 * round).
 */
MBS_API mbs_status mbs_plan_to_json(char **text, const mbs_plan *plan, mbs_error *error);

/*
 * The same with the members time_s, energy_j and utilisation (cost.h) of each group and of the
 * whole, as estimated on `hardware`; loading passes over them. Also: MBS_ERR_ARGUMENT (a loaded
 * plan without shapes, whose costs are not known).
 */
MBS_API mbs_status mbs_plan_to_json_with_cost(char **text, const mbs_plan *plan,
                                              const mbs_hardware *hardware, mbs_error *error);

/* A format that plans can be exported to. Static storage. */
typedef struct mbs_export_info {
    const char *name;
    const char *files;   /* "OUT" is the path that the caller names */
    const char *carries; /* what they hold, in one line */
    int is_folder;       /* the path is of a folder with several files */
} mbs_export_info;

/* How many formats there are, and the `index`-th. Errors: MBS_ERR_ARGUMENT. */
MBS_API size_t mbs_export_count(void);
MBS_API mbs_status mbs_export_format(size_t index, mbs_export_info *info);

/* Told about something that the user should know: one line without a newline. */
typedef void mbs_note_function(const char *text, void *context);

/*
 * The plan as it can be placed in the buffer address by address, every offset a multiple of the
 * hardware's buffer_alignment_bytes (docs/schedule.md): mostly the same plan. Where no placement of
 * a group is found, it pins fewer parameters, or takes the next smaller sub-batch or more strips,
 * or is cut, and `note` (or null) is told. What was MBS_OPTIMAL is then MBS_FEASIBLE. Exported as
 * wavecore, the result changes no more. It is replayed before it is returned; *placed is owned by
 * the caller (mbs_plan_free), and the given plan must live as long. Errors: MBS_ERR_INPUT (the
 * alignment is no power of 2), MBS_ERR_MEMORY, MBS_ERR_VERIFY (a defect of this library).
 */
MBS_API mbs_status mbs_plan_place(mbs_plan **placed, const mbs_plan *plan,
                                  const mbs_hardware *hardware, mbs_note_function *note,
                                  void *note_context, mbs_error *error);

/* What a range of the buffer holds. */
typedef enum mbs_buffer_content {
    MBS_BUFFER_TENSOR = 0,
    MBS_BUFFER_RING,       /* rows of a tensor, some of which stay from strip to strip */
    MBS_BUFFER_PARAMETERS, /* of a streamed step, while it runs: weights, or accumulators */
    MBS_BUFFER_PINNED      /* parameters of a step that stay during all iterations */
} mbs_buffer_content;

/* Bytes [offset, offset + bytes) of the buffer in every iteration of a group. */
typedef struct mbs_buffer_range {
    mbs_buffer_content content;
    size_t
        first;   /* the steps, of one group, from the start of which to the end of which the data */
    size_t last; /* are there, inclusive */
    int64_t offset;
    int64_t bytes;
    int64_t tensor; /* -1: parameters, */
    int64_t step;   /* of this step; -1: a tensor */
} mbs_buffer_range;

/*
 * Where a plan's data lie in the buffer, and when: the placement that the format wavecore exports,
 * which is mbs_plan_place's (`note` is told where it changed the plan). Sorted by group, in a group
 * by what is no pinned parameter first, then by the first step. *ranges is owned by the caller
 * (mbs_free). Errors: as of mbs_plan_place.
 */
MBS_API mbs_status mbs_plan_buffer_map(mbs_buffer_range **ranges, size_t *count,
                                       const mbs_plan *plan, const mbs_hardware *hardware,
                                       mbs_note_function *note, void *note_context,
                                       mbs_error *error);

/* Which part of the plan is exported, and how. What a format has no use for is ignored. */
typedef struct mbs_export_options {
    const char *format; /* a name from mbs_export_format */
    int64_t first_step; /* traces: the steps that are written, inclusive; -1: the last there is */
    int64_t last_step;
    int64_t first_iteration; /* traces: likewise the iterations of each group, from 0 */
    int64_t last_iteration;
    int64_t sample_every;    /* traces: the first of so many samples only, each mini-batch anew */
    int64_t request_bytes;   /* traces: bytes of one request, a power of 2 */
    int64_t trace_hz;        /* traces: the clock of the cycles; 0: the hardware's */
    int legacy_keys;         /* timeloop: the hyphenated keys of version 0.3 and before */
    int full;                /* perfetto: all iterations, however many */
    int force;               /* traces: also above MBS_EXPORT_MAX_BYTES */
    mbs_note_function *note; /* wavecore: what had to be changed for the schedule; or null */
    void *note_context;
    mbs_progress_function *progress; /* or null: asked some times a second whether to go on, which
                                        anything but 0 ends with MBS_ERR_STOPPED */
    void *progress_context;
} mbs_export_options;

#define MBS_EXPORT_OPTIONS_INIT                                                                    \
    {                                                                                              \
        NULL, 0, -1, 0, -1, 1, 64, 0, 0, 0, 0, NULL, NULL, NULL, NULL                              \
    }

/* A trace that may become larger than this is refused unless forced. */
#define MBS_EXPORT_MAX_BYTES (INT64_C(4) << 30)

/* What a trace will hold. */
typedef struct mbs_export_size {
    int64_t requests;
    int64_t moved_bytes;     /* what the requests are for: the part's DRAM traffic */
    int64_t most_file_bytes; /* the file has at most as many */
} mbs_export_size;

/*
 * Counts what mbs_plan_export would write with these options, without writing; all 0 for formats
 * that are no traces. O(transfers of the part). Errors: MBS_ERR_INPUT, MBS_ERR_MEMORY,
 * MBS_ERR_STOPPED.
 */
MBS_API mbs_status mbs_plan_export_size(const mbs_plan *plan, const mbs_hardware *hardware,
                                        const mbs_export_options *options, mbs_export_size *size,
                                        mbs_error *error);

/*
 * Writes the plan, which must be valid (mbs_plan_create, or mbs_plan_verify), in the format that
 * the options name to `path`: a file, or "-" for standard output, or the folder of a format that
 * has several. File and folder are replaced whole or not at all; what is no regular file (a device,
 * a pipe) is written to directly. Memory does not grow with what is written.
 * Errors: MBS_ERR_INPUT (an unknown format; a range, or a size that is not forced; a loaded plan
 * without the shapes that the format needs), MBS_ERR_IO, MBS_ERR_MEMORY, MBS_ERR_STOPPED.
 */
MBS_API mbs_status mbs_plan_export(const mbs_plan *plan, const mbs_hardware *hardware,
                                   const mbs_export_options *options, const char *path,
                                   mbs_error *error);

/*
 * Loads a file that is a network or a plan, whichever its "format" member says; the other result is
 * null. Ownership and errors as of mbs_network_load_file and mbs_plan_load_file.
 */
MBS_API mbs_status mbs_load_file(mbs_network **network, mbs_plan **plan, const char *path,
                                 mbs_error *error);

/* What a file holds. */
typedef enum mbs_file_kind { MBS_FILE_NETWORK = 0, MBS_FILE_PLAN, MBS_FILE_HARDWARE } mbs_file_kind;

/*
 * The same of hardware files too, unless `hardware` is null. *kind says which of the results there
 * is; *hardware is unspecified unless it is that one. A file without a format that is known is
 * taken for a network.
 */
MBS_API mbs_status mbs_load_any_file(mbs_file_kind *kind, mbs_network **network, mbs_plan **plan,
                                     mbs_hardware *hardware, const char *path, mbs_error *error);

#ifdef __cplusplus
}
#endif
#endif
