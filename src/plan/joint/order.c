/* What happens when, and who serves whom. */
#include "plan/joint/order.h"

#include "base/memory.h"

/* Sorts 0..count-1 by key, equal ones in their order, into *sorted; false if memory is out. */
static bool sort_by(int32_t **sorted, int32_t **begin, const int32_t *key, int32_t count,
                    int32_t keys)
{
    *sorted = mem_alloc(((size_t)count + 1) * sizeof **sorted);
    *begin = mem_calloc((size_t)keys + 2, sizeof **begin);
    if (*sorted == NULL || *begin == NULL)
        return false;
    for (int32_t i = 0; i < count; i++)
        (*begin)[key[i] + 2]++;
    for (int32_t i = 2; i <= keys + 1; i++)
        (*begin)[i] += (*begin)[i - 1];
    for (int32_t i = 0; i < count; i++)
        (*sorted)[(*begin)[key[i] + 1]++] = i;
    return true;
}

static bool sort_events(joint *j)
{
    int32_t *key = mem_alloc(((size_t)j->event_count + 1) * sizeof *key);
    if (key == NULL)
        return false;
    for (int32_t i = 0; i < j->event_count; i++)
        key[i] = j->events[i].time;
    const bool done =
        sort_by(&j->timed, &j->timed_begin, key, j->event_count, j->program->step_count);
    mem_free(key);
    return done;
}

/* Which cells a group that begins with step k finds begun: those that contain gap k. */
static bool find_covering(joint *j)
{
    int32_t count = 0;
    int32_t at = 0;
    for (int32_t i = 0; i < j->cell_count; i++)
        count += j->cells[i].last - j->cells[i].first + 1;
    int32_t *gap = mem_alloc(((size_t)count + 1) * sizeof *gap);
    int32_t *event = mem_alloc(((size_t)count + 1) * sizeof *event);
    for (int32_t i = 0; i < j->event_count && gap != NULL && event != NULL; i++) {
        const joint_event *e = &j->events[i];
        for (int32_t k = e->enter; e->kind == JOINT_CELL && k <= e->leave; k++) {
            gap[at] = k;
            event[at++] = i;
        }
    }
    const bool done = gap != NULL && event != NULL &&
                      sort_by(&j->covering, &j->covering_begin, gap, count, j->program->step_count);
    for (int32_t i = 0; i < count && done; i++)
        j->covering[i] = event[j->covering[i]];
    mem_free(gap);
    mem_free(event);
    return done;
}

bool joint_sort(joint *j)
{
    return sort_events(j) && find_covering(j);
}

bool joint_link(joint *j, const int32_t *output, int32_t loss)
{
    const mbs_program *p = j->program;
    j->uses = mem_alloc(((size_t)p->touch_count + 1) * sizeof *j->uses);
    if (j->uses == NULL)
        return false;
    for (int32_t k = 0; k < loss; k++) {
        const mbs_step *step = &p->steps[k];
        const int32_t reader = output[step->layer_id];
        if (reader < 0)
            continue;
        j->tensors[reader].use_begin = j->use_count;
        for (int32_t t = step->touch_begin; t < step->write_begin; t++) {
            const int32_t input = p->touches[t].tensor;
            const joint_tensor *of = &j->tensors[input];
            joint_use *use = &j->uses[j->use_count++];
            *use = (joint_use){.reader = reader, .input = input, .link_begin = j->link_count};
            for (int32_t i = of->cell_begin;
                 i < of->cell_end && j->cells[i].first <= j->tensors[reader].last_gap; i++)
                use->link_count++;
            j->link_count += use->link_count;
        }
        j->tensors[reader].use_end = j->use_count;
    }
    int32_t *key = mem_alloc(((size_t)j->link_count + 1) * sizeof *key);
    if (key == NULL)
        return false;
    for (int32_t u = 0; u < j->use_count; u++)
        for (int32_t i = 0; i < j->uses[u].link_count; i++)
            key[j->uses[u].link_begin + i] = j->tensors[j->uses[u].input].cell_begin + i;
    const bool done =
        sort_by(&j->cell_link, &j->cell_link_begin, key, j->link_count, j->cell_count);
    mem_free(key);
    return done;
}
