/*
 * Which tensor a name means. A sorted list and binary search: no choice of names makes it slow, as
 * it could a hash table.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "network/loader.h"

typedef struct named_value {
    const char *name;
    int32_t value;
    bool ambiguous; /* the name is given to several */
} named_value;

typedef struct name_index {
    named_value *entries; /* sorted by name, then by place in the file */
    size_t count;
} name_index;

static int compare_entries(const void *left, const void *right)
{
    const named_value *a = left;
    const named_value *b = right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a->value > b->value) - (a->value < b->value);
}

static int compare_name(const void *key, const void *entry)
{
    return strcmp(key, ((const named_value *)entry)->name);
}

static int32_t value_count(const mbs_network *network)
{
    return network->input_count + network->layer_count;
}

/* Null entries only if memory is out; layers and inputs without a good name are left out. */
static name_index build_index(const mbs_network *network)
{
    name_index index = {NULL, 0};
    size_t room = (size_t)value_count(network);
    index.entries = mem_alloc((room > 0 ? room : 1) * sizeof *index.entries);
    if (index.entries == NULL)
        return index;
    for (int32_t value = 0; value < value_count(network); value++) {
        const char *name = value_name(network, value);
        if (name != NULL)
            index.entries[index.count++] = (named_value){name, value, false};
    }
    qsort(index.entries, index.count, sizeof *index.entries, compare_entries);
    return index;
}

static void report_taken(network_loader *loader, int32_t value, int32_t first)
{
    int32_t inputs = loader->network->input_count;
    json_path inputs_list = {NULL, "inputs", 0};
    json_path layers_list = {NULL, "layers", 0};
    json_path at = value < inputs ? (json_path){&inputs_list, NULL, (size_t)value}
                                  : layer_path(&layers_list, (size_t)(value - inputs));
    json_fault(&loader->document, &at, "name", "%s is already the name of %s[%d]",
               quoted(value_name(loader->network, value)).text,
               first < inputs ? "inputs" : "layers",
               (int)(first < inputs ? first : first - inputs));
}

/* Reports in file order, which the sorted list has lost. False if memory is out. */
static bool check_unique(network_loader *loader, name_index *index)
{
    int32_t count = value_count(loader->network);
    int32_t *first = mem_alloc(((size_t)count + 1) * sizeof *first);
    if (first == NULL)
        return false;
    for (int32_t value = 0; value < count; value++)
        first[value] = NO_VALUE;
    for (size_t i = 1; i < index->count; i++) {
        named_value *before = &index->entries[i - 1];
        named_value *entry = &index->entries[i];
        if (strcmp(before->name, entry->name) != 0)
            continue;
        int32_t original = first[before->value];
        first[entry->value] = original == NO_VALUE ? before->value : original;
        before->ambiguous = entry->ambiguous = true;
    }
    for (int32_t value = 0; value < count; value++)
        if (first[value] != NO_VALUE)
            report_taken(loader, value, first[value]);
    mem_free(first);
    return true;
}

/* No value from `first` on has the name. */
static void report_dangling(network_loader *loader, const json_path *at, const char *what,
                            const char *name, int32_t first)
{
    /* a bound on the search, so that a hostile file cannot make it long */
    const int32_t most_candidates = 100000;
    const mbs_network *network = loader->network;
    name_guess guess = name_guess_start(name);
    if (json_fault_is_shown(&loader->document)) {
        for (int32_t value = first; value < value_count(network) && value < most_candidates;
             value++)
            if (value_name(network, value) != NULL)
                name_guess_try(&guess, value_name(network, value));
    }
    json_fault(&loader->document, at, NULL, "no %s named %s%s", what, quoted(name).text,
               name_guess_show(&guess).text);
}

static void resolve_layer(network_loader *loader, const name_index *index, int32_t layer_index,
                          const cJSON *object)
{
    mbs_layer *layer = &loader->network->layers[layer_index];
    json_path list = {NULL, "layers", 0};
    json_path at = layer_path(&list, (size_t)layer_index);
    json_path inputs = {&at, "inputs", 0};
    /* input_count is 0 if there is no such list */
    const cJSON *item = layer->input_count > 0 ? json_member(object, "inputs")->child : NULL;
    for (int32_t i = 0; i < layer->input_count; i++, item = item->next) {
        json_path place = {&inputs, NULL, (size_t)i};
        layer->inputs[i] = NO_VALUE;
        const char *name = json_name(&loader->document, &place, NULL, item);
        if (name != NULL) {
            const named_value *found =
                bsearch(name, index->entries, index->count, sizeof *index->entries, compare_name);
            if (found == NULL && loader->inputs_known)
                report_dangling(loader, &place, "tensor", name, 0);
            else if (found != NULL && !found->ambiguous)
                layer->inputs[i] = found->value;
        }
    }
}

static void resolve_shared(network_loader *loader, const name_index *index, int32_t layer,
                           const cJSON *object)
{
    const json_path list = {NULL, "layers", 0};
    const json_path at = layer_path(&list, (size_t)layer);
    const json_path place = {&at, "shares", 0};
    const int32_t inputs = loader->network->input_count;
    const cJSON *value = json_member(object, "shares");
    if (!cJSON_IsString(value)) /* reported where it was read */
        return;
    const named_value *found = bsearch(value->valuestring, index->entries, index->count,
                                       sizeof *index->entries, compare_name);
    if (found == NULL || (found->value < inputs && !found->ambiguous))
        report_dangling(loader, &place, "layer", value->valuestring, inputs);
    else if (!found->ambiguous)
        share_parameters(loader, &place, layer, found->value - inputs);
}

void resolve_names(network_loader *loader, const cJSON *layers)
{
    name_index index = build_index(loader->network);
    if (index.entries == NULL || !check_unique(loader, &index)) {
        mem_free(index.entries);
        json_out_of_memory(&loader->document);
        return;
    }
    int32_t layer = 0;
    const cJSON *object = layers != NULL ? layers->child : NULL;
    for (; object != NULL && layer < loader->network->layer_count; object = object->next) {
        resolve_layer(loader, &index, layer, object);
        resolve_shared(loader, &index, layer++, object);
    }
    mem_free(index.entries);
}
