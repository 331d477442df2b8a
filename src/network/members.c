/* What a layer's object says besides its name, op and inputs: one table row per member. */
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "network/loader.h"

static bool take_out_channels(json_document *document, const json_path *at, const char *member,
                              const cJSON *value, mbs_layer *layer)
{
    return json_integer(document, at, member, value, 1, JSON_MAX_INTEGER, &layer->out_channels);
}

static bool take_rows(json_document *document, const json_path *at, const char *member,
                      const cJSON *value, mbs_layer *layer)
{
    return json_integer(document, at, member, value, 1, JSON_MAX_INTEGER, &layer->rows);
}

static bool take_groups(json_document *document, const json_path *at, const char *member,
                        const cJSON *value, mbs_layer *layer)
{
    return json_integer(document, at, member, value, 1, JSON_MAX_INTEGER, &layer->groups);
}

static bool take_bias(json_document *document, const json_path *at, const char *member,
                      const cJSON *value, mbs_layer *layer)
{
    return json_boolean(document, at, member, value, &layer->bias);
}

static bool take_ceil_mode(json_document *document, const json_path *at, const char *member,
                           const cJSON *value, mbs_layer *layer)
{
    return json_boolean(document, at, member, value, &layer->ceil_mode);
}

static bool take_affine(json_document *document, const json_path *at, const char *member,
                        const cJSON *value, mbs_layer *layer)
{
    return json_boolean(document, at, member, value, &layer->affine);
}

static bool take_transpose_a(json_document *document, const json_path *at, const char *member,
                             const cJSON *value, mbs_layer *layer)
{
    return json_boolean(document, at, member, value, &layer->transpose[0]);
}

static bool take_transpose_b(json_document *document, const json_path *at, const char *member,
                             const cJSON *value, mbs_layer *layer)
{
    return json_boolean(document, at, member, value, &layer->transpose[1]);
}

static bool take_axis(json_document *document, const json_path *at, const char *member,
                      const cJSON *value, mbs_layer *layer)
{
    return json_integer(document, at, member, value, 0, MBS_MAX_RANK - 1, &layer->axis);
}

static bool take_begin(json_document *document, const json_path *at, const char *member,
                       const cJSON *value, mbs_layer *layer)
{
    return json_integer(document, at, member, value, 0, JSON_MAX_INTEGER, &layer->begin);
}

static bool take_end(json_document *document, const json_path *at, const char *member,
                     const cJSON *value, mbs_layer *layer)
{
    return json_integer(document, at, member, value, 1, JSON_MAX_INTEGER, &layer->end);
}

static bool take_step(json_document *document, const json_path *at, const char *member,
                      const cJSON *value, mbs_layer *layer)
{
    return json_integer(document, at, member, value, 1, JSON_MAX_INTEGER, &layer->step);
}

static bool take_parameters(json_document *document, const json_path *at, const char *member,
                            const cJSON *value, mbs_layer *layer)
{
    return json_integer(document, at, member, value, 0, JSON_MAX_INTEGER, &layer->learned);
}

static bool take_shape(json_document *document, const json_path *at, const char *member,
                       const cJSON *value, mbs_layer *layer)
{
    int64_t elements;
    return read_shape(document, at, member, value, &layer->list, &elements);
}

/* A list of 1 to 8 whole numbers from 0. */
static bool take_dimensions(json_document *document, const json_path *at, const char *member,
                            const cJSON *value, mbs_shape *numbers)
{
    const char *wanted = "a list of one number per dimension";
    int given = cJSON_IsArray(value) ? cJSON_GetArraySize(value) : 0;
    if (given < 1 || given > MBS_MAX_RANK) {
        if (cJSON_IsArray(value))
            json_fault(document, at, member, "found a list of %d, expected %s", given, wanted);
        else
            json_unexpected(document, at, member, value, wanted);
        return false;
    }
    json_path list = {at, member, 0};
    bool good = true;
    for (const cJSON *item = value->child; item != NULL; item = item->next) {
        json_path place = {&list, NULL, (size_t)numbers->rank};
        good &= json_integer(document, &place, NULL, item, 0, JSON_MAX_INTEGER,
                             &numbers->dim[numbers->rank++]);
    }
    return good;
}

static bool take_order(json_document *document, const json_path *at, const char *member,
                       const cJSON *value, mbs_layer *layer)
{
    return take_dimensions(document, at, member, value, &layer->list);
}

static bool take_after(json_document *document, const json_path *at, const char *member,
                       const cJSON *value, mbs_layer *layer)
{
    return take_dimensions(document, at, member, value, &layer->after);
}

static bool take_kind(json_document *document, const json_path *at, const char *member,
                      const cJSON *value, mbs_layer *layer)
{
    static const char *const kinds[] = {[NORM_GROUP] = "group",
                                        [NORM_BATCH] = "batch",
                                        [NORM_LAYER] = "layer",
                                        [NORM_INSTANCE] = "instance"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (cJSON_IsString(value) && strcmp(value->valuestring, kinds[i]) == 0) {
            layer->norm_kind = (mbs_norm_kind)i;
            return true;
        }
    }
    json_unexpected(document, at, member, value, "\"group\", \"batch\", \"layer\" or \"instance\"");
    return false;
}

/* Which layer it means is found when all names are known. */
static bool take_shares(json_document *document, const json_path *at, const char *member,
                        const cJSON *value, mbs_layer *layer)
{
    (void)layer;
    json_name(document, at, member, value);
    return true; /* the output's shape does not depend on it */
}

typedef struct member_rule {
    const char *name;
    member_flag flag;
    bool required;
    take_member *take;
} member_rule;

static const member_rule member_rules[] = {
    {"out_channels", MEMBER_OUT_CHANNELS, true, take_out_channels},
    {"out_features", MEMBER_OUT_FEATURES, true, take_out_channels},
    {"rows", MEMBER_ROWS, true, take_rows},
    {"kind", MEMBER_KIND, true, take_kind},
    {"kernel", MEMBER_KERNEL, true, take_kernel},
    {"stride", MEMBER_STRIDE, false, take_stride},
    {"pad", MEMBER_PAD, false, take_pad},
    {"dilation", MEMBER_DILATION, false, take_dilation},
    {"groups", MEMBER_GROUPS, false, take_groups},
    {"bias", MEMBER_BIAS, false, take_bias},
    {"ceil_mode", MEMBER_CEIL_MODE, false, take_ceil_mode},
    {"axis", MEMBER_AXIS, false, take_axis},
    {"affine", MEMBER_AFFINE, false, take_affine},
    {"output_pad", MEMBER_OUTPUT_PAD, false, take_output_pad},
    {"transpose_a", MEMBER_TRANSPOSE, false, take_transpose_a},
    {"transpose_b", MEMBER_TRANSPOSE, false, take_transpose_b},
    {"begin", MEMBER_RANGE, false, take_begin},
    {"end", MEMBER_RANGE, true, take_end},
    {"step", MEMBER_RANGE, false, take_step},
    {"parameters", MEMBER_PARAMETERS, false, take_parameters},
    {"shape", MEMBER_SHAPE, true, take_shape},
    {"shape", MEMBER_SHAPE_OPTIONAL, false, take_shape},
    {"size", MEMBER_SIZE, true, take_size},
    {"order", MEMBER_ORDER, true, take_order},
    {"before", MEMBER_MARGINS, true, take_order},
    {"after", MEMBER_MARGINS, true, take_after},
    {"shares", MEMBER_SHARES, false, take_shares},
};
#define MEMBER_RULES (sizeof member_rules / sizeof member_rules[0])

static const char *const common_members[] = {"name", "op", "inputs"};
#define COMMON_MEMBERS (sizeof common_members / sizeof common_members[0])

static void report_foreign(json_document *document, const json_path *at, const char *member,
                           unsigned flags, mbs_op op)
{
    char owners[128] = "";
    size_t used = 0;
    for (int i = 0; i < OP_COUNT; i++)
        if (op_rules[i].members & flags && used < sizeof owners)
            used += (size_t)snprintf(owners + used, sizeof owners - used, "%s%s",
                                     used > 0 ? ", " : "", op_name((mbs_op)i));
    json_fault(document, at, member, "is a member of %s, not of %s", owners, op_name(op));
}

static void report_unknown(json_document *document, const json_path *at, const char *member,
                           mbs_op op)
{
    name_guess guess = name_guess_start(member);
    for (size_t i = 0; i < COMMON_MEMBERS; i++)
        name_guess_try(&guess, common_members[i]);
    for (size_t i = 0; i < MEMBER_RULES; i++)
        if (op_rules[op].members & (unsigned)member_rules[i].flag)
            name_guess_try(&guess, member_rules[i].name);
    json_fault(document, at, NULL, "unknown member %s of %s%s", quoted(member).text, op_name(op),
               name_guess_show(&guess).text);
}

static void check_member(json_document *document, const json_path *at, const char *member,
                         mbs_op op)
{
    if (json_is_ignored(member))
        return;
    for (size_t i = 0; i < COMMON_MEMBERS; i++)
        if (strcmp(common_members[i], member) == 0)
            return;
    unsigned flags = 0; /* of the ops that have such a member */
    for (size_t i = 0; i < MEMBER_RULES; i++)
        if (strcmp(member_rules[i].name, member) == 0)
            flags |= (unsigned)member_rules[i].flag;
    if (flags == 0)
        report_unknown(document, at, member, op);
    else if (!(op_rules[op].members & flags))
        report_foreign(document, at, member, flags, op);
}

static void set_defaults(mbs_layer *layer)
{
    layer->groups = layer->op == OP_NORM ? NORM_DEFAULT_GROUPS : 1;
    layer->affine = true;
    layer->step = 1;
    layer->axis = layer->op == OP_NORM ? -1 : 0;
    layer->learned = layer->op == OP_PRELU ? 1 : layer->op == OP_PARAMETER ? LEARNED_ALL : 0;
    for (int i = 0; i < 3; i++)
        layer->kernel[i] = layer->stride[i] = layer->dilation[i] = 1;
}

bool read_members(json_document *document, const json_path *at, const cJSON *object,
                  mbs_layer *layer)
{
    bool good = true;
    unsigned allowed = op_rules[layer->op].members;
    set_defaults(layer);
    for (const cJSON *child = object->child; child != NULL; child = child->next)
        check_member(document, at, child->string, layer->op);
    for (size_t i = 0; i < MEMBER_RULES; i++) {
        const member_rule *rule = &member_rules[i];
        if (!(allowed & (unsigned)rule->flag))
            continue;
        const cJSON *value = json_member(object, rule->name);
        if (value != NULL || rule->required)
            good &= rule->take(document, at, rule->name, value, layer);
    }
    bool pool = op_rules[layer->op].shape == SHAPE_POOL;
    if (pool && json_member(object, "stride") == NULL)
        memcpy(layer->stride, layer->kernel, sizeof layer->stride);
    if (layer->op == OP_NORM && layer->norm_kind != NORM_GROUP) {
        layer->groups = 1;
        if (json_member(object, "groups") != NULL)
            json_fault(document, at, "groups", "is a member of norms of kind \"group\" only");
    }
    if (layer->op == OP_NORM && layer->norm_kind != NORM_LAYER &&
        json_member(object, "axis") != NULL)
        json_fault(document, at, "axis", "is a member of norms of kind \"layer\" only");
    return good;
}

bool read_shape(json_document *document, const json_path *at, const char *member,
                const cJSON *value, mbs_shape *shape, int64_t *elements)
{
    const char *wanted = "a list of 1 to 8 dimensions";
    *shape = (mbs_shape){0};
    if (!cJSON_IsArray(value)) {
        json_unexpected(document, at, member, value, wanted);
        return false;
    }
    int given = cJSON_GetArraySize(value);
    if (given < 1 || given > MBS_MAX_RANK) {
        json_fault(document, at, member, "found a list of %d, expected %s", given, wanted);
        return false;
    }
    json_path list = {at, member, 0};
    bool good = true;
    size_t count = 0;
    for (const cJSON *item = value->child; item != NULL; item = item->next, count++) {
        json_path place = {&list, NULL, count};
        good &= json_integer(document, &place, NULL, item, 1, JSON_MAX_INTEGER, &shape->dim[count]);
    }
    *elements = 1;
    for (int i = 0; good && i < given; i++) {
        if (!checked_mul(*elements, shape->dim[i], elements)) {
            json_fault(document, at, member, "the product of the dimensions is above 2^63 - 1");
            good = false;
        }
    }
    shape->rank = good ? given : 0;
    return good;
}
