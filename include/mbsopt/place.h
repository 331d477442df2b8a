/*
 * Dynamic storage allocation: offsets in a buffer for what lives there for a while, where all of it
 * is known beforehand. The schedules of plans are placed by the same search (docs/schedule.md).
 */
#ifndef MBSOPT_PLACE_H
#define MBSOPT_PLACE_H

#include <stdint.h>

#include "mbsopt/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What lies in the buffer, in one piece, from step `first` to step `last` inclusive. */
typedef struct mbs_live_range {
    int32_t first;
    int32_t last;
    int64_t size;   /* at least 1, in the caller's unit, that of offsets and capacities */
    int64_t offset; /* result */
} mbs_live_range;

typedef enum mbs_place_outcome {
    MBS_PLACE_FITS,       /* every range has an offset, all end at or below the capacity */
    MBS_PLACE_IMPOSSIBLE, /* no placement below the capacity exists: proven */
    MBS_PLACE_GAVE_UP     /* the search came to its limit */
} mbs_place_outcome;

typedef struct mbs_placement {
    mbs_place_outcome outcome;
    int64_t height; /* where the highest range ends */
    int64_t load;   /* the most that lives at one time */
    int64_t bound;  /* no placement is lower: proven; at least the load */
    int64_t nodes;  /* of the exact search; 0 if best fit was enough */
} mbs_placement;

typedef struct mbs_place_options {
    int64_t capacity;                /* 0: as low as is found */
    int64_t node_limit;              /* of each search below a capacity */
    mbs_progress_function *progress; /* or null; anything but 0 ends it */
    void *progress_context;
} mbs_place_options;

#define MBS_PLACE_OPTIONS_INIT                                                                     \
    {                                                                                              \
        0, 20000000, NULL, NULL                                                                    \
    }

/*
 * Gives each range an offset so that no two that share a step overlap: by best fit and, where that
 * stays above the capacity, by an exact search after MiniMalloc (of up to 4096 ranges). With
 * MBS_PLACE_IMPOSSIBLE and MBS_PLACE_GAVE_UP the offsets are the lowest found, above the capacity.
 * Without a capacity the outcome is MBS_PLACE_FITS, and the placement the lowest that there is if
 * height and bound are equal; node_limit then holds for each of the heights tried. Deterministic.
 * `options` may be null. Errors: MBS_ERR_ARGUMENT (a range that begins before step 0, ends before
 * it begins or has no size), MBS_ERR_INPUT (sizes of 2^61 and more in all), MBS_ERR_MEMORY,
 * MBS_ERR_STOPPED.
 */
MBS_API mbs_status mbs_place_ranges(mbs_live_range *ranges, int32_t count,
                                    const mbs_place_options *options, mbs_placement *placement,
                                    mbs_error *error);

/* Ranges of a file. */
typedef struct mbs_live_ranges {
    mbs_live_range *ranges;
    const char **ids; /* what the file calls them, one each */
    int32_t count;
    char *text; /* in which the ids are */
} mbs_live_ranges;

/*
 * Reads ranges from CSV ("-" is standard input) as google/minimalloc writes it: a header that names
 * the columns id, lower, upper and size, in any order, then a row for each range, alive from step
 * `lower` to before step `upper`. Columns of other names are left alone. The caller frees *list
 * (mbs_live_ranges_free), which is empty after an error. Errors: MBS_ERR_INPUT (names line, column
 * and what was expected), MBS_ERR_IO, MBS_ERR_MEMORY.
 */
MBS_API mbs_status mbs_live_ranges_load_file(mbs_live_ranges *list, const char *path,
                                             mbs_error *error);
MBS_API void mbs_live_ranges_free(mbs_live_ranges *list);

#ifdef __cplusplus
}
#endif
#endif
