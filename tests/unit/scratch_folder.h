/* A folder of each test's own, and what its files hold: fixtures enter and leave. */
#ifndef TESTS_UNIT_SCRATCH_FOLDER_H
#define TESTS_UNIT_SCRATCH_FOLDER_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mbsopt/mbsopt.h"

#define PATH_BYTES 512

static mbs_error error;
static char place[64]; /* a folder of this test's own */

static inline void enter(void)
{
    strcpy(place, "/tmp/mbsopt-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(place));
    mbs_error_clear(&error);
}

static inline const char *at(const char *name)
{
    static char paths[4][PATH_BYTES];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_BYTES, "%s/%s", place, name);
    return path;
}

/* Calls `visit` with each entry's path; returns how many there are. */
static inline int each(const char *path, void (*visit)(const char *entry))
{
    int count = 0;
    DIR *entries = opendir(path);
    ck_assert_ptr_nonnull(entries);
    const struct dirent *entry;
    while ((entry = readdir(entries)) != NULL) {
        char joined[PATH_BYTES];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        const int length = snprintf(joined, sizeof joined, "%s/%s", path, entry->d_name);
        ck_assert_int_lt(length, (int)sizeof joined);
        if (visit != NULL)
            visit(joined);
    }
    closedir(entries);
    return count;
}

static inline void remove_all(const char *path)
{
    struct stat found;
    if (lstat(path, &found) == 0 && S_ISDIR(found.st_mode)) {
        each(path, remove_all);
        rmdir(path);
    } else {
        unlink(path);
    }
}

static inline void leave(void)
{
    remove_all(place);
}

static inline void put(const char *name, const char *content)
{
    FILE *file = fopen(at(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(content, file);
    ck_assert_int_eq(fclose(file), 0);
}

static inline void assert_holds(const char *name, const char *content)
{
    char found[1024] = "";
    FILE *file = fopen(at(name), "r");
    ck_assert_msg(file != NULL, "there is no %s", name);
    found[fread(found, 1, sizeof found - 1, file)] = '\0';
    fclose(file);
    ck_assert_str_eq(found, content);
}

static inline void assert_entries(const char *name, int count)
{
    ck_assert_int_eq(each(at(name), NULL), count);
}

static inline void assert_says(mbs_status status, mbs_status expected, const char *words)
{
    ck_assert_int_eq(status, expected);
    ck_assert_msg(strstr(error.message[0], words) != NULL, "%s: expected %s", error.message[0],
                  words);
    mbs_error_clear(&error);
}

#endif
