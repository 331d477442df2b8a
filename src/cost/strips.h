/*
 * Strip groups (model, section 11): groups that push strips of rows of one sample through their
 * steps. Here is what they need of the buffer: how far each step gets with each strip, how many
 * rows of each tensor the buffer holds, and what that makes of every step's footprint.
 */
#ifndef COST_STRIPS_H
#define COST_STRIPS_H

#include "cost/schedule.h"
#include "program/rows.h"

/* Of a tensor in a strip group: the most rows held at a time, and of them those of earlier strips.
 */
typedef struct strip_rows {
    int32_t held;
    int32_t kept;
} strip_rows;

/* What that takes of the buffer, in bytes. */
typedef struct strip_extent {
    int64_t size;
    int64_t kept; /* of it, rows of earlier strips; 0: the tensor is a block, else a ring */
} strip_extent;

/*
 * Row counts after each of T strips, `rows[0...strips-1]`; none is above the rows of its step or
 * tensor. The functions below take time in proportion to T.
 */

/* A step of R rows and an operand of H rows that it reads. */
typedef struct row_link {
    const mbs_row_map *map;
    int64_t step_rows;
    int64_t tensor_rows;
} row_link;

/* That of touch t. */
row_link row_link_of(const mbs_program *program, int32_t t);

/* The step rows that are done, if no step of the group reads what they make. */
void strips_spread(int32_t *rows, int32_t strips, int64_t step_rows);

/* Raises `needed` to what a reader needs whose rows done are `done`. */
void strips_need(int32_t *needed, int32_t strips, const row_link *link, const int32_t *done);

/* Lowers `used` to the first row that the reader still uses in each strip. */
void strips_use(int32_t *used, int32_t strips, const row_link *link, const int32_t *done);

/*
 * Whether the tensor that touch t writes has as many rows as its step, and grows with them; else it
 * is there only when all is done.
 */
bool strips_grows(const mbs_program *program, int32_t t);

/* Raises the rows done of a step to what is needed of a tensor that it writes at touch t. */
void strips_demand(int32_t *done, int32_t strips, const mbs_program *program, int32_t t,
                   const int32_t *needed);

/*
 * Of a tensor of which `there` rows are there after each strip, and from row `used` on are still
 * used during it (null: none is).
 */
strip_rows strips_rows(int32_t strips, const int32_t *there, const int32_t *used);

/* The bytes of such rows. */
strip_extent strips_bytes(const mbs_tensor *tensor, strip_rows rows);

/* What a step's lone operands, those that no other step of the group touches, take. */
typedef struct lone_bytes {
    int64_t rings; /* of those with rows kept, */
    int64_t blocks;
    int64_t kept; /* of the rings */
} lone_bytes;

static inline void lone_add(lone_bytes *lone, strip_extent extent)
{
    *(extent.kept > 0 ? &lone->rings : &lone->blocks) += extent.size;
    lone->kept += extent.kept;
}

static inline void lone_remove(lone_bytes *lone, strip_extent extent)
{
    *(extent.kept > 0 ? &lone->rings : &lone->blocks) -= extent.size;
    lone->kept -= extent.kept;
}

/* The rule: a step is streamed if its parameters take less than its lone operands' new rows. */
bool lone_streams(const lone_bytes *lone, const mbs_step *step);

/* What they and, if it is streamed, the parameters take in all steps of the group and in this one.
 */
typedef struct lone_room {
    int64_t rings;
    int64_t own;
} lone_room;

lone_room lone_take(const lone_bytes *lone, const mbs_step *step, bool streamed);

/* Steps [first, end) as a strip group, and its tensors' extents, whatever T they follow from. */
typedef struct strip_group {
    const mbs_program *program;
    int32_t first;
    int32_t end;
    const strip_extent *extent; /* [touch - touch_begin]: of its tensor in a group in which the
                                   touch is the tensor's first */
    int32_t touch_begin;
    const int32_t *over; /* per step of the program: the touch of what it writes over (section 12),
                            -1: nothing; null: none does */
} strip_group;

/*
 * Whether a step may write over what touch t, a read, is of, as far as the program says: it takes
 * it element by element, and row by row.
 */
bool strips_may_replace(const mbs_program *program, int32_t t);

/*
 * The touch of what step k writes over, if steps do so: of the blocks that it may write over and
 * that no later step of the group touches the one that has been in the buffer longest. -1: none.
 */
int32_t strips_over(const strip_group *group, int32_t k);

/* lone_streams of step k, of what is written over and what is written over it one alone. */
bool strips_streams(const strip_group *group, int32_t k);

/*
 * Gives the steps of a group, whose `over` is not looked at, their modes and what they write over.
 * Both arrays are per step of the program.
 */
void strips_choose(strip_group group, bool stream, bool in_place, mbs_mode *mode, int32_t *over);

/* What a tensor has of the buffer for itself: all along as a ring, else in steps first to last. */
typedef struct strip_place {
    int64_t bytes;
    bool is_ring;
    int32_t first;
    int32_t last;
} strip_place;

/*
 * That of the tensor which the group touches first at t, a touch of a step that is streamed or not.
 * Of two tensors of which one is written over the other the former has the room from that step on,
 * and if it is a ring the room of both.
 */
strip_place strips_place(const strip_group *group, int32_t t, bool streamed);

/*
 * The footprints of the steps, [k - first], as group->over stands, pinned bytes apart; returns the
 * largest. `mode` is per step of the program; if it is null `stream` says whether those steps are
 * streamed for which the rule says so. O(touches of the group).
 */
int64_t strips_footprints(const strip_group *group, const mbs_mode *mode, bool stream,
                          int64_t *bytes);

/* What n rows of the tensor take. */
int64_t strips_row_bytes(const mbs_tensor *tensor, int64_t n);

/*
 * Follows the rows of a group from its last step to its first; for each step first what it brings
 * from DRAM, then how far it gets. All row counts are those after each strip.
 */
typedef struct strips_watch {
    void (*arrives)(void *context, int32_t touch, const int32_t *there); /* or null */
    void (*step)(void *context, int32_t step, const int32_t *done);
    void *context;
} strips_watch;

/* strips_find, with `watch` told on the way; false if memory is out. */
bool strips_follow(const mbs_program *program, int32_t first, int32_t end, int32_t strips,
                   const strips_watch *watch);

/*
 * Finds the extents in the group [first, end) with T = `strips`: an array per touch of its steps,
 * of which the tensors' first touches are set. The program has rows (has_rows), none above
 * INT32_MAX. O(touches · T) time; memory for the touches, and for T row counts of each tensor that
 * is touched before a step and after it. Null if memory is out; else the caller's (mem_free).
 */
strip_extent *strips_find(const mbs_program *program, int32_t first, int32_t end, int32_t strips);

/*
 * The footprints of a group of a plan with strips > 1, [k - first], pinned bytes apart. Null if
 * memory is out; else the caller's (mem_free).
 */
int64_t *strips_group_footprints(const mbs_plan *plan, const mbs_group *group);

/* The largest H among the tensors that the steps [first, end) touch. */
int64_t strips_tallest(const mbs_program *program, int32_t first, int32_t end);

/*
 * A group of height H has that many strips or, again and again, half of them, rounded up. The
 * fewest such above `strips` >= 1, 0 if there are none up to MBS_MAX_STRIPS; the most of them below
 * `strips` > 1.
 */
int64_t strips_above(int64_t height, int64_t strips);
int64_t strips_below(int64_t height, int64_t strips);

#endif
