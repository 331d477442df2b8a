/* What a plan file of version 2 tells of rows (model, section 11). */
#include <string.h>

#include "base/error.h"
#include "emit/plan_loader.h"

bool open_maps(plan_loader *loader, const cJSON *list)
{
    mbs_program *p = loader->program;
    int64_t count = ROW_MAP_WHOLE + 1;
    const cJSON *object;
    cJSON_ArrayForEach(object, list)
    {
        const cJSON *maps = cJSON_IsObject(object) ? json_member(object, "maps") : NULL;
        count += maps == NULL ? 0 : cJSON_GetArraySize(maps);
    }
    p->maps = loader_allocate(loader, count, sizeof *p->maps);
    if (p->maps == NULL)
        return false;
    p->maps[ROW_MAP_SAME] = (mbs_row_map){.kind = ROWS_SAME};
    p->maps[ROW_MAP_WHOLE] = (mbs_row_map){.kind = ROWS_WHOLE};
    p->map_count = ROW_MAP_WHOLE + 1;
    p->split = p->has_rows = true;
    return true;
}

/* ---- Maps ------------------------------------------------------------------------------------ */

/* The touch of step's read operand that a map is of, or -1 after reporting a fault. */
static int32_t find_read(plan_loader *loader, const json_path *at, const cJSON *object,
                         const mbs_step *step)
{
    const mbs_program *p = loader->program;
    int64_t id;
    if (!figure_member(loader, at, object, "tensor", 0, (int64_t)p->tensor_count - 1, &id))
        return -1;
    const int32_t t = loader->last_touch[id] - 1;
    if (t < step->touch_begin || t >= step->write_begin) {
        json_fault(&loader->document, at, "tensor", "the step does not read tensor %d %s", (int)id,
                   quoted(p->tensors[id].name).text);
        return -1;
    }
    if (p->touches[t].map != ROW_MAP_SAME) {
        json_fault(&loader->document, at, "tensor", "tensor %d %s has a map already", (int)id,
                   quoted(p->tensors[id].name).text);
        return -1;
    }
    return t;
}

/* What a map says, by what its kind needs. */
static const char *const windowed[] = {"tensor", "kind", "window", "stride", "pad", NULL};
static const char *const shifted[] = {"tensor", "kind", "pad", NULL};
static const char *const plain[] = {"tensor", "kind", NULL};

static bool read_figures(plan_loader *loader, const json_path *at, const cJSON *object,
                         mbs_row_map *map)
{
    const bool has_window = map->kind == ROWS_WINDOW || map->kind == ROWS_TRANSPOSED;
    bool good = true;
    json_check_members(&loader->document, at, object,
                       has_window                  ? windowed
                       : map->kind == ROWS_SHIFTED ? shifted
                                                   : plain);
    if (has_window) {
        good = figure_member(loader, at, object, "window", 1, JSON_MAX_INTEGER, &map->window);
        good =
            figure_member(loader, at, object, "stride", 1, JSON_MAX_INTEGER, &map->stride) && good;
        good = figure_member(loader, at, object, "pad", 0, JSON_MAX_INTEGER, &map->pad) && good;
    } else if (map->kind == ROWS_SHIFTED) {
        good = figure_member(loader, at, object, "pad", -JSON_MAX_INTEGER, JSON_MAX_INTEGER,
                             &map->pad);
    }
    return good;
}

static void read_map(plan_loader *loader, const json_path *at, const cJSON *object,
                     const mbs_step *step)
{
    mbs_program *p = loader->program;
    const char *kinds[ROW_MAP_KIND_COUNT - 1];
    for (int kind = ROWS_SAME + 1; kind < ROW_MAP_KIND_COUNT; kind++)
        kinds[kind - 1] = row_map_name((row_map_kind)kind);
    if (!cJSON_IsObject(object)) {
        json_unexpected(&loader->document, at, NULL, object, "an object");
        return;
    }
    const int kind =
        choice_member(loader, at, object, "kind", kinds, sizeof kinds / sizeof kinds[0]);
    mbs_row_map map = {.kind = (row_map_kind)(kind + 1)};
    if (kind < 0 || !read_figures(loader, at, object, &map) || !loader->tensors_known)
        return;
    const int32_t t = find_read(loader, at, object, step);
    if (t < 0)
        return;
    p->touches[t].map = map.kind == ROWS_WHOLE ? ROW_MAP_WHOLE : p->map_count;
    if (map.kind != ROWS_WHOLE)
        p->maps[p->map_count++] = map;
}

/* What is read row by row must have the step's rows: sums of rows rely on it. */
static void check_same(plan_loader *loader, const json_path *at, const mbs_step *step)
{
    const mbs_program *p = loader->program;
    for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
        const mbs_tensor *tensor = &p->tensors[p->touches[t].tensor];
        if (p->touches[t].map == ROW_MAP_SAME && tensor->rows > 0 && tensor->rows != step->rows)
            json_fault(&loader->document, at, "maps",
                       "there is none for tensor %d %s, which has not the step's rows",
                       (int)p->touches[t].tensor, quoted(tensor->name).text);
    }
}

void read_rows(plan_loader *loader, const json_path *at, const cJSON *object, mbs_step *step)
{
    const cJSON *maps = json_member(object, "maps");
    const json_path list_path = {at, "maps", 0};
    json_path place = {&list_path, NULL, 0};
    const size_t before = loader->document.faults;
    const cJSON *entry;
    bool known = figure_member(loader, at, object, "rows", 1, MOST_ROWS, &step->rows);
    if (maps != NULL && !cJSON_IsArray(maps)) {
        json_unexpected(&loader->document, at, "maps", maps, "an array");
        return;
    }
    cJSON_ArrayForEach(entry, maps)
    {
        read_map(loader, &place, entry, step);
        place.index++;
    }
    if (known && loader->document.faults == before)
        check_same(loader, at, step);
}

/* ---- Batch norms ----------------------------------------------------------------------------- */

static bool is_batch_norm(const mbs_step *step)
{
    return strncmp(step->kind, "batch_norm", strlen("batch_norm")) == 0;
}

/* Whether the step makes a mini-batch's statistics: "batch_norm.stat", "batch_norm.bwd.stat". */
static bool makes_statistics(const mbs_step *step)
{
    const char *ending = strrchr(step->kind, '.');
    return is_batch_norm(step) && ending != NULL && strcmp(ending, ".stat") == 0;
}

void couple_statistics(mbs_program *p)
{
    for (int32_t k = 0; k < p->step_count; k++) {
        mbs_step *step = &p->steps[k];
        for (int32_t t = step->touch_begin; t < step->write_begin && is_batch_norm(step); t++) {
            const int32_t producer = p->tensors[p->touches[t].tensor].producer;
            if (producer >= 0 && makes_statistics(&p->steps[producer]))
                step->coupled_to = producer;
        }
    }
}
