#include "emit/plan_loader.h"

#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/name_pool.h"

const cJSON *list_member(plan_loader *loader, const char *member, bool required)
{
    const cJSON *value = json_member(loader->document.root, member);
    if (value == NULL && !required)
        return NULL;
    if (cJSON_IsArray(value))
        return value;
    json_unexpected(&loader->document, NULL, member, value, "an array");
    return NULL;
}

bool entry_begin(plan_loader *loader, const json_path *at, const cJSON *entry,
                 const char *const *known)
{
    if (!cJSON_IsObject(entry)) {
        json_unexpected(&loader->document, at, NULL, entry, "an object");
        return false;
    }
    json_check_members(&loader->document, at, entry, known);
    return true;
}

int choice_member(plan_loader *loader, const json_path *at, const cJSON *object, const char *member,
                  const char *const *words, int count)
{
    const cJSON *value = json_member(object, member);
    for (int i = 0; i < count && cJSON_IsString(value); i++)
        if (strcmp(value->valuestring, words[i]) == 0)
            return i;
    char expected[120] = "";
    for (int i = 0; i < count; i++)
        list_word(expected, sizeof expected, i < count - 1 ? ", " : " or ", quoted(words[i]).text);
    json_unexpected(&loader->document, at, member, value, expected);
    return -1;
}

bool figure_member(plan_loader *loader, const json_path *at, const cJSON *object,
                   const char *member, int64_t minimum, int64_t maximum, int64_t *result)
{
    return json_integer(&loader->document, at, member, json_member(object, member), minimum,
                        maximum, result);
}

void *loader_allocate(plan_loader *loader, int64_t count, size_t element)
{
    void *memory = mem_zeroed(count, element);
    if (memory == NULL)
        json_out_of_memory(&loader->document);
    return memory;
}

/* Checks that those members that `object` has are numbers. */
static void pass_over_reals(plan_loader *loader, const json_path *at, const cJSON *object,
                            const char *const *members)
{
    for (; *members != NULL; members++) {
        const cJSON *value = json_member(object, *members);
        double ignored;
        if (value != NULL)
            json_real(&loader->document, at, *members, value, &ignored);
    }
}

void pass_over_cost(plan_loader *loader, const json_path *at, const cJSON *object)
{
    static const char *const reals[] = {"time_s", "energy_j", "utilisation", NULL};
    static const char *const parts[] = {"dram", "buffer", "mac", "vector", "static", NULL};
    const json_path parts_at = {at, "energy_parts_j", 0};
    const cJSON *value = json_member(object, "energy_parts_j");
    pass_over_reals(loader, at, object, reals);
    if (value != NULL && entry_begin(loader, &parts_at, value, parts))
        pass_over_reals(loader, &parts_at, value, parts);
}

const char *copy_name(plan_loader *loader, const json_path *at, const char *member,
                      const cJSON *value)
{
    const char *name = json_name(&loader->document, at, member, value);
    const char *copy = name == NULL ? "" : name_pool_copy(loader->program->names, name);
    if (copy == NULL)
        json_out_of_memory(&loader->document);
    return copy == NULL ? "" : copy;
}

bool is_of_op(const char *kind, const char *op)
{
    size_t length = strlen(op);
    return strncmp(kind, op, length) == 0 && (kind[length] == '\0' || kind[length] == '.');
}
