/* What is placed, and what came of it. */
#ifndef PLACE_LIVE_RANGE_H
#define PLACE_LIVE_RANGE_H

#include <stdint.h>

/* What lies in the buffer, in one piece, from step `first` to step `last` inclusive. */
typedef struct live_range {
    int32_t first;
    int32_t last;
    int64_t size;   /* at least 1, in the caller's unit, that of offsets and capacities */
    int64_t offset; /* result */
} live_range;

typedef enum place_outcome {
    PLACE_FITS,       /* every range has an offset, all end at or below the capacity */
    PLACE_IMPOSSIBLE, /* no placement below the capacity exists: proven */
    PLACE_GAVE_UP     /* the exact search came to its limit */
} place_outcome;

#endif
