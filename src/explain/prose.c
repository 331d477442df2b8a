#include "explain/prose.h"

#include <inttypes.h>
#include <string.h>

#include "base/utf8.h"
#include "report/figures.h"
#include "report/grid.h"

/* A blank at which no line is broken; no name holds it, for names are made safe. */
#define FIRM_BLANK '\x01'

static void put_firmly(text *out, const char *string)
{
    const char firm = FIRM_BLANK;
    for (; *string != '\0'; string++)
        text_bytes(out, *string == ' ' ? &firm : string, 1);
}

void prose_traffic(text *out, int64_t bytes)
{
    put_firmly(out, figure_traffic(bytes).text);
}

void prose_space(text *out, int64_t bytes)
{
    put_firmly(out, figure_space(bytes).text);
}

void prose_percent(text *out, int64_t part, int64_t whole)
{
    put_firmly(out, figure_percent(part, whole).text);
    put_firmly(out, " %");
}

void prose_count(text *out, int64_t count, const char *one, const char *many)
{
    text_format(out, "%" PRId64 "%c%s", count, FIRM_BLANK, count == 1 ? one : many);
}

static const char *skip(const char *string, size_t characters)
{
    for (; characters > 0; characters--)
        string += utf8_length((const unsigned char *)string);
    return string;
}

void prose_name(text *out, const char *name)
{
    text safe = TEXT_INIT;
    text_safe(&safe, name);
    const char *string = safe.data != NULL ? safe.data : "";
    const size_t width = utf8_width(string);
    if (width <= PROSE_NAME) {
        put_firmly(out, string);
    } else {
        const size_t head = (PROSE_NAME - 1) / 2;
        const char *head_end = skip(string, head);
        for (const char *at = string; at < head_end; at++) {
            const char firm = FIRM_BLANK;
            text_bytes(out, *at == ' ' ? &firm : at, 1);
        }
        text_string(out, "…");
        put_firmly(out, skip(string, width - (PROSE_NAME - 1 - head)));
    }
    out->failed = out->failed || safe.failed;
    text_free(&safe);
}

/* The paragraph's next word, with its firm blanks made plain ones. */
static void put_word(text *out, const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++)
        text_bytes(out, word[i] == FIRM_BLANK ? " " : &word[i], 1);
}

static size_t word_width(const char *word, size_t length)
{
    size_t width = 0;
    for (size_t i = 0; i < length; i++)
        width += ((unsigned char)word[i] & 0xC0) != 0x80;
    return width;
}

void prose_wrap(text *out, const char *paragraph, const char *head, int indent)
{
    size_t column = utf8_width(head);
    bool begins = true;
    text_string(out, head);
    for (const char *at = paragraph; *at != '\0';) {
        const size_t length = strcspn(at, " ");
        const size_t width = word_width(at, length);
        if (!begins && column + 1 + width > PROSE_WIDTH) {
            text_format(out, "\n%*s", indent, "");
            column = (size_t)indent;
            begins = true;
        }
        text_string(out, begins ? "" : " ");
        put_word(out, at, length);
        column += width + !begins;
        begins = false;
        at += length;
        at += strspn(at, " ");
    }
    text_string(out, "\n");
}

void prose_json(text *out, const char *paragraph)
{
    text plain = TEXT_INIT;
    put_word(&plain, paragraph, strlen(paragraph));
    text_json_string(out, plain.data != NULL ? plain.data : "");
    out->failed = out->failed || plain.failed;
    text_free(&plain);
}
