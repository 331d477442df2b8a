#include "shipped.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "options.h"
#include "output.h"
#include "share.h"

static const char suffix[] = ".json";

/* ---- Places ---------------------------------------------------------------------------------- */

/* Opens the folder networks/ or hardware/; null if that fails, which errno says why. */
static DIR *open_kind(char path[SHARE_PATH_BYTES], const char *kind)
{
    const char *chosen = getenv("MBSOPT_DATA");
    if (chosen == NULL || chosen[0] == '\0') {
        share_find(path, SHARE_PATH_BYTES, kind);
    } else if ((size_t)snprintf(path, SHARE_PATH_BYTES, "%s/%s", chosen, kind) >=
               SHARE_PATH_BYTES) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return opendir(path);
}

/* ---- Lists ----------------------------------------------------------------------------------- */

static int out_of_memory(void)
{
    complain("out of memory");
    return EXIT_SYSTEM;
}

/* The length of a file's name without ".json"; 0 if it does not end so. */
static size_t stem_length(const char *file)
{
    const size_t length = strlen(file);
    const size_t ending = sizeof suffix - 1;
    return length > ending && strcmp(file + length - ending, suffix) == 0 ? length - ending : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add_name(shipped_names *list, const char *name, size_t length)
{
    char **grown = realloc(list->names, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return false;
    list->names = grown;
    list->names[list->count] = strndup(name, length);
    return list->names[list->count++] != NULL;
}

int shipped_list(shipped_names *list, shipped_kind kind)
{
    *list = (shipped_names){"", NULL, 0};
    DIR *folder = open_kind(list->folder, kind == SHIPPED_NETWORK ? "networks" : "hardware");
    if (folder == NULL) {
        complain("cannot read %.300s: %s; MBSOPT_DATA can name the folder that it is in",
                 list->folder, strerror(errno));
        return EXIT_SYSTEM;
    }
    bool good = true;
    for (const struct dirent *entry; good && (entry = readdir(folder)) != NULL;) {
        const size_t stem = stem_length(entry->d_name);
        good = stem == 0 || entry->d_name[0] == '.' || add_name(list, entry->d_name, stem);
    }
    closedir(folder);
    if (!good)
        return out_of_memory();
    if (list->count > 0)
        qsort(list->names, list->count, sizeof *list->names, by_name);
    return EXIT_OK;
}

void shipped_free(shipped_names *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    *list = (shipped_names){"", NULL, 0};
}

/* ---- Finding --------------------------------------------------------------------------------- */

/* One search for a name. */
typedef struct shipped_search {
    const char *name;
    char stem[256]; /* the name without ".json", in small letters */
    char *found;    /* the path */
    size_t matches; /* how many files the name may mean */
    char near[240]; /* names that are near, or those it may mean */
    size_t near_count;
} shipped_search;

/* Whether there is something other than a folder. */
static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

/* Whether a name that is no file may be meant to be a shipped one's. */
static bool is_bare(const char *name)
{
    struct stat about;
    return name[0] != '\0' && strcmp(name, "-") != 0 && strchr(name, '/') == NULL &&
           strlen(name) < 256 && stat(name, &about) != 0 && errno == ENOENT;
}

static void set_stem(shipped_search *search)
{
    const size_t stem = stem_length(search->name);
    snprintf(search->stem, sizeof search->stem, "%.*s",
             (int)(stem > 0 ? stem : strlen(search->name)), search->name);
    for (char *at = search->stem; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
}

static void add_near(shipped_search *search, const char *name)
{
    const size_t used = strlen(search->near);
    if (++search->near_count <= 8 && used + strlen(name) + 3 < sizeof search->near)
        snprintf(search->near + used, sizeof search->near - used, "%s%s", used > 0 ? ", " : "",
                 name);
}

/* Whether the name is of a machine whose own name, behind a "-", is the one looked for. */
static bool is_end_of(const shipped_search *search, const char *name)
{
    const size_t whole = strlen(name);
    const size_t end = strlen(search->stem);
    return end > 0 && end < whole && name[whole - end - 1] == '-' &&
           strcmp(name + whole - end, search->stem) == 0;
}

static bool is_near(const shipped_search *search, const char *name)
{
    const char *const names[] = {name, NULL};
    return (strlen(search->stem) > 2 && strstr(name, search->stem) != NULL) ||
           (strlen(name) <= LONGEST_SUGGESTION && nearest_name(search->stem, names) != NULL);
}

/* The files of one kind; names that are near are listed only where none matches. */
static int search_kind(shipped_search *search, shipped_kind kind, bool for_near)
{
    shipped_names list;
    int status = shipped_list(&list, kind);
    for (size_t i = 0; i < list.count && status == EXIT_OK; i++) {
        const char *name = list.names[i];
        const bool same = strcmp(name, search->stem) == 0;
        if (for_near && is_near(search, name))
            add_near(search, name);
        if (for_near || (!same && (kind != SHIPPED_MACHINE || !is_end_of(search, name))))
            continue;
        search->matches++;
        add_near(search, name);
        const size_t size = strlen(list.folder) + strlen(name) + sizeof suffix + 1;
        free(search->found);
        search->found = malloc(size);
        if (search->found == NULL)
            status = out_of_memory();
        else
            snprintf(search->found, size, "%s/%s%s", list.folder, name, suffix);
        if (same) {
            search->matches = 1;
            break;
        }
    }
    shipped_free(&list);
    return status;
}

static int search_kinds(shipped_search *search, unsigned kinds, bool for_near)
{
    int status = EXIT_OK;
    if ((kinds & SHIPPED_NETWORK) != 0)
        status = search_kind(search, SHIPPED_NETWORK, for_near);
    if (status == EXIT_OK && (kinds & SHIPPED_MACHINE) != 0 && search->matches == 0)
        status = search_kind(search, SHIPPED_MACHINE, for_near);
    return status;
}

static int not_found(shipped_search *search, unsigned kinds)
{
    const char *what = kinds == SHIPPED_NETWORK   ? "network"
                       : kinds == SHIPPED_MACHINE ? "machine"
                                                  : "network or machine";
    int status = search_kinds(search, kinds, true);
    if (status != EXIT_OK)
        return status;
    if (search->near_count > 0)
        complain("cannot read %s: No such file or directory, and no %s of that name is shipped "
                 "(near: %s%s)",
                 search->name, what, search->near, search->near_count > 8 ? ", …" : "");
    else
        complain("cannot read %s: No such file or directory, and no %s of that name is shipped; "
                 "see: mbsopt list",
                 search->name, what);
    return EXIT_SYSTEM;
}

/* NAME.json at hand, or null. */
static char *file_with_suffix(const char *name)
{
    const size_t size = strlen(name) + sizeof suffix;
    char *path = malloc(size);
    if (path == NULL)
        return NULL;
    snprintf(path, size, "%s%s", name, suffix);
    if (is_file(path))
        return path;
    free(path);
    return NULL;
}

int shipped_find(char **path, unsigned kinds, const char *name)
{
    shipped_search search = {.name = name};
    *path = is_bare(name) ? file_with_suffix(name) : strdup(name);
    if (*path != NULL)
        return EXIT_OK;
    if (!is_bare(name))
        return out_of_memory();
    set_stem(&search);
    int status = search_kinds(&search, kinds, false);
    if (status == EXIT_OK && search.matches > 1) {
        complain("%s may be one of %s", name, search.near);
        status = EXIT_BAD_INPUT;
    } else if (status == EXIT_OK && search.matches == 0) {
        status = not_found(&search, kinds);
    }
    if (status == EXIT_OK)
        *path = search.found;
    else
        free(search.found);
    return status;
}
