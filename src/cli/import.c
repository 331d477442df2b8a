#include "import.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alive.h"
#include "output.h"
#include "share.h"
#include "shipped.h"
#include "signals.h"

#define MOST_BYTES   ((size_t)1 << 30)
#define LONGEST_LINE 600 /* of a message */
#define MOST_LINES   100

/* How often it is asked whether a signal came, in milliseconds. */
#define LOOK_AROUND_MS 100

extern char **environ;

/* The options with values that the importer takes by the same names, each any number of times. */
static const char *const options_with_values[] = {"input",   "cut",      "weights",
                                                  "learned", "constant", NULL};

/* What the importer has written so far. */
typedef struct imported {
    char *text;
    size_t length;
    size_t capacity;
} imported;

/* The importer as a process. */
typedef struct importer {
    const char *python;
    const char *script;
    char *arguments; /* one after the other, each with its null */
    char **words;    /* null-terminated; as posix_spawn wants them */
    FILE *messages;  /* its standard error */
    int output;      /* its standard output */
    pid_t process;
} importer;

bool is_onnx_path(const char *path)
{
    size_t length = strlen(path);
    return length > 5 && strcmp(path + length - 5, ".onnx") == 0;
}

/* The importer's path, or null after saying that there is none. `room` has room for one. */
static const char *find_importer(char *room, size_t size)
{
    const char *chosen = getenv("MBSOPT_IMPORTER");
    if (chosen != NULL && chosen[0] != '\0') {
        if (access(chosen, R_OK) == 0)
            return chosen;
        complain("%s, which MBSOPT_IMPORTER names: %s", chosen, strerror(errno));
        return NULL;
    }
    if (share_find(room, size, "import_onnx.py"))
        return room;
    complain("the importer of ONNX files is not installed, neither beside the program nor as %s; "
             "MBSOPT_IMPORTER can name it",
             room);
    return NULL;
}

/*
 * The command line: python script --speaker=mbsopt [--opaque] --NAME=VALUE… -- path. False if
 * memory is out.
 */
static bool make_words(importer *of, const arguments *given, const char *path)
{
    size_t count = 0;
    size_t bytes = 0;
    const char *value;
    for (size_t option = 0; options_with_values[option] != NULL; option++)
        for (size_t i = 0; (value = option_nth(given, options_with_values[option], i)) != NULL;
             i++, count++)
            bytes += strlen(options_with_values[option]) + strlen(value) + sizeof "--=";
    of->arguments = malloc(bytes + 1);
    of->words = calloc(count + 8, sizeof *of->words);
    if (of->arguments == NULL || of->words == NULL)
        return false;
    /* posix_spawn takes the words as they are and does not write to them */
    char **word = of->words;
    *word++ = (char *)of->python;
    *word++ = (char *)of->script;
    *word++ = (char *)"--speaker=mbsopt";
    if (option_flag(given, "opaque"))
        *word++ = (char *)"--opaque";
    char *to = of->arguments;
    for (size_t option = 0; options_with_values[option] != NULL; option++)
        for (size_t i = 0; (value = option_nth(given, options_with_values[option], i)) != NULL;
             i++) {
            *word++ = to;
            to = stpcpy(stpcpy(to, "--"), options_with_values[option]);
            to = stpcpy(stpcpy(to, "="), value) + 1;
        }
    *word++ = (char *)"--";
    *word = (char *)path;
    return true;
}

/* Starts the importer, its output into a pipe. Returns an errno. */
static int start(importer *of)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    of->messages = tmpfile();
    if (of->messages == NULL || pipe(ends) != 0)
        return errno;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure == 0) {
        failure = posix_spawn_file_actions_adddup2(&actions, fileno(of->messages), STDERR_FILENO);
        if (failure == 0)
            failure = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
        for (int i = 0; i < 2 && failure == 0; i++)
            if (ends[i] != STDOUT_FILENO && ends[i] != STDERR_FILENO)
                failure = posix_spawn_file_actions_addclose(&actions, ends[i]);
        if (failure == 0)
            // the words are the caller's, who frees them:
            // NOLINTNEXTLINE(clang-analyzer-unix.Malloc)
            failure = posix_spawnp(&of->process, of->python, &actions, NULL, of->words, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    close(ends[1]);
    if (failure != 0)
        close(ends[0]);
    of->output = ends[0];
    return failure;
}

static bool make_room(imported *all)
{
    if (all->length < all->capacity)
        return true;
    size_t larger = all->capacity == 0 ? 65536 : all->capacity * 2;
    char *moved = larger > MOST_BYTES ? NULL : realloc(all->text, larger);
    if (moved == NULL)
        return false;
    all->text = moved;
    all->capacity = larger;
    return true;
}

/* All that comes; false if it is too much, cannot be read, or a signal came. */
static bool read_all(imported *all, int from)
{
    struct pollfd waited_for = {.fd = from, .events = POLLIN};
    for (;;) {
        if (signals_noted() != 0 || !make_room(all))
            return false;
        if (poll(&waited_for, 1, LOOK_AROUND_MS) <= 0)
            continue;
        ssize_t got = read(from, all->text + all->length, all->capacity - all->length);
        if (got == 0)
            return true;
        if (got > 0)
            all->length += (size_t)got;
        else if (errno != EINTR)
            return false;
    }
}

/* Hands on what the importer said: errors if it failed, notes if it did not. */
static void pass_messages_on(FILE *messages, bool failed)
{
    static const char speaker[] = "mbsopt: ";
    char line[LONGEST_LINE];
    rewind(messages);
    for (int i = 0; i < MOST_LINES && fgets(line, sizeof line, messages) != NULL; i++) {
        const bool known = strncmp(line, speaker, sizeof speaker - 1) == 0;
        const char *message = known ? line + sizeof speaker - 1 : line;
        line[strcspn(line, "\n")] = '\0';
        if (failed)
            complain("%s", message);
        else
            note("%s", message);
    }
}

/* The importer has said itself what is wrong with the file; its status means what ours does. */
static int importer_status(const importer *of, int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) <= EXIT_SYSTEM)
        return WEXITSTATUS(status);
    if (WIFEXITED(status))
        complain("%s %s ended with status %d", of->python, of->script, WEXITSTATUS(status));
    else
        complain("%s %s was ended by signal %d", of->python, of->script, WTERMSIG(status));
    return EXIT_SYSTEM;
}

/* Waits until the importer has ended, which `whole`, or a signal, says whether it may by itself. */
static int wait_for_end(const importer *of, bool whole)
{
    int state = 0; /* stays so where SIGCHLD is ignored: what was written then decides */
    for (;;) {
        if (!whole || signals_noted() != 0)
            kill(of->process, SIGKILL);
        const pid_t ended = waitpid(of->process, &state, WNOHANG);
        if (ended > 0 || (ended < 0 && errno != EINTR))
            return state;
        poll(NULL, 0, 5);
    }
}

/* Runs the importer; what it writes is the caller's in any case. */
static int run(imported *all, importer *of, const char *path)
{
    signals_catch(); /* so that the importer ends with this program */
    int failure = start(of);
    if (failure != 0) {
        signals_restore();
        complain("%s, which imports %s, cannot be started: %s", of->python, path,
                 strerror(failure));
        return EXIT_SYSTEM;
    }
    bool whole = read_all(all, of->output);
    close(of->output);
    const int state = wait_for_end(of, whole);
    signals_restore();
    if (signals_noted() != 0) {
        if (!signals_are_caught())
            signals_end();
        return EXIT_SYSTEM;
    }
    if (!whole) {
        complain("%s: what the importer writes cannot be read or is above 1 GiB", path);
        return EXIT_SYSTEM;
    }
    pass_messages_on(of->messages, !WIFEXITED(state) || WEXITSTATUS(state) != EXIT_OK);
    return importer_status(of, state);
}

static int import_onnx(mbs_network **network, const arguments *given, const char *path)
{
    char room[SHARE_PATH_BYTES];
    importer of = {.python = share_python(), .script = find_importer(room, sizeof room)};
    imported all = {0};
    mbs_error error;
    mbs_error_clear(&error);
    int status = EXIT_SYSTEM;
    if (of.script == NULL)
        return EXIT_SYSTEM;
    if (make_words(&of, given, path))
        status = run(&all, &of, path);
    else
        complain("out of memory");
    if (status == EXIT_OK)
        status = report_error(mbs_network_load_text(network, all.text, all.length, path, &error),
                              &error);
    if (of.messages != NULL)
        fclose(of.messages);
    free(of.arguments);
    free(of.words);
    free(all.text);
    return status;
}

int check_import_options(const arguments *given)
{
    const char *name = option_flag(given, "opaque") ? "opaque" : NULL;
    for (size_t i = 0; options_with_values[i] != NULL && name == NULL; i++)
        if (option_value(given, options_with_values[i]) != NULL)
            name = options_with_values[i];
    if (name == NULL)
        return EXIT_OK;
    for (size_t i = 0; i < given->operand_count; i++)
        if (is_onnx_path(given->operands[i]))
            return EXIT_OK;
    complain("--%s is of ONNX files (named .onnx), and %s is none", name, given->operand);
    return EXIT_USAGE;
}

int load_network(mbs_network **network, const arguments *given, const char *name)
{
    char *path;
    mbs_error error;
    mbs_error_clear(&error);
    *network = NULL;
    alive_stage(is_onnx_path(name) ? "importing" : "loading");
    if (is_onnx_path(name))
        return import_onnx(network, given, name);
    int status = check_import_options(given);
    if (status != EXIT_OK)
        return status;
    status = shipped_find(&path, SHIPPED_NETWORK, name);
    if (status != EXIT_OK)
        return status;
    status = report_error(mbs_network_load_file(network, path, &error), &error);
    free(path);
    return status;
}
