#include "base/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool is_continuation(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t utf8_length(const unsigned char *at)
{
    static const uint32_t smallest[] = {0, 0, 0xA0, 0x800, 0x10000};
    size_t length;
    uint32_t code;
    if (at[0] < 0x80)
        return 1;
    if ((at[0] & 0xE0) == 0xC0) {
        length = 2;
        code = at[0] & 0x1Fu;
    } else if ((at[0] & 0xF0) == 0xE0) {
        length = 3;
        code = at[0] & 0x0Fu;
    } else if ((at[0] & 0xF8) == 0xF0) {
        length = 4;
        code = at[0] & 0x07u;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (!is_continuation(at[i]))
            return 0;
        code = code << 6 | (at[i] & 0x3Fu);
    }
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

size_t utf8_width(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++)
        width += !is_continuation((unsigned char)*text);
    return width;
}
