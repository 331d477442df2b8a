/* A plan file while it is being read: what plan_read*.c share. */
#ifndef EMIT_PLAN_LOADER_H
#define EMIT_PLAN_LOADER_H

#include "base/json.h"
#include "cost/schedule.h"
#include "program/rows.h"

typedef struct plan_loader {
    json_document document;
    int version;            /* of the format */
    mbs_plan header;        /* the figures that stand for themselves; moved into `plan` later */
    const char *planner;    /* borrowed from the document */
    mbs_origin_info origin; /* likewise */
    mbs_program *program;   /* null once `plan` owns it */
    mbs_plan *plan;         /* null before its program is read */
    int32_t fused_count;    /* of program->fused */
    int32_t fused_capacity;
    bool tensors_known;      /* there is a list of tensors to check ids against */
    bool reordered;          /* steps tell their places in the network's own order */
    bool program_sound;      /* no fault in tensors and steps: others can be judged by them */
    int32_t *last_touch;     /* per tensor: 1 + its last touch so far */
    int32_t *touch_start;    /* per tensor: where its touches begin in `touch_list` */
    int32_t *touch_list;     /* the touches of each tensor in step order */
    int64_t *operand_prefix; /* per step: operand bytes of a sample of all steps before it */
    int64_t *parameter_prefix;
} plan_loader;

/* ---- plan_loader.c ---- */

/* The array `member` of the document; null if it is missing (a fault if required) or none. */
const cJSON *list_member(plan_loader *loader, const char *member, bool required);

/* Whether a list's entry is an object; reports if not, and the members that it should not have. */
bool entry_begin(plan_loader *loader, const json_path *at, const cJSON *entry,
                 const char *const *known);

/* Takes one of `count` words from a member; returns its index, or -1 after reporting a fault. */
int choice_member(plan_loader *loader, const json_path *at, const cJSON *object, const char *member,
                  const char *const *words, int count);

/* Takes a whole number from a member of `object`; the result stays as it is after a fault. */
bool figure_member(plan_loader *loader, const json_path *at, const cJSON *object,
                   const char *member, int64_t minimum, int64_t maximum, int64_t *result);

/* What an object may say of time and energy. */
#define COST_MEMBERS "time_s", "energy_j", "utilisation", "energy_parts_j"

/* Checks that what an object says of time and energy, if anything, are numbers: estimates of
 * whoever wrote the file, which no one here needs. */
void pass_over_cost(plan_loader *loader, const json_path *at, const cJSON *object);

/* Allocates zeroed memory, at least one element; reports if there is none. */
void *loader_allocate(plan_loader *loader, int64_t count, size_t element);

/* Whether a step's kind is of the op, up to a dot: "norm" of "norm.bwd". */
bool is_of_op(const char *kind, const char *op);

/* A copy of the name that `value`, at `member`, is, as long-lived as the program; "" after a fault.
 */
const char *copy_name(plan_loader *loader, const json_path *at, const char *member,
                      const cJSON *value);

/* ---- plan_read_program.c ---- */

/* Reads network, phase, tensors and steps into loader->program; false if memory is out. */
bool read_program(plan_loader *loader);

/* ---- plan_read_fused.c ---- */

/* The layers whose work the step does besides its own, if it names any. */
void read_fused(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step);

/* The gradients to which step `index`, whose operands are read, adds its own, if it names any. */
void read_sums(plan_loader *loader, const json_path *at, const cJSON *object, int32_t index);

/* Reports layers that steps of different layers do, once it is known which layers steps are of.
 * False if memory is out. */
bool check_fused(plan_loader *loader);

/* ---- plan_read_shapes.c ---- */

/* What a tensor or step says of its shape, if anything. */
void read_elements(plan_loader *loader, const json_path *at, const cJSON *object,
                   mbs_tensor *tensor);
void read_products(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step);

/* Judges whether all shapes are known, and finds out which steps belong to one layer; false if
 * memory is out. */
bool finish_shapes(plan_loader *loader);

/* ---- plan_read_order.c ---- */

/* A step's place in the network's own order, if the steps are in another. */
void read_given(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step);

/* Steps that do not say so are in the network's own order: all of them, or none. */
void finish_order(plan_loader *loader);

/* ---- plan_read_rows.c: version 2 ---- */

/* Gives the program room for the maps that the steps of `list` have. False if memory is out. */
bool open_maps(plan_loader *loader, const cJSON *list);

/* The rows of a step whose operands are known, and the maps of what it reads. */
void read_rows(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step);

/* Finds out which steps read the statistics of a mini-batch, once touches are linked. */
void couple_statistics(mbs_program *program);

/* ---- plan_read_schedule.c ---- */

/* Reads groups, modes, pinned bytes and residency into loader->plan. */
void read_schedule(plan_loader *loader);

#endif
