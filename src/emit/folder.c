#include "emit/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"

struct folder {
    char *path;                  /* as the caller called it, for messages */
    char *target;                /* where it goes */
    char *temporary;             /* where it is until then */
    bool replaces;               /* there is a folder at the target */
    DIR *entries;                /* of the temporary folder */
    text list;                   /* the files so far, as entries of a JSON list */
    sink_stop_function *is_over; /* or null */
    void *stop_context;
};

/* `folder/name`, owned by the caller; null if memory is out. */
static char *join(const char *path, const char *name)
{
    size_t size = strlen(path) + strlen(name) + 2;
    char *joined = mem_alloc(size);
    if (joined != NULL)
        snprintf(joined, size, "%s/%s", path, name);
    return joined;
}

/* ---- What may be replaced -------------------------------------------------------------------- */

/* The list of files in an earlier export's index; null if there is none. */
static const cJSON *listed_files(json_document *document, const char *path)
{
    char *index = join(path, FOLDER_INDEX);
    char *data = NULL;
    size_t length;
    const cJSON *list = NULL;
    if (index != NULL && file_read(&data, &length, index, NULL) == MBS_OK &&
        json_open(document, data, length, index, NULL) == MBS_OK &&
        json_check_format(document, "mbsopt-export/1"))
        list = json_member(document->root, "files");
    mem_free(data);
    mem_free(index);
    return list;
}

static bool is_listed(const cJSON *list, const char *name)
{
    const cJSON *entry;
    if (list == NULL)
        return false;
    cJSON_ArrayForEach(entry, list)
    {
        if (cJSON_IsString(entry) && strcmp(entry->valuestring, name) == 0)
            return true;
    }
    return strcmp(name, FOLDER_INDEX) == 0;
}

/* Calls `visit` for each entry of the folder until it says false. Returns 0 or errno. */
static int each_entry(const char *path, bool (*visit)(void *context, const char *name),
                      void *context)
{
    DIR *entries = opendir(path);
    if (entries == NULL)
        return errno;
    const struct dirent *entry;
    errno = 0;
    while ((entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            !visit(context, entry->d_name))
            break;
    int number = entry == NULL ? errno : 0;
    closedir(entries);
    return number;
}

typedef struct stranger_search {
    const cJSON *list;
    char name[QUOTED_BYTES]; /* of the first entry that is not listed; "" if all are */
} stranger_search;

static bool note_stranger(void *context, const char *name)
{
    stranger_search *search = context;
    if (is_listed(search->list, name))
        return true;
    memcpy(search->name, quoted(name).text, QUOTED_BYTES);
    return false;
}

static mbs_status check_replaceable(const char *path, mbs_error *error)
{
    json_document document = {0};
    stranger_search search = {.list = listed_files(&document, path)};
    int number = each_entry(path, note_stranger, &search);
    json_close(&document);
    if (number != 0)
        return file_error(error, "read", path, number);
    if (search.name[0] == '\0')
        return MBS_OK;
    return error_set(error, MBS_ERR_IO,
                     "cannot replace folder %s: it holds %s, which no export wrote; expected an "
                     "empty folder, an earlier export or a new name",
                     quoted(path).text, search.name);
}

/* ---- Removing -------------------------------------------------------------------------------- */

/*
 * Removes a folder of files and closes `entries`, which were opened before: this must also be
 * possible where memory is out. What cannot be removed stays.
 */
static void remove_folder(DIR *entries, const char *path)
{
    const struct dirent *entry;
    if (entries != NULL) {
        rewinddir(entries);
        while ((entry = readdir(entries)) != NULL)
            unlinkat(dirfd(entries), entry->d_name, 0);
        closedir(entries);
    }
    rmdir(path);
}

/* ---- The folder ------------------------------------------------------------------------------ */

static mbs_status folder_free(folder *in, mbs_status status)
{
    text_free(&in->list);
    mem_free(in->path);
    mem_free(in->target);
    mem_free(in->temporary);
    mem_free(in);
    return status;
}

/* A new folder beside the target, under a name not yet taken. Returns 0 or errno. */
static int create_beside(char *temporary, size_t size, const char *target)
{
    for (int attempt = 0; attempt < 1000; attempt++) {
        snprintf(temporary, size, "%s.tmp%ld-%d", target, (long)getpid(), attempt);
        if (mkdir(temporary, 0777) == 0)
            return 0;
        if (errno != EEXIST)
            return errno;
    }
    return EEXIST;
}

static mbs_status folder_begin(folder *in, const char *path, mbs_error *error)
{
    struct stat existing;
    in->replaces = stat(path, &existing) == 0;
    if (!in->replaces && errno != ENOENT)
        return file_error(error, "write", path, errno);
    if (in->replaces && !S_ISDIR(existing.st_mode))
        return file_error(error, "write a folder to", path, ENOTDIR);
    if (in->replaces) {
        mbs_status status = check_replaceable(path, error);
        if (status != MBS_OK)
            return status;
    }
    in->target = file_target(path);
    in->path = mem_strdup(path);
    if (in->target == NULL || in->path == NULL)
        return error_memory(error);
    for (size_t end = strlen(in->target); end > 1 && in->target[end - 1] == '/'; end--)
        in->target[end - 1] = '\0'; /* the temporary folder is to be beside it, not in it */
    size_t size = strlen(in->target) + 48;
    char *temporary = mem_alloc(size);
    if (temporary == NULL)
        return error_memory(error);
    int number = create_beside(temporary, size, in->target);
    if (number == 0 && (in->entries = opendir(temporary)) == NULL) {
        number = errno;
        rmdir(temporary);
    }
    if (number != 0) {
        mem_free(temporary);
        return file_error(error, "write", path, number);
    }
    in->temporary = temporary;
    return MBS_OK;
}

mbs_status folder_open(folder **out, const char *path, const char *format, mbs_error *error)
{
    *out = NULL;
    folder *in = mem_calloc(1, sizeof *in);
    if (in == NULL)
        return error_memory(error);
    mbs_status status = folder_begin(in, path, error);
    if (status != MBS_OK)
        return folder_free(in, status);
    text_format(&in->list,
                "{ \"format\": \"mbsopt-export/1\", \"exported\": \"%s\",\n  \"files\": [", format);
    *out = in;
    return MBS_OK;
}

void folder_watch(folder *in, sink_stop_function *is_over, void *context)
{
    in->is_over = is_over;
    in->stop_context = context;
}

mbs_status folder_file(sink **out, folder *in, const char *name, mbs_error *error)
{
    *out = NULL;
    char *path = join(in->temporary, name);
    char *shown = join(in->path, name);
    mbs_status status =
        path == NULL || shown == NULL ? error_memory(error) : sink_create(out, path, shown, error);
    mem_free(path);
    mem_free(shown);
    if (status == MBS_OK) {
        sink_watch(*out, in->is_over, in->stop_context);
        const bool is_first = in->list.length == 0 || in->list.data[in->list.length - 1] == '[';
        text_format(&in->list, "%s\n    \"%s\"", is_first ? "" : ",", name);
    }
    return status;
}

/* Puts the new folder in the place of the one that is there. Returns 0 or errno. */
static int exchange(const folder *in)
{
    size_t size = strlen(in->target) + 48;
    char *old = mem_alloc(size);
    DIR *replaced = old == NULL ? NULL : opendir(in->target);
    if (replaced == NULL) {
        const int number = old == NULL ? ENOMEM : errno;
        mem_free(old);
        return number;
    }
    /* an empty folder to move over, so that the name is certainly free */
    int number = create_beside(old, size, in->target);
    if (number == 0 && rename(in->target, old) != 0) {
        number = errno;
        rmdir(old);
    } else if (number == 0 && rename(in->temporary, in->target) != 0) {
        number = errno;
        if (rename(old, in->target) != 0)
            number = errno;
    } else if (number == 0) {
        remove_folder(replaced, old);
        replaced = NULL;
    }
    if (replaced != NULL)
        closedir(replaced);
    mem_free(old);
    return number;
}

static mbs_status write_index(folder *in, mbs_error *error)
{
    sink *out;
    text_string(&in->list, "\n  ] }\n");
    if (in->list.failed)
        return error_memory(error);
    text list = in->list;
    in->list = (text)TEXT_INIT; /* folder_file lists the index as well, for nobody */
    mbs_status status = folder_file(&out, in, FOLDER_INDEX, error);
    if (status == MBS_OK) {
        text_bytes(sink_text(out), list.data, list.length);
        status = sink_close(out, true, error);
    }
    text_free(&list);
    return status;
}

mbs_status folder_close(folder *in, bool keep, mbs_error *error)
{
    if (in == NULL)
        return MBS_OK;
    mbs_status status = keep ? write_index(in, error) : MBS_OK;
    if (keep && status == MBS_OK) {
        int number = 0;
        if (in->replaces)
            number = exchange(in);
        else if (rename(in->temporary, in->target) != 0)
            number = errno;
        if (number != 0)
            status = file_error(error, "write", in->path, number);
    }
    if (!keep || status != MBS_OK)
        remove_folder(in->entries, in->temporary);
    else
        closedir(in->entries);
    return folder_free(in, status);
}
