/* Members with a number for each axis of a window: two in an image, three in a volume. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "network/loader.h"

#define MOST_NUMBERS 6 /* two for each of three axes */

/* What a member may be: an integer from `minimum` up, or lists that `lists` names. */
typedef struct number_rule {
    int64_t minimum;
    bool both_sides; /* lists may have a number for each end of each axis */
    const char *lists;
} number_rule;

static void report_other_value(json_document *document, const json_path *at, const char *member,
                               const cJSON *value, const number_rule *rule)
{
    char expected[160];
    snprintf(expected, sizeof expected, "a whole number from %d up%s", (int)rule->minimum,
             rule->lists);
    json_unexpected(document, at, member, value, expected);
}

/* Reads an integer or a list of a length that the rule allows; returns how many numbers, or 0. */
static int take_axis_numbers(json_document *document, const json_path *at, const char *member,
                             const cJSON *value, const number_rule *rule,
                             int64_t numbers[MOST_NUMBERS])
{
    if (value == NULL || (!cJSON_IsArray(value) && !cJSON_IsNumber(value))) {
        report_other_value(document, at, member, value, rule);
        return 0;
    }
    if (!cJSON_IsArray(value))
        return json_integer(document, at, member, value, rule->minimum, JSON_MAX_INTEGER, numbers)
                   ? 1
                   : 0;
    const int given = cJSON_GetArraySize(value);
    if (given != 2 && given != 3 && !(rule->both_sides && (given == 4 || given == 6))) {
        json_fault(document, at, member, "found a list of %d, expected an integer%s", given,
                   rule->lists);
        return 0;
    }
    json_path list = {at, member, 0};
    int count = 0;
    bool good = true;
    for (const cJSON *item = value->child; item != NULL; item = item->next, count++) {
        json_path place = {&list, NULL, (size_t)count};
        good &= json_integer(document, &place, NULL, item, rule->minimum, JSON_MAX_INTEGER,
                             &numbers[count]);
    }
    return good ? count : 0;
}

/* Notes that a list has numbers for so many axes, as all lists of the layer must. */
static bool agree_on_axes(json_document *document, const json_path *at, const char *member,
                          mbs_layer *layer, int axes)
{
    if (layer->axes == 0)
        layer->axes = axes;
    if (layer->axes == axes)
        return true;
    json_fault(document, at, member,
               "found numbers for %d axes, expected %d as in the lists before", axes, layer->axes);
    return false;
}

/* One number for each axis; a single integer is for all. */
static bool take_axes(json_document *document, const json_path *at, const char *member,
                      const cJSON *value, mbs_layer *layer, int64_t minimum, int64_t each[3])
{
    const number_rule rule = {minimum, false, " or [height, width] or [depth, height, width]"};
    int64_t numbers[MOST_NUMBERS];
    const int count = take_axis_numbers(document, at, member, value, &rule, numbers);
    if (count == 0 || (count > 1 && !agree_on_axes(document, at, member, layer, count)))
        return false;
    for (int i = 0; i < 3; i++)
        each[i] = numbers[count == 1 ? 0 : i < count ? i : 0];
    return true;
}

bool take_kernel(json_document *document, const json_path *at, const char *member,
                 const cJSON *value, mbs_layer *layer)
{
    return take_axes(document, at, member, value, layer, 1, layer->kernel);
}

bool take_stride(json_document *document, const json_path *at, const char *member,
                 const cJSON *value, mbs_layer *layer)
{
    return take_axes(document, at, member, value, layer, 1, layer->stride);
}

bool take_dilation(json_document *document, const json_path *at, const char *member,
                   const cJSON *value, mbs_layer *layer)
{
    return take_axes(document, at, member, value, layer, 1, layer->dilation);
}

bool take_output_pad(json_document *document, const json_path *at, const char *member,
                     const cJSON *value, mbs_layer *layer)
{
    return take_axes(document, at, member, value, layer, 0, layer->output_pad);
}

bool take_pad(json_document *document, const json_path *at, const char *member, const cJSON *value,
              mbs_layer *layer)
{
    static const number_rule rule = {0, true,
                                     ", [height, width] or [top, left, bottom, right], or with "
                                     "depth first [depth, height, width] "
                                     "or [front, top, left, back, bottom, right]"};
    int64_t numbers[MOST_NUMBERS];
    const int count = take_axis_numbers(document, at, member, value, &rule, numbers);
    const int axes = count > 3 ? count / 2 : count;
    if (count == 0 || (count > 1 && !agree_on_axes(document, at, member, layer, axes)))
        return false;
    for (int i = 0; i < 3; i++) {
        const int at_axis = i < axes ? i : 0;
        layer->pad[i] = numbers[at_axis];
        layer->pad_after[i] = numbers[count > 3 ? axes + at_axis : at_axis];
    }
    return true;
}

bool take_size(json_document *document, const json_path *at, const char *member, const cJSON *value,
               mbs_layer *layer)
{
    int64_t each[3];
    if (!take_axes(document, at, member, value, layer, 1, each))
        return false;
    layer->list.rank = layer->axes;
    memcpy(layer->list.dim, each, sizeof each);
    return true;
}
