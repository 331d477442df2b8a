#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/utf8.h"

static bool reserve(text *out, size_t more)
{
    if (out->failed)
        return false;
    if (out->capacity - out->length > more)
        return true;
    size_t capacity = out->capacity < 256 ? 256 : out->capacity;
    while (capacity - out->length <= more) {
        if (capacity > SIZE_MAX / 2) {
            out->failed = true;
            return false;
        }
        capacity *= 2;
    }
    char *data = mem_realloc(out->data, capacity);
    if (data == NULL) {
        out->failed = true;
        return false;
    }
    out->data = data;
    out->capacity = capacity;
    return true;
}

void text_bytes(text *out, const char *bytes, size_t length)
{
    if (!reserve(out, length))
        return;
    memcpy(out->data + out->length, bytes, length);
    out->length += length;
    out->data[out->length] = '\0';
}

void text_string(text *out, const char *string)
{
    text_bytes(out, string, strlen(string));
}

void text_format(text *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        out->failed = true;
        return;
    }
    if (!reserve(out, (size_t)length))
        return;
    va_start(arguments, format);
    vsnprintf(out->data + out->length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    out->length += (size_t)length;
}

void real_digits(char *out, size_t size, double value, int digits)
{
    static const char known[] = "0123456789+-einfa";
    snprintf(out, size, "%.*g", digits, value);
    char *point = out + strspn(out, known);
    if (*point == '\0')
        return;
    const char *behind = point + strcspn(point, known);
    memmove(point + 1, behind, strlen(behind) + 1);
    *point = '.';
}

void text_integer(text *out, int64_t value)
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    text_bytes(out, digits, (size_t)length);
}

void text_json_string(text *out, const char *string)
{
    text_bytes(out, "\"", 1);
    for (const unsigned char *at = (const unsigned char *)string; *at != '\0';) {
        size_t length = utf8_length(at);
        /* C1 controls are valid in JSON; utf8_length refuses them for the terminal's sake */
        bool c1 = length == 0 && at[0] == 0xC2 && (at[1] & 0xE0) == 0x80;
        if (*at == '"' || *at == '\\') {
            text_format(out, "\\%c", *at);
        } else if (*at < 0x20 || *at == 0x7f) {
            text_format(out, "\\u%04x", *at);
        } else if (c1) {
            text_format(out, "\\u%04x", at[1]);
            length = 2;
        } else if (length == 0) {
            text_string(out, "\\ufffd");
        } else {
            text_bytes(out, (const char *)at, length);
        }
        at += length > 0 ? length : 1;
    }
    text_bytes(out, "\"", 1);
}

void text_csv_field(text *out, const char *string)
{
    if (strpbrk(string, ",\"\r\n") == NULL) {
        text_string(out, string);
        return;
    }
    text_bytes(out, "\"", 1);
    for (; *string != '\0'; string++) {
        if (*string == '"')
            text_bytes(out, "\"", 1);
        text_bytes(out, string, 1);
    }
    text_bytes(out, "\"", 1);
}

mbs_status text_finish(text *out, char **result, mbs_error *error)
{
    if (out->data == NULL)
        reserve(out, 0);
    if (out->failed || out->data == NULL) {
        text_free(out);
        *result = NULL;
        return error_memory(error);
    }
    out->data[out->length] = '\0';
    *result = out->data;
    *out = (text)TEXT_INIT;
    return MBS_OK;
}

void text_free(text *out)
{
    mem_free(out->data);
    *out = (text)TEXT_INIT;
}

bool ends_with(const char *string, const char *ending)
{
    const size_t length = strlen(string);
    const size_t tail = strlen(ending);
    return length >= tail && strcmp(string + length - tail, ending) == 0;
}
