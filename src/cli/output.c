#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

#define MESSAGE_BYTES 1024

/* Messages may hold words of the command line: control characters are shown, not obeyed. */
static void put_safely(const char *message)
{
    for (const unsigned char *at = (const unsigned char *)message; *at != '\0'; at++) {
        bool c1 = at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0;
        if (*at < 0x20 || *at == 0x7F || c1)
            fprintf(stderr, "\\x%02x", c1 ? *++at : *at);
        else
            fputc(*at, stderr);
    }
}

void complain(const char *format, ...)
{
    char message[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    fputs("mbsopt: ", stderr);
    put_safely(message);
    fputc('\n', stderr);
}

int exit_status(mbs_status status)
{
    switch (status) {
    case MBS_OK:
        return EXIT_OK;
    case MBS_ERR_INPUT:
        return EXIT_BAD_INPUT;
    case MBS_ERR_NO_PLAN:
        return EXIT_NO_PLAN;
    case MBS_ERR_VERIFY:
        return EXIT_VERIFICATION;
    case MBS_ERR_ARGUMENT:
    case MBS_ERR_IO:
    case MBS_ERR_MEMORY:
    case MBS_ERR_SOLVER:
        break;
    }
    return EXIT_SYSTEM;
}

int report_error(mbs_status status, const mbs_error *error)
{
    size_t shown = error->count < MBS_ERROR_MESSAGES ? error->count : MBS_ERROR_MESSAGES;
    if (status == MBS_OK)
        return EXIT_OK;
    for (size_t i = 0; i < shown; i++)
        complain("%s", error->message[i]);
    if (error->count > shown)
        complain("… and %zu more", error->count - shown);
    if (shown == 0)
        complain("%s", mbs_status_text(status));
    return exit_status(status);
}

int finish_output(void)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_OK;
    if (errno != 0)
        complain("cannot write standard output: %s", strerror(errno));
    else
        complain("cannot write standard output");
    return EXIT_SYSTEM;
}

int write_output(const char *path, const char *output)
{
    const size_t length = strlen(output);
    mbs_error error;
    if (path != NULL && strcmp(path, "-") != 0) {
        mbs_error_clear(&error);
        return report_error(mbs_write_file(path, output, length, &error), &error);
    }
    if (fwrite(output, 1, length, stdout) != length) {
        complain("cannot write standard output: %s", strerror(errno));
        return EXIT_SYSTEM;
    }
    return finish_output();
}

bool terminal_takes_color(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') &&
           (terminal == NULL || strcmp(terminal, "dumb") != 0);
}
