/* Of a plan file's steps the layers and sums that they do besides their own (model, section 13). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/text.h"
#include "emit/plan_loader.h"

/* Whether steps of the kind do what is fused with their layer: of a product the forward step, of a
   norm all but its statistics. */
static bool may_fuse(const mbs_program *p, const char *kind)
{
    static const char *const products[] = {"conv", "conv_transpose", "fc", "matmul"};
    static const char *const norms[] = {"norm", "batch_norm", "affine"};
    static const char *const passes[] = {"", ".remat", ".bwd", ".bwd.stat"};
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++)
        if (p->inference && strcmp(kind, products[i]) == 0)
            return true;
    bool norm = false;
    for (size_t i = 0; i < sizeof norms / sizeof norms[0]; i++)
        norm = norm || is_of_op(kind, norms[i]);
    for (size_t i = 0; norm && i < sizeof passes / sizeof passes[0]; i++)
        if (strcmp(kind + strcspn(kind, "."), passes[i]) == 0)
            return true;
    return false;
}

static bool add_name(plan_loader *loader, const char *name)
{
    mbs_program *p = loader->program;
    const char **fused =
        mem_grow(p->fused, &loader->fused_capacity, loader->fused_count, sizeof *p->fused);
    if (fused == NULL) {
        json_out_of_memory(&loader->document);
        return false;
    }
    p->fused = fused;
    p->fused[loader->fused_count++] = name;
    return true;
}

void read_fused(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step)
{
    const cJSON *list = json_member(object, "fused");
    const json_path list_path = {at, "fused", 0};
    json_path place = {&list_path, NULL, 0};
    if (list == NULL)
        return;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        json_fault(&loader->document, at, "fused", "found %s, expected a list of names",
                   cJSON_IsArray(list) ? "an empty list" : json_show(list).text);
        return;
    }
    if (!may_fuse(loader->program, step->kind)) {
        json_fault(&loader->document, at, "fused",
                   "is a member of steps of norms, and in inference of products, only; this one is "
                   "of kind %s",
                   quoted(step->kind).text);
        return;
    }
    step->fused_begin = loader->fused_count;
    const cJSON *value;
    cJSON_ArrayForEach(value, list)
    {
        if (!add_name(loader, copy_name(loader, &place, NULL, value)))
            return;
        step->fused_count++;
        place.index++;
    }
}

/* Whether steps of the kind make gradients of what their layer reads. */
static bool makes_gradients(const char *kind)
{
    static const char *const endings[] = {".dgrad", ".bwd", ".agrad", ".bgrad"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_with(kind, endings[i]))
            return true;
    return false;
}

/* The place among the last step's touches of the tensor, -1 if it has none. */
static int32_t touch_of(const plan_loader *loader, const mbs_step *step, int64_t tensor)
{
    const int32_t last = loader->last_touch[tensor] - 1;
    return last < step->touch_begin ? -1 : last;
}

/* One of `sums`. The first operand is the gradient of the layer's output, which no step adds to. */
static void read_sum(plan_loader *loader, const json_path *at, const cJSON *object,
                     const mbs_step *step)
{
    static const char *const members[] = {"running", "sum", NULL};
    mbs_program *p = loader->program;
    int64_t running;
    int64_t sum;
    if (!entry_begin(loader, at, object, members) ||
        !figure_member(loader, at, object, "running", 0, p->tensor_count - 1, &running) ||
        !figure_member(loader, at, object, "sum", 0, p->tensor_count - 1, &sum))
        return;
    const int32_t read = touch_of(loader, step, running);
    const int32_t written = touch_of(loader, step, sum);
    mbs_tensor *to = &p->tensors[sum];
    const mbs_tensor *from = &p->tensors[running];
    if (read <= step->touch_begin || read >= step->write_begin)
        json_fault(&loader->document, at, "running",
                   "found %" PRId64 " %s, expected a tensor that the step reads, and not as the "
                   "first",
                   running, quoted(from->name).text);
    else if (program_is_running(p, read))
        json_fault(&loader->document, at, "running",
                   "found %" PRId64 " %s for the second time, expected each once", running,
                   quoted(from->name).text);
    else if (written < step->write_begin || to->running >= 0)
        json_fault(&loader->document, at, "sum",
                   "found %" PRId64 " %s, expected a tensor that the step writes, each once", sum,
                   quoted(to->name).text);
    else if (from->bytes != to->bytes || from->elements != to->elements)
        json_fault(&loader->document, at, NULL,
                   "adds to tensor %" PRId64 " %s what is tensor %" PRId64
                   " %s then, expected one of its size",
                   running, quoted(from->name).text, sum, quoted(to->name).text);
    else
        to->running = (int32_t)running;
}

void read_sums(plan_loader *loader, const json_path *at, const cJSON *object, int32_t index)
{
    const mbs_step *step = &loader->program->steps[index];
    const cJSON *list = json_member(object, "sums");
    const json_path list_path = {at, "sums", 0};
    json_path place = {&list_path, NULL, 0};
    if (list == NULL || !loader->tensors_known)
        return;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) == 0) {
        json_fault(&loader->document, at, "sums", "found %s, expected a list of sums",
                   cJSON_IsArray(list) ? "an empty list" : json_show(list).text);
        return;
    }
    if (step->phase != MBS_BACKWARD || !makes_gradients(step->kind)) {
        json_fault(&loader->document, at, "sums",
                   "is a member of backward steps that make gradients only; this one is of kind %s",
                   quoted(step->kind).text);
        return;
    }
    const cJSON *sum;
    cJSON_ArrayForEach(sum, list)
    {
        read_sum(loader, &place, sum, step);
        place.index++;
    }
}

/* A layer that a step does. */
typedef struct doing {
    const char *layer;
    int32_t step;
    bool own; /* it is the step's own */
} doing;

static int by_layer(const void *a, const void *b)
{
    const doing *first = a;
    const doing *second = b;
    const int order = strcmp(first->layer, second->layer);
    return order != 0 ? order : (first->step > second->step) - (first->step < second->step);
}

/* Two doings of one layer must be of steps of one layer, which is that one for both or for none. */
static void compare_doings(plan_loader *loader, const doing *a, const doing *b)
{
    const mbs_step *steps = loader->program->steps;
    if (strcmp(a->layer, b->layer) != 0 || (a->own == b->own && a->step != b->step &&
                                            steps[a->step].layer_id == steps[b->step].layer_id))
        return;
    json_fault(&loader->document, NULL, "steps",
               "layer %s is done by step %d %s and by step %d %s, expected by those of one layer, "
               "each once",
               quoted(a->layer).text, a->step, quoted(steps[a->step].name).text, b->step,
               quoted(steps[b->step].name).text);
}

bool check_fused(plan_loader *loader)
{
    const mbs_program *p = loader->program;
    if (loader->fused_count == 0)
        return true;
    doing *doings =
        loader_allocate(loader, (int64_t)p->step_count + loader->fused_count, sizeof *doings);
    size_t count = 0;
    if (doings == NULL)
        return false;
    for (int32_t k = 0; k < p->step_count; k++) {
        const mbs_step *step = &p->steps[k];
        doings[count++] = (doing){step->layer, k, true};
        for (int32_t f = 0; f < step->fused_count; f++)
            doings[count++] = (doing){p->fused[step->fused_begin + f], k, false};
    }
    qsort(doings, count, sizeof *doings, by_layer);
    for (size_t i = 1; i < count; i++)
        compare_doings(loader, &doings[i - 1], &doings[i]);
    mem_free(doings);
    return true;
}
