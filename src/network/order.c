/* The stable topological order, and cycles. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "network/loader.h"

/* The layers that are ready, the first in file order on top. */
typedef struct ready_heap {
    int32_t *items;
    int32_t count;
} ready_heap;

static void heap_push(ready_heap *heap, int32_t item)
{
    int32_t at = heap->count++;
    while (at > 0 && heap->items[(at - 1) / 2] > item) {
        heap->items[at] = heap->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->items[at] = item;
}

static int32_t heap_pop(ready_heap *heap)
{
    int32_t top = heap->items[0];
    int32_t item = heap->items[--heap->count];
    int32_t at = 0;
    for (int32_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && heap->items[child + 1] < heap->items[child])
            child++;
        if (heap->items[child] >= item)
            break;
        heap->items[at] = heap->items[child];
    }
    heap->items[at] = item;
    return top;
}

/* Who reads which layer: readers of layer l are readers[begin[l]] up to readers[begin[l + 1]]. */
typedef struct reader_lists {
    size_t *begin;
    int32_t *readers;
    int32_t *waiting; /* per layer: inputs not yet available, repeated ones counted each time */
    ready_heap ready;
} reader_lists;

static void free_lists(reader_lists *lists)
{
    mem_free(lists->begin);
    mem_free(lists->readers);
    mem_free(lists->waiting);
    mem_free(lists->ready.items);
}

/* The layer that a layer's input is, or -1 for a network input or an unknown name. */
static int32_t input_layer(const mbs_network *network, const mbs_layer *layer, int32_t input)
{
    int32_t value = layer->inputs[input];
    return value < network->input_count ? -1 : value - network->input_count;
}

static bool allocate_lists(reader_lists *lists, const mbs_network *network)
{
    size_t layers = (size_t)network->layer_count;
    size_t edges = 0;
    for (size_t l = 0; l < layers; l++)
        edges += (size_t)network->layers[l].input_count;
    lists->begin = mem_calloc(layers + 2, sizeof *lists->begin);
    lists->readers = mem_calloc(edges + 1, sizeof *lists->readers);
    lists->waiting = mem_calloc(layers + 1, sizeof *lists->waiting);
    lists->ready.items = mem_calloc(layers + 1, sizeof *lists->ready.items);
    return lists->begin != NULL && lists->readers != NULL && lists->waiting != NULL &&
           lists->ready.items != NULL;
}

static void fill_lists(reader_lists *lists, const mbs_network *network)
{
    /* counted two places up, so that after the summing begin[l + 1] can serve as l's cursor */
    for (int32_t l = 0; l < network->layer_count; l++) {
        for (int32_t i = 0; i < network->layers[l].input_count; i++) {
            int32_t from = input_layer(network, &network->layers[l], i);
            if (from >= 0) {
                lists->begin[from + 2]++;
                lists->waiting[l]++;
            }
        }
    }
    for (int32_t l = 0; l < network->layer_count; l++)
        lists->begin[l + 1] += lists->begin[l];
    for (int32_t l = 0; l < network->layer_count; l++) {
        for (int32_t i = 0; i < network->layers[l].input_count; i++) {
            int32_t from = input_layer(network, &network->layers[l], i);
            if (from >= 0)
                lists->readers[lists->begin[from + 1]++] = l;
        }
    }
}

int32_t sort_layers(const mbs_network *network, int32_t *order)
{
    reader_lists lists = {0};
    int32_t placed = -1;
    if (!allocate_lists(&lists, network))
        goto cleanup;
    fill_lists(&lists, network);
    placed = 0;
    for (int32_t l = 0; l < network->layer_count; l++)
        if (lists.waiting[l] == 0)
            heap_push(&lists.ready, l);
    while (lists.ready.count > 0) {
        int32_t next = heap_pop(&lists.ready);
        order[placed++] = next;
        for (size_t r = lists.begin[next]; r < lists.begin[next + 1]; r++)
            if (--lists.waiting[lists.readers[r]] == 0)
                heap_push(&lists.ready, lists.readers[r]);
    }
cleanup:
    free_lists(&lists);
    return placed;
}

/* ---- Cycles ---- */

/*
 * `next` leads from each layer of the cycle to the layer that reads it. Shows it from `start` on,
 * the middle left out where it is long.
 */
static void report_cycle(network_loader *loader, const int32_t *next, int32_t start)
{
    const int32_t shown_at_ends = 3;
    const mbs_network *network = loader->network;
    int32_t length = 1;
    for (int32_t l = next[start]; l != start; l = next[l])
        length++;
    char text[MBS_ERROR_MESSAGE_BYTES * 2];
    size_t used = 0;
    int32_t l = start;
    for (int32_t i = 0; i < length; i++, l = next[l]) {
        if (length > 2 * shown_at_ends && i == shown_at_ends)
            used += (size_t)snprintf(text + used, sizeof text - used, "(%d more) -> ",
                                     (int)(length - 2 * shown_at_ends));
        if (length <= 2 * shown_at_ends || i < shown_at_ends || i >= length - shown_at_ends)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s -> ",
                                     quoted(value_name(network, network->input_count + l)).text);
    }
    json_path list = {NULL, "layers", 0};
    json_path at = layer_path(&list, (size_t)start);
    json_fault(&loader->document, &at, NULL, "cycle: %s%s", text,
               quoted(value_name(network, network->input_count + start)).text);
}

/* The first input of a layer that is itself not placed, or -1. */
static int32_t unplaced_input(const mbs_network *network, const bool *is_placed, int32_t layer)
{
    for (int32_t i = 0; i < network->layers[layer].input_count; i++) {
        int32_t from = input_layer(network, &network->layers[layer], i);
        if (from >= 0 && !is_placed[from])
            return from;
    }
    return -1;
}

/*
 * Every layer that was not placed has an input that was not either, so walking from input to input
 * always ends on a cycle. Each layer is walked over once.
 */
static void find_cycles(network_loader *loader, bool *is_placed, int32_t *walk, int32_t *next)
{
    const mbs_network *network = loader->network;
    for (int32_t first = 0; first < network->layer_count; first++) {
        if (is_placed[first] || walk[first] != 0)
            continue;
        int32_t l = first;
        while (walk[l] == 0) {
            walk[l] = first + 1;
            int32_t from = unplaced_input(network, is_placed, l);
            next[from] = l;
            l = from;
        }
        if (walk[l] != first + 1)
            continue; /* an earlier walk's cycle */
        int32_t start = l;
        for (int32_t on = next[l]; on != l; on = next[on])
            start = on < start ? on : start;
        report_cycle(loader, next, start);
    }
}

void report_cycles(network_loader *loader, const int32_t *order, int32_t placed)
{
    size_t layers = (size_t)loader->network->layer_count;
    bool *is_placed = mem_calloc(layers, sizeof *is_placed);
    int32_t *walk = mem_calloc(layers, sizeof *walk);
    int32_t *next = mem_calloc(layers, sizeof *next);
    if (is_placed == NULL || walk == NULL || next == NULL) {
        json_out_of_memory(&loader->document);
    } else {
        for (int32_t k = 0; k < placed; k++)
            is_placed[order[k]] = true;
        find_cycles(loader, is_placed, walk, next);
    }
    mem_free(is_placed);
    mem_free(walk);
    mem_free(next);
}
