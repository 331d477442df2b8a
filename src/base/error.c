#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* as error.h has them for it */
#undef error_set
#undef error_memory

void mbs_error_clear(mbs_error *error)
{
    if (error == NULL)
        return;
    error->status = MBS_OK;
    error->count = 0;
    for (size_t i = 0; i < MBS_ERROR_MESSAGES; i++)
        error->message[i][0] = '\0';
}

const char *mbs_status_text(mbs_status status)
{
    switch (status) {
    case MBS_OK:
        return "ok";
    case MBS_ERR_INPUT:
        return "bad input";
    case MBS_ERR_ARGUMENT:
        return "wrong use of the library";
    case MBS_ERR_NO_PLAN:
        return "no plan exists";
    case MBS_ERR_VERIFY:
        return "verification failed";
    case MBS_ERR_IO:
        return "file error";
    case MBS_ERR_MEMORY:
        return "out of memory";
    case MBS_ERR_SOLVER:
        return "solver failed";
    case MBS_ERR_STOPPED:
        return "stopped";
    }
    return "unknown status";
}

mbs_status error_set(mbs_error *error, mbs_status status, const char *format, ...)
{
    if (error == NULL)
        return status;
    if (error->count == 0)
        error->status = status;
    if (error->count < MBS_ERROR_MESSAGES) {
        char *message = error->message[error->count];
        va_list arguments;
        va_start(arguments, format);
        int length = vsnprintf(message, MBS_ERROR_MESSAGE_BYTES, format, arguments);
        va_end(arguments);
        if (length >= MBS_ERROR_MESSAGE_BYTES)
            utf8_cut(message, MBS_ERROR_MESSAGE_BYTES - 1);
    }
    error->count++;
    return status;
}

mbs_status error_memory(mbs_error *error)
{
    return error_set(error, MBS_ERR_MEMORY, "out of memory");
}

quoted_text quoted(const char *name)
{
    quoted_text out;
    size_t used = 0;
    const size_t room = QUOTED_BYTES - 5; /* for an ellipsis, the closing quote and the end */
    out.text[used++] = '"';
    for (const unsigned char *at = (const unsigned char *)name; *at != '\0';) {
        char piece[8];
        size_t length = utf8_length(at);
        size_t taken = length > 0 ? length : 1;
        if (length == 0 || *at < 0x20 || *at == 0x7f) {
            snprintf(piece, sizeof piece, "\\x%02x", *at);
        } else if (*at == '"' || *at == '\\') {
            snprintf(piece, sizeof piece, "\\%c", *at);
        } else {
            memcpy(piece, at, length);
            piece[length] = '\0';
        }
        size_t added = strlen(piece);
        if (used + added > room) {
            memcpy(out.text + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(out.text + used, piece, added);
        used += added;
        at += taken;
    }
    out.text[used++] = '"';
    out.text[used] = '\0';
    return out;
}

void list_word(char *list, size_t size, const char *separator, const char *word)
{
    const size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used > 0 ? separator : "", word);
}
