/* Networks rewritten without the layers that the one before does, too (model, section 13). */
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/memory.h"
#include "network/network.h"

/* Who reads a layer's output, if not one other: */
enum { READ_BY_NONE = -1, READ_BY_SEVERAL = -2 };

/* What is known of each layer of the network while it is copied. */
typedef struct rewrite {
    const mbs_network *from;
    int32_t *reader; /* the layer that alone reads its output, READ_BY_NONE or READ_BY_SEVERAL */
    int32_t *host;   /* the layer that does it: itself, but for those that go */
    int32_t *number; /* in the copy, of a layer that stays */
    bool *normed;    /* a batch norm is part of its parameters from now on */
    bool *shared;    /* layers that have its parameters, too, or it theirs */
} rewrite;

static bool rewrite_open(rewrite *of, const mbs_network *from)
{
    const size_t layers = (size_t)from->layer_count;
    *of = (rewrite){.from = from,
                    .reader = mem_alloc(layers * sizeof *of->reader),
                    .host = mem_alloc(layers * sizeof *of->host),
                    .number = mem_alloc(layers * sizeof *of->number),
                    .normed = mem_calloc(layers, sizeof *of->normed),
                    .shared = mem_calloc(layers, sizeof *of->shared)};
    if (of->reader == NULL || of->host == NULL || of->number == NULL || of->normed == NULL ||
        of->shared == NULL)
        return false;
    for (int32_t l = 0; l < from->layer_count; l++) {
        const mbs_layer *layer = &from->layers[l];
        of->reader[l] = READ_BY_NONE;
        of->host[l] = l;
        for (int32_t i = 0; i < layer->input_count; i++) {
            const int32_t made_by = layer->inputs[i] - from->input_count;
            if (made_by >= 0)
                of->reader[made_by] = of->reader[made_by] == READ_BY_NONE ? l : READ_BY_SEVERAL;
        }
        if (layer->shares >= 0)
            of->shared[l] = of->shared[layer->shares] = true;
    }
    return true;
}

static void rewrite_close(rewrite *of)
{
    mem_free(of->reader);
    mem_free(of->host);
    mem_free(of->number);
    mem_free(of->normed);
    mem_free(of->shared);
}

/* ---- What goes ------------------------------------------------------------------------------- */

static bool is_product(mbs_op op)
{
    return op == OP_CONV || op == OP_CONV_TRANSPOSE || op == OP_FC || op == OP_MATMUL;
}

/*
 * Whether a batch norm's factors can go into the product's weights: each of its channels is one
 * output of the weights, which are its own, as are the norm's.
 */
static bool takes_norm(const rewrite *of, int32_t product, int32_t norm)
{
    const mbs_layer *p = &of->from->layers[product];
    const mbs_layer *n = &of->from->layers[norm];
    return n->op == OP_NORM && n->norm_kind == NORM_BATCH && !of->shared[norm] &&
           !of->shared[product] && p->weights > 0 && p->out_channels == p->shape.dim[0] &&
           (p->op != OP_FC || p->axis == 0);
}

/* Gives a product what follows it: a batch norm, then an activation; dropouts do nothing here. */
static void fold_behind(rewrite *of, int32_t product)
{
    const mbs_layer *layers = of->from->layers;
    bool may_norm = layers[product].fused_count == 0;
    bool may_activate = may_norm;
    for (int32_t next = of->reader[product]; next >= 0; next = of->reader[next]) {
        if (may_norm && takes_norm(of, product, next)) {
            of->normed[product] = true;
            may_activate = layers[next].fused_count == 0;
        } else if (may_activate && op_is_activation(layers[next].op)) {
            may_activate = false;
        } else if (layers[next].op != OP_DROPOUT) {
            return;
        }
        may_norm = false;
        of->host[next] = product;
    }
}

/* A norm that stays takes the activation behind it. */
static void fuse_behind(rewrite *of, int32_t norm)
{
    const int32_t next = of->reader[norm];
    if (of->host[norm] == norm && of->from->layers[norm].fused_count == 0 && next >= 0 &&
        op_is_activation(of->from->layers[next].op))
        of->host[next] = norm;
}

static void find_gone(rewrite *of, int fusion)
{
    for (int32_t l = 0; l < of->from->layer_count; l++) {
        const mbs_op op = of->from->layers[l].op;
        if ((fusion & MBS_FUSE_PRODUCTS) && is_product(op))
            fold_behind(of, l);
        if ((fusion & MBS_FUSE_NORMS) && op == OP_NORM)
            fuse_behind(of, l);
    }
}

/* ---- The copy -------------------------------------------------------------------------------- */

/* The value in the copy. */
static int32_t value_of(const rewrite *of, int32_t value)
{
    const int32_t layer = value - of->from->input_count;
    return layer < 0 ? value : of->from->input_count + of->number[of->host[layer]];
}

static bool add_fused(mbs_layer *to, const char *name)
{
    char *copy = mem_strdup(name);
    if (copy == NULL)
        return false;
    to->fused[to->fused_count++] = copy;
    return true;
}

/* The layer, and what is done behind it, are done by `to`, which has room for their names. */
static bool add_work(mbs_layer *to, const mbs_layer *layer, bool itself)
{
    bool good = !itself || add_fused(to, layer->name);
    for (int32_t f = 0; good && f < layer->fused_count; f++)
        good = add_fused(to, layer->fused[f]);
    return good;
}

/* All of the layer but what is done behind it. */
static bool copy_layer(const rewrite *of, mbs_layer *to, const mbs_layer *from, int32_t work)
{
    *to = *from;
    to->name = mem_strdup(from->name);
    to->inputs = mem_zeroed(from->input_count, sizeof *to->inputs);
    to->fused = mem_zeroed(work, sizeof *to->fused);
    to->fused_count = 0;
    if (to->name == NULL || to->inputs == NULL || to->fused == NULL)
        return false;
    for (int32_t i = 0; i < from->input_count; i++)
        to->inputs[i] = value_of(of, from->inputs[i]);
    if (from->shares >= 0)
        to->shares = of->number[from->shares];
    return true;
}

static bool copy_inputs(mbs_network *to, const mbs_network *from)
{
    to->inputs = mem_zeroed(from->input_count, sizeof *to->inputs);
    if (to->inputs == NULL)
        return false;
    for (; to->input_count < from->input_count; to->input_count++) {
        mbs_input *input = &to->inputs[to->input_count];
        *input = from->inputs[to->input_count];
        input->name = mem_strdup(input->name);
        if (input->name == NULL) {
            to->input_count++;
            return false;
        }
    }
    return true;
}

/* Numbers the layers that stay; `work`: the names that each must have room for. Returns how many.
 */
static int32_t number_layers(rewrite *of, int32_t *work)
{
    int32_t count = 0;
    for (int32_t l = 0; l < of->from->layer_count; l++) {
        const bool stays = of->host[l] == l;
        work[of->host[l]] += of->from->layers[l].fused_count + !stays;
        if (stays)
            of->number[l] = count++;
    }
    return count;
}

static bool copy_layers(rewrite *of, mbs_network *to)
{
    const mbs_network *from = of->from;
    int32_t *work = mem_zeroed(from->layer_count, sizeof *work);
    const int32_t count = work != NULL ? number_layers(of, work) : 0;
    to->layers = mem_zeroed(count, sizeof *to->layers);
    bool good = work != NULL && to->layers != NULL;
    to->layer_count = good ? count : 0;
    for (int32_t l = 0; good && l < from->layer_count; l++) {
        const mbs_layer *layer = &from->layers[l];
        const bool stays = of->host[l] == l;
        mbs_layer *host = &to->layers[of->number[of->host[l]]];
        good = (!stays || copy_layer(of, host, layer, work[l])) && add_work(host, layer, !stays);
    }
    mem_free(work);
    return good;
}

/* Biases that norms have become, and the number of all parameters; false: it exceeds 64 bits. */
static bool count_parameters(const rewrite *of, mbs_network *to)
{
    bool fits = true;
    for (int32_t l = 0; l < of->from->layer_count; l++)
        if (of->normed[l]) {
            mbs_layer *product = &to->layers[of->number[l]];
            product->bias = true;
            product->biases = product->out_channels;
        }
    for (int32_t l = 0; l < to->layer_count; l++) {
        const mbs_layer *layer = &to->layers[l];
        if (layer->shares < 0)
            fits = fits && checked_add(to->parameters, layer->weights, &to->parameters) &&
                   checked_add(to->parameters, layer->biases, &to->parameters);
    }
    return fits;
}

mbs_status mbs_network_fuse(mbs_network **fused, const mbs_network *network, int fusion,
                            mbs_error *error)
{
    rewrite of;
    if (fused == NULL || network == NULL ||
        (fusion & ~(MBS_FUSE_PRODUCTS | MBS_FUSE_NORMS | MBS_FUSE_SUMS)) != 0)
        return error_set(error, MBS_ERR_ARGUMENT,
                         "no network, no place for the result, or nothing that can be fused");
    mbs_network *to = *fused = mem_calloc(1, sizeof *to);
    bool good = rewrite_open(&of, network) && to != NULL;
    if (good) {
        find_gone(&of, fusion);
        to->folded = network->folded || (fusion & MBS_FUSE_PRODUCTS) != 0;
        to->fused = network->fused || (fusion & MBS_FUSE_NORMS) != 0;
        to->sums = network->sums || (fusion & MBS_FUSE_SUMS) != 0;
        to->name = mem_strdup(network->name);
        good = to->name != NULL && copy_inputs(to, network) && copy_layers(&of, to);
    }
    const bool fits = !good || count_parameters(&of, to);
    rewrite_close(&of);
    if (good && fits)
        return MBS_OK;
    mbs_network_free(to);
    *fused = NULL;
    return good ? error_set(error, MBS_ERR_INPUT,
                            "network %s: the number of all layers' parameters is above 2^63 - 1",
                            quoted(network->name).text)
                : error_memory(error);
}
