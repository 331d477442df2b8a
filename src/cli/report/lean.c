/* JSON of which much is left out. */
#include <cjson/cJSON.h>
#include <string.h>

#include "report/report.h"

static const lean_member *find(const lean_member *members, const char *name)
{
    for (; members->name != NULL; members++)
        if (name != NULL && strcmp(members->name, name) == 0)
            return members;
    return NULL;
}

static void leave_out_behind(cJSON *list, size_t kept)
{
    cJSON *item = list->child;
    for (size_t i = 0; i < kept && item != NULL; i++)
        item = item->next;
    for (cJSON *next; item != NULL; item = next) {
        next = item->next;
        cJSON_Delete(cJSON_DetachItemViaPointer(list, item));
    }
}

static void leave_out(cJSON *of, const lean_member *members)
{
    for (cJSON *item = of->child, *next; item != NULL; item = next) {
        next = item->next;
        const lean_member *member = find(members, item->string);
        if (member != NULL && member->kept == 0) {
            cJSON_Delete(cJSON_DetachItemViaPointer(of, item));
            continue;
        }
        if (member != NULL && cJSON_IsArray(item))
            leave_out_behind(item, member->kept);
        leave_out(item, members);
    }
}

mbs_status lean_put(FILE *out, const char *json, const lean_member *members)
{
    cJSON *document = cJSON_Parse(json);
    if (document == NULL) /* it is this program's own, and right */
        return MBS_ERR_MEMORY;
    leave_out(document, members);
    char *text = cJSON_PrintUnformatted(document);
    cJSON_Delete(document);
    if (text == NULL)
        return MBS_ERR_MEMORY;
    fputs(text, out);
    cJSON_free(text);
    return MBS_OK;
}
