/* What a plan file may tell of shapes: matrix products, convolutions, elements, layers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/name_pool.h"
#include "emit/plan_loader.h"

static const char *const gemm_members[] = {"m", "k", "n", "groups", "samples_in", NULL};
static const char *const conv_members[] = {"channels", "filters",  "output", "kernel",
                                           "stride",   "dilation", NULL};

void read_elements(plan_loader *loader, const json_path *at, const cJSON *object,
                   mbs_tensor *tensor)
{
    if (json_member(object, "elements") != NULL)
        figure_member(loader, at, object, "elements", 1, JSON_MAX_INTEGER, &tensor->elements);
}

/* ---- Matrix products and convolutions -------------------------------------------------------- */

static bool read_gemm(plan_loader *loader, const json_path *at, const cJSON *object, mbs_gemm *gemm)
{
    static const char *const places[] = {"m", "k", "groups"};
    mbs_gemm read = {0};
    if (!entry_begin(loader, at, object, gemm_members))
        return false;
    bool good = figure_member(loader, at, object, "m", 1, JSON_MAX_INTEGER, &read.m);
    good = figure_member(loader, at, object, "k", 1, JSON_MAX_INTEGER, &read.k) && good;
    good = figure_member(loader, at, object, "n", 1, JSON_MAX_INTEGER, &read.n) && good;
    good = figure_member(loader, at, object, "groups", 1, JSON_MAX_INTEGER, &read.groups) && good;
    int samples_in = choice_member(loader, at, object, "samples_in", places, 3);
    read.samples_in_k = samples_in == 1;
    read.samples_in_groups = samples_in == 2;
    if (good && samples_in >= 0)
        *gemm = read;
    return good && samples_in >= 0;
}

/* An array of two whole numbers from 1 on: height and width. */
static bool read_pair(plan_loader *loader, const json_path *at, const cJSON *object,
                      const char *member, int64_t pair[2])
{
    const cJSON *list = json_member(object, member);
    const json_path list_path = {at, member, 0};
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 2) {
        json_unexpected(&loader->document, at, member, list, "an array of height and width");
        return false;
    }
    bool good = true;
    for (int i = 0; i < 2; i++) {
        const json_path place = {&list_path, NULL, (size_t)i};
        good = json_integer(&loader->document, &place, NULL, cJSON_GetArrayItem(list, i), 1,
                            JSON_MAX_INTEGER, &pair[i]) &&
               good;
    }
    return good;
}

/* Whether the padded input that the windows reach over is a size at all. */
static bool reach_fits(const mbs_conv *conv)
{
    for (int axis = 0; axis < 2; axis++) {
        int64_t reach = 1;
        if (!checked_add_product(&reach, conv->output[axis] - 1, conv->stride[axis]) ||
            !checked_add_product(&reach, conv->kernel[axis] - 1, conv->dilation[axis]) ||
            reach > JSON_MAX_INTEGER)
            return false;
    }
    return true;
}

/* Whether the step's product is the one of its convolution in one of the three passes. */
static bool products_agree(const mbs_conv *conv, const mbs_gemm *gemm)
{
    int64_t outputs, k;
    if (conv->channels % gemm->groups != 0 || conv->filters % gemm->groups != 0 ||
        !checked_mul(conv->output[0], conv->output[1], &outputs) ||
        !checked_mul(conv->channels / gemm->groups, conv->kernel[0], &k) ||
        !checked_mul(k, conv->kernel[1], &k))
        return false;
    const int64_t n = conv->filters / gemm->groups;
    if (gemm->samples_in_k)
        return gemm->m == k && gemm->k == outputs && gemm->n == n;
    return gemm->m == outputs && ((gemm->k == k && gemm->n == n) || (gemm->k == n && gemm->n == k));
}

static void read_conv(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step)
{
    mbs_conv read = {0};
    if (!entry_begin(loader, at, object, conv_members))
        return;
    bool good = figure_member(loader, at, object, "channels", 1, JSON_MAX_INTEGER, &read.channels);
    good = figure_member(loader, at, object, "filters", 1, JSON_MAX_INTEGER, &read.filters) && good;
    good = read_pair(loader, at, object, "output", read.output) && good;
    good = read_pair(loader, at, object, "kernel", read.kernel) && good;
    good = read_pair(loader, at, object, "stride", read.stride) && good;
    good = read_pair(loader, at, object, "dilation", read.dilation) && good;
    if (!good)
        return;
    if (step->gemm.m == 0 || !products_agree(&read, &step->gemm) || !reach_fits(&read))
        json_fault(&loader->document, at, NULL,
                   "found a convolution that the step's gemm is not of, expected m, k and n of one "
                   "of its passes");
    else
        step->conv = read;
}

void read_products(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step)
{
    const cJSON *gemm = json_member(object, "gemm");
    const cJSON *conv = json_member(object, "conv");
    const json_path gemm_path = {at, "gemm", 0};
    const json_path conv_path = {at, "conv", 0};
    bool sound = gemm == NULL || read_gemm(loader, &gemm_path, gemm, &step->gemm);
    if (conv != NULL && sound)
        read_conv(loader, &conv_path, conv, step);
}

/* ---- The whole program ----------------------------------------------------------------------- */

/* The ops whose steps are matrix products: one without its sizes is of unknown cost. */
static bool is_product(const char *kind)
{
    static const char *const ops[] = {"conv", "fc", "conv_transpose", "matmul"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (is_of_op(kind, ops[i]))
            return true;
    return false;
}

static bool shapes_known(const mbs_program *p)
{
    for (int32_t id = 0; id < p->tensor_count; id++)
        if (p->tensors[id].elements == 0 && p->tensors[id].bytes > 0)
            return false;
    for (int32_t k = 0; k < p->step_count; k++)
        if ((is_product(p->steps[k].kind) && p->steps[k].gemm.m == 0) ||
            (p->steps[k].update.is_update && p->steps[k].update.elements == 0))
            return false;
    return true;
}

/* The number of a gradient sum or of a layer's further copy: "#2", or nothing. */
static bool is_number(const char *text)
{
    return *text == '\0' || (*text == '#' && text[1 + strspn(text + 1, "0123456789")] == '\0');
}

/* How much of a step's name is its layer's: what an ending that its kind gives it leaves. */
static size_t layer_length(const mbs_step *step)
{
    const size_t length = strlen(step->name);
    const char *ending = strcmp(step->kind, "gsum") == 0 ? ".gsum" : strchr(step->kind, '.');
    if (ending == NULL)
        return length;
    const char *last = NULL;
    for (const char *at = strstr(step->name, ending); at != NULL; at = strstr(at + 1, ending))
        last = at;
    return last != NULL && last > step->name && is_number(last + strlen(ending))
               ? (size_t)(last - step->name)
               : length;
}

/* "conv1" of "conv1.dgrad" and "conv1.remat#2"; null if memory is out. */
static const char *layer_name(plan_loader *loader, const mbs_step *step)
{
    const size_t length = layer_length(step);
    if (step->name[length] == '\0')
        return step->name;
    const char *name = name_pool_format(loader->program->names, "%.*s", (int)length, step->name);
    if (name == NULL)
        json_out_of_memory(&loader->document);
    return name;
}

static int by_layer(const void *a, const void *b)
{
    const mbs_step *const *first = a;
    const mbs_step *const *second = b;
    int order = strcmp((*first)->layer, (*second)->layer);
    if (order != 0)
        return order;
    return (*first > *second) - (*first < *second);
}

/* Steps of one name belong to one layer; its id is that of the first of them. */
static bool find_layers(plan_loader *loader)
{
    mbs_program *p = loader->program;
    mbs_step **sorted = loader_allocate(loader, p->step_count, sizeof *sorted);
    if (sorted == NULL)
        return false;
    for (int32_t k = 0; k < p->step_count; k++) {
        sorted[k] = &p->steps[k];
        const char *name = layer_name(loader, sorted[k]);
        if (name == NULL) {
            mem_free(sorted);
            return false;
        }
        sorted[k]->layer = name;
    }
    qsort(sorted, (size_t)p->step_count, sizeof *sorted, by_layer);
    for (int32_t i = 0; i < p->step_count; i++)
        sorted[i]->layer_id = i > 0 && strcmp(sorted[i]->layer, sorted[i - 1]->layer) == 0
                                  ? sorted[i - 1]->layer_id
                                  : (int32_t)(sorted[i] - p->steps);
    mem_free(sorted);
    return true;
}

bool finish_shapes(plan_loader *loader)
{
    loader->program->has_shapes = shapes_known(loader->program);
    return find_layers(loader);
}
