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

/* Of two ways to give a step's lone operands room the smaller must be taken, if a plan streams at
   all. */
static void check_mode(replay *r, int32_t k)
{
    const mbs_step *step = &r->program->steps[k];
    int64_t parameters = step->weight_bytes;
    int64_t passing = 0;
    add_bytes(r, &parameters, step->accumulator_bytes);
    for (int32_t t = step->touch_begin; t < step->touch_end; t++) {
        const int32_t id = r->program->touches[t].tensor;
        const room place = room_of(r, id);
        if (is_lone(&r->strips.tensors[id]))
            add_bytes(r, &passing, place.all - place.kept);
    }
    const bool streams = r->streams && parameters < passing;
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
    return passes || is_ring(state) ? 0 : room_of(r, id).all;
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
        int64_t full = held;
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
