/* What the tensors of a strip group take of the buffer (model, section 11). */
#include <inttypes.h>

#include "verify/replay.h"

int64_t bytes_of_rows(const mbs_tensor *tensor, int64_t n)
{
    /* rows are below 2^31 in a strip group: the rest's product fits */
    const int64_t each = tensor->bytes / tensor->rows;
    const int64_t rest = tensor->bytes % tensor->rows;
    return n * each + (n * rest + tensor->rows - 1) / tensor->rows;
}

/* Bytes of the most rows that are there at a time, and of those that stay between strips. */
typedef struct room {
    int64_t all;
    int64_t kept;
} room;

static room room_of(const replay *r, int32_t id)
{
    const strip_tensor *state = &r->strips.tensors[id];
    const mbs_tensor *tensor = &r->program->tensors[id];
    if (state->whole)
        return (room){tensor->bytes, tensor->bytes};
    return (room){bytes_of_rows(tensor, state->most), bytes_of_rows(tensor, state->most_kept)};
}

/* Whether rows of it stay from strip to strip, so that it has its place through all steps. */
static bool is_ring(const strip_tensor *state)
{
    return state->whole || state->most_kept > 0;
}

static bool is_lone(const strip_tensor *state)
{
    return state->first_step == state->last_step;
}

static bool is_lone_touch(const replay *r, int32_t t)
{
    return is_lone(&r->strips.tensors[r->program->touches[t].tensor]);
}

/* Of what step k writes over and what it writes there one is in the place of the other, which may
 * be all that a later step or an earlier one knows: the tensor that takes no room in the step, of
 * those that only it knows; -1: none. */
static int32_t covered_tensor(const replay *r, int32_t k)
{
    const int32_t over = r->plan->over[k];
    const int32_t written = r->program->steps[k].write_begin;
    if (over < 0)
        return -1;
    if (is_lone_touch(r, over))
        return r->program->touches[over].tensor;
    return is_lone_touch(r, written) ? r->program->touches[written].tensor : -1;
}

/* The tensor that is written over the given one in the group at hand; -1: none. */
static int32_t replacement_of(const replay *r, int32_t id)
{
    const strip_tensor *state = &r->strips.tensors[id];
    const mbs_step *step = &r->program->steps[state->last_step];
    return r->plan->over[state->last_step] == state->last_touch
               ? r->program->touches[step->write_begin].tensor
               : -1;
}

/* Whether its rows are in the ring of what is written over it sooner or later. */
static bool is_in_ring(const replay *r, int32_t id)
{
    while ((id = replacement_of(r, id)) >= 0)
        if (is_ring(&r->strips.tensors[id]))
            return true;
    return false;
}

/* Of two ways to give a step's lone operands room the smaller must be taken, if a plan streams at
   all. */
static void check_mode(replay *r, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    int64_t parameters = step->weight_bytes;
    int64_t passing = 0;
    const int32_t covered = covered_tensor(r, k);
    add_bytes(r, &parameters, step->accumulator_bytes);
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const int32_t id = r->program->touches[t].tensor;
        const room place = room_of(r, id);
        if (is_lone(&r->strips.tensors[id]) && id != covered)
            add_bytes(r, &passing, place.all - place.kept);
    }
    const bool streams = r->streams && parameters < passing;
    if (covered >= 0 && r->plan->mode[k] == MBS_STREAMED)
        step_fault(r, RULE_IN_PLACE, k, "writes in place, where tensor %d %s passes by", covered,
                   tensor_name(r, covered).text);
    if (r->overflow || streams == (r->plan->mode[k] == MBS_STREAMED))
        return;
    step_fault(r, RULE_MODE, k,
               "is %s, expected %s: its parameters take %" PRId64
               " bytes, the rows of operands of its own in a strip %" PRId64,
               streams ? "staged" : "streamed", streams ? "streamed" : "staged", parameters,
               passing);
}

/* What the tensor takes through all steps of the group, and what from first to last touch. */
static int64_t lasting_bytes(const replay *r, int32_t id)
{
    const strip_tensor *state = &r->strips.tensors[id];
    const room place = room_of(r, id);
    if (is_lone(state) && r->plan->mode[state->first_step] == MBS_STREAMED)
        return place.kept;
    return is_ring(state) ? place.all : 0;
}

static int64_t block_bytes(const replay *r, int32_t id)
{
    const strip_tensor *state = &r->strips.tensors[id];
    const bool passes = is_lone(state) && r->plan->mode[state->first_step] == MBS_STREAMED;
    return passes || is_ring(state) || is_in_ring(r, id) ? 0 : room_of(r, id).all;
}

/* What step k needs less because what it writes and what is there before are one block. */
static int64_t shared_bytes(const replay *r, int32_t k)
{
    const int32_t over = r->plan->over[k];
    return over >= 0 ? block_bytes(r, r->program->touches[over].tensor) : 0;
}

void measure_strips(replay *r, const mbs_group *group)
{
    const mbs_program *p = r->program;
    int64_t held = r->pinned_bytes;
    for (int32_t i = 0; i < r->strips.touched_count; i++)
        add_bytes(r, &held, lasting_bytes(r, r->strips.touched[i]));
    for (int32_t k = group->first; k < group->end && !r->overflow; k++) {
        const mbs_step *step = &p->steps[k];
        check_mode(r, k);
        for (int32_t t = step->touch_begin; t < step->touch_end; t++)
            if (r->strips.tensors[p->touches[t].tensor].first_step == k)
                add_bytes(r, &held, block_bytes(r, p->touches[t].tensor));
        int64_t full = held - shared_bytes(r, k);
        if (r->plan->mode[k] == MBS_STREAMED) {
            add_bytes(r, &full, step->weight_bytes);
            add_bytes(r, &full, step->accumulator_bytes);
        }
        if (!r->overflow)
            measure_step(r, k, full);
        for (int32_t t = step->touch_begin; t < step->touch_end; t++)
            if (r->strips.tensors[p->touches[t].tensor].last_step == k)
                held -= block_bytes(r, p->touches[t].tensor);
    }
}
