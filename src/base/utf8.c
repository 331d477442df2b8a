#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The code of the well-formed character at `at`. */
static uint32_t code_at(const unsigned char *at, size_t length)
{
    static const unsigned char first[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = at[0] & first[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (at[i] & 0x3Fu);
    return code;
}

size_t utf8_length(const unsigned char *at)
{
    static const uint32_t smallest[] = {0, 0, 0xA0, 0x800, 0x10000};
    size_t length;
    if (at[0] < 0x80)
        return 1;
    if ((at[0] & 0xE0) == 0xC0)
        length = 2;
    else if ((at[0] & 0xF0) == 0xE0)
        length = 3;
    else if ((at[0] & 0xF8) == 0xF0)
        length = 4;
    else
        return 0;
    for (size_t i = 1; i < length; i++)
        if (!is_continuation(at[i]))
            return 0;
    const uint32_t code = code_at(at, length);
    if (code < smallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return 0;
    return length;
}

void utf8_cut(char *text, size_t length)
{
    if (strlen(text) < length)
        return;
    /* step back over the character that the cut would split */
    while (length > 0 && is_continuation((unsigned char)text[length]))
        length--;
    text[length] = '\0';
    while (length > 0) {
        size_t start = length - 1;
        while (start > 0 && is_continuation((unsigned char)text[start]))
            start--;
        if (utf8_length((const unsigned char *)text + start) > 0)
            return;
        text[start] = '\0';
        length = start;
    }
}

size_t utf8_columns(const unsigned char *at)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},
                                       {0xA960, 0xA97C},   {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},
                                       {0x16FE0, 0x18DFF}, {0x1B000, 0x1B2FF}, {0x1F300, 0x1F64F},
                                       {0x1F680, 0x1F6FF}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD}};
    if (at[0] < 0xE1)
        return 1;
    const uint32_t code = code_at(at, utf8_length(at));
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (code >= wide[i][0] && code <= wide[i][1])
            return 2;
    return 1;
}

size_t utf8_width(const char *text)
{
    size_t width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++)
        if (!is_continuation(*at))
            width += utf8_columns(at);
    return width;
}
