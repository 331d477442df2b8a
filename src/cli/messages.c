#include "messages.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "alive.h"

#define MESSAGE_BYTES 1024

static bool as_json;
static bool stages_are_noted;
static volatile sig_atomic_t pipe_broke;
static struct timespec stage_start;

void messages_as_json(void)
{
    as_json = true;
}

bool messages_are_json(void)
{
    return as_json;
}

static void note_broken_pipe(int number)
{
    (void)number;
    pipe_broke = 1;
}

void messages_end_with_pipe(void)
{
    struct sigaction action = {.sa_handler = note_broken_pipe, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGPIPE, &action, NULL);
}

void end_with_pipe(void)
{
    if (!pipe_broke)
        return;
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
}

/* How many bytes the UTF-8 character at `at` has, or 0 if it is none or a C1 control. */
static size_t character_bytes(const unsigned char *at)
{
    size_t length = *at < 0x80 ? 1 : *at >= 0xF0 ? 4 : *at >= 0xE0 ? 3 : *at >= 0xC2 ? 2 : 0;
    if (length == 2 && *at == 0xC2 && at[1] < 0xA0)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    return *at >= 0xF5 ? 0 : length;
}

/*
 * Messages may hold words of the command line: what is no printable text is shown, not obeyed. In
 * JSON quotes and backslashes are escaped too.
 */
static void put_safely(const char *message)
{
    for (const unsigned char *at = (const unsigned char *)message; *at != '\0';) {
        size_t length = character_bytes(at);
        if (length == 0 || *at < 0x20 || *at == 0x7F) {
            if (length == 0 && *at == 0xC2 && at[1] != '\0')
                at++;
            fprintf(stderr, as_json ? "\\\\x%02x" : "\\x%02x", *at++);
            continue;
        }
        if (as_json && (*at == '"' || *at == '\\'))
            fputc('\\', stderr);
        for (; length > 0; length--)
            fputc(*at++, stderr);
    }
}

static void put_message(const char *level, const char *status, const char *message)
{
    if (pipe_broke)
        return;
    alive_pause();
    if (as_json) {
        fprintf(stderr, "{\"level\": \"%s\", ", level);
        if (status != NULL)
            fprintf(stderr, "\"status\": \"%s\", ", status);
        fputs("\"message\": \"", stderr);
    } else {
        fputs(strcmp(level, "note") == 0 ? "note: " : "mbsopt: ", stderr);
    }
    put_safely(message);
    fputs(as_json ? "\"}\n" : "\n", stderr);
    alive_resume();
}

MBS_PRINTF(2, 0)
static void put_formatted(const char *level, const char *format, va_list arguments)
{
    char message[MESSAGE_BYTES];
    vsnprintf(message, sizeof message, format, arguments);
    put_message(level, NULL, message);
}

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_formatted("error", format, arguments);
    va_end(arguments);
}

void complain_of(const char *status, const char *message)
{
    put_message("error", status, message);
}

void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_formatted("note", format, arguments);
    va_end(arguments);
}

void note_command(const char *command_line, const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    if (pipe_broke)
        return;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    alive_pause();
    fputs(as_json ? "{\"level\": \"note\", \"message\": \"" : "note: ", stderr);
    put_safely(message);
    fputs(as_json ? "; to go on: " : "; to go on:\n  ", stderr);
    put_safely(command_line);
    fputs(as_json ? "\"}\n" : "\n", stderr);
    alive_resume();
}

void stages_begin(void)
{
    stages_are_noted = true;
    clock_gettime(CLOCK_MONOTONIC, &stage_start);
}

void stage_done(const char *name)
{
    struct timespec now;
    if (!stages_are_noted)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)(now.tv_sec - stage_start.tv_sec) +
                     1e-9 * (double)(now.tv_nsec - stage_start.tv_nsec);
    note("%s: %.3f s", name, seconds);
    stage_start = now;
}
