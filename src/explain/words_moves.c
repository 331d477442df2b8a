/* Traffic in words: its classes, and those that move most. */
#include <inttypes.h>

#include "cost/traffic.h"
#include "explain/words.h"

/* ---- Classes --------------------------------------------------------------------------------- */

typedef struct share {
    int64_t bytes;
    const char *why;
} share;

/* "Activations and gradients read: 1.50 GB, 45.6 % of all. 1.20 GB of it why; 0.30 GB why." */
static void put_class(text *out, const char *name, const share *shares, int count, int64_t all)
{
    int64_t sum = 0;
    for (int i = 0; i < count; i++)
        sum += shares[i].bytes;
    if (sum == 0)
        return;
    text_format(out, "%s: ", name);
    prose_traffic(out, sum);
    text_string(out, ", ");
    prose_percent(out, sum, all);
    text_string(out, " of all");
    const char *separator = ": ";
    for (int i = 0; i < count; i++) {
        if (shares[i].bytes == 0)
            continue;
        text_string(out, separator);
        prose_traffic(out, shares[i].bytes);
        text_format(out, " %s", shares[i].why);
        separator = "; ";
    }
    text_string(out, ".\n");
}

static void put_spared(text *out, const moves *found)
{
    const int64_t spared = found->weight_spared + found->gradient_spared;
    if (spared == 0)
        return;
    text_string(out, "Without the parameters that are pinned in the buffer another ");
    prose_traffic(out, spared);
    text_string(out, " of parameters and their gradients would move.\n");
}

static int64_t sum_of(const int64_t bytes[MOVE_REASON_COUNT])
{
    int64_t sum = 0;
    for (int i = 0; i < MOVE_REASON_COUNT; i++)
        sum += bytes[i];
    return sum;
}

void words_of_classes(text *out, const mbs_plan *plan, const moves *found)
{
    const int64_t *read = found->read;
    const int64_t *written = found->written;
    const bool inference = plan->program->inference;
    const share reads[] = {
        {read[MOVE_INPUT], "are network inputs"},
        {read[MOVE_STASHED], "were stashed in the forward phase and are read back by the backward"},
        {read[MOVE_LATER], "were left in DRAM by an earlier group"},
        {read[MOVE_DROPPED], "are read again inside one group, which does not keep them"},
        {read[MOVE_PASSES], "are further passes of steps that run in passes"}};
    const share writes[] = {
        {written[MOVE_STASHED], "are stashed for the backward phase"},
        {written[MOVE_LATER], "are for a later group"},
        {written[MOVE_DROPPED], "are for later steps of one group, which does not keep them"},
        {written[MOVE_RESULT], "are the network's results"}};
    const share weights[] = {
        {found->weight_once, "are the parameters of every step, once"},
        {found->weight_again, "are read again by the iterations after a group's first"}};
    const share gradients[] = {
        {found->gradient_once, "are the accumulators of every step, written once"},
        {found->gradient_again,
         "are written and read again by the iterations after a group's first"}};
    const int64_t all = sum_of(read) + sum_of(written) + found->weight_once + found->weight_again +
                        found->gradient_once + found->gradient_again;
    put_class(out, inference ? "Activations read" : "Activations and gradients read", reads, 5,
              all);
    put_class(out, inference ? "Activations written" : "Activations and gradients written", writes,
              4, all);
    put_class(out, "Parameters read", weights, 2, all);
    put_class(out, "Parameters' gradients", gradients, 2, all);
    put_spared(out, found);
}

/* ---- Those that move most -------------------------------------------------------------------- */

#define MOST_READERS 3

/* "norm.bwd (group 12)" */
static void put_reader(text *out, const mbs_plan *plan, int32_t k)
{
    const int32_t index = plan_group_of(plan, k);
    text_safe(out, plan->program->steps[k].name);
    text_string(out, " (group ");
    text_format(out, "%" PRId32, index + 1);
    if (plan->groups[index].passes > 1) {
        text_string(out, ", ");
        prose_count(out, plan->groups[index].passes, "time", "times");
    }
    text_string(out, ")");
}

static const char *why_written(move_reason reason)
{
    switch (reason) {
    case MOVE_STASHED:
        return "the backward phase needs it";
    case MOVE_LATER:
        return "a later group reads it";
    case MOVE_RESULT:
        return "it is a result of the network";
    case MOVE_DROPPED:
        return "its group reads it again and does not keep it";
    default:
        return "";
    }
}

/* Who reads the tensor from DRAM; the first of them by name. */
static void put_readers(text *out, const mbs_plan *plan, int32_t tensor)
{
    const mbs_program *p = plan->program;
    int64_t readers = 0;
    for (int32_t t = p->tensors[tensor].first_touch; t >= 0; t = p->touches[t].next) {
        if (t >= p->steps[p->touches[t].step].write_begin || plan_arrives(plan, t))
            continue;
        if (readers < MOST_READERS) {
            text_string(out, readers == 0 ? "read by " : ", ");
            put_reader(out, plan, p->touches[t].step);
        }
        readers++;
    }
    if (readers > MOST_READERS)
        text_format(out, " and %" PRId64 " more", readers - MOST_READERS);
}

static void put_tensor(text *out, const mbs_plan *plan, int32_t tensor)
{
    const mbs_program *p = plan->program;
    const int32_t producer = p->tensors[tensor].producer;
    const int32_t t = p->tensors[tensor].first_touch;
    if (producer < 0) {
        text_string(out, "A network input, ");
    } else if (plan_writes(plan, t)) {
        const int32_t index = plan_group_of(plan, producer);
        text_format(out, "Written by group %" PRId32 ", for %s; ", index + 1,
                    why_written(move_write_reason(plan, &plan->groups[index], t)));
    }
    put_readers(out, plan, tensor);
    text_string(out, ".");
}

/* With whom a step shares what it uses, and what of it is pinned. */
static void put_shared(text *out, const mbs_plan *plan, const mbs_group *group,
                       const parameter_use *use, int64_t pinned)
{
    if (use->previous < 0)
        return;
    text_string(out, " They are those of ");
    text_safe(out, plan->program->steps[use->previous].name);
    if (pinned > 0 && !use_is_first(use, group->first)) {
        text_string(out, ", of which ");
        prose_traffic(out, pinned);
        text_string(out, " are in the buffer already");
    }
    text_string(out, ".");
}

static void put_parameters(text *out, const mbs_plan *plan, const mover *of)
{
    const mbs_step *step = &plan->program->steps[of->index];
    const mbs_group *group = &plan->groups[plan_group_of(plan, of->index)];
    const bool weights = of->kind == MOVER_WEIGHTS;
    const parameter_use *use = weights ? &step->weight_use : &step->accumulator_use;
    const bool begun = !weights && use->previous >= 0; /* and read in the first iteration too */
    const int64_t bytes = weights ? step->weight_bytes : step->accumulator_bytes;
    const int64_t pinned =
        weights ? plan->pinned_weight[of->index] : plan->pinned_accumulator[of->index];
    prose_traffic(out, bytes);
    if (!weights && program_hands_on(plan->program, of->index, group->end) &&
        (group->iterations == 1 || pinned == bytes)) /* only what others began */
        text_string(out, ", read once and not written.");
    else if (group->iterations == 1)
        text_string(out, weights ? ", read once: its group runs in one iteration."
                         : begun ? ", read and written once: its group runs in one iteration."
                                 : ", written once: its group runs in one iteration.");
    else if (pinned == bytes)
        text_string(out, weights ? ", read once and then pinned in the buffer."
                         : begun ? ", pinned in the buffer, read and written once."
                                 : ", pinned in the buffer and written once.");
    else {
        text_string(out, weights ? ", read in each of its group's "
                                 : ", written by each of its group's ");
        prose_count(out, group->iterations, "iteration", "iterations");
        text_string(out, weights ? "" : " and read again by all");
        text_string(out, weights || begun ? "" : " but the first");
        if (pinned > 0) {
            text_string(out, ", but for ");
            prose_traffic(out, pinned);
            text_string(out, " that are pinned");
        }
        text_string(out, ".");
    }
    put_shared(out, plan, group, use, pinned);
}

/* What becomes of the sum, where an update follows the step. */
static void put_update(text *out, const mbs_plan *plan, int32_t k)
{
    const mbs_program *p = plan->program;
    if (!program_hands_on(p, k, p->step_count))
        return;
    if (program_hands_on(p, k, plan->groups[plan_group_of(plan, k)].end)) {
        text_string(out, " The last iteration hands them on to ");
        text_safe(out, p->steps[k + 1].name);
        text_string(out, " and does not write them.");
    } else {
        text_string(out, " ");
        text_safe(out, p->steps[k + 1].name);
        text_string(out, ", in the next group, reads them.");
    }
}

void words_of_mover(text *out, const mbs_plan *plan, const mover *of)
{
    const mbs_program *p = plan->program;
    if (of->kind == MOVER_TENSOR) {
        text_safe(out, p->tensors[of->index].name);
    } else {
        text_string(out, of->kind == MOVER_WEIGHTS        ? "parameters of "
                         : of->kind == MOVER_ACCUMULATORS ? "accumulators of "
                                                          : "optimizer state of ");
        text_safe(out, p->steps[of->index].name);
    }
    text_string(out, ", ");
    prose_traffic(out, mover_bytes(of));
    text_string(out, ". ");
    if (of->kind == MOVER_TENSOR)
        put_tensor(out, plan, of->index);
    else if (of->kind == MOVER_STATE)
        text_string(out, "Read and written once in a training step, with the master copy of the "
                         "weights if there is one, whatever the group.");
    else
        put_parameters(out, plan, of);
    if (of->kind == MOVER_ACCUMULATORS)
        put_update(out, plan, of->index);
    text_string(out, "\n");
}
