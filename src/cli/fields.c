#include "fields.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

field_figure field_number(double value)
{
    field_figure out;
    snprintf(out.text, sizeof out.text, "%.12g", value);
    return out;
}

field_figure field_fixed(double value, int decimals, const char *unit)
{
    field_figure out;
    int length = snprintf(out.text, sizeof out.text, "%.*f%s", decimals, value, unit);
    if (length < 0 || (size_t)length >= sizeof out.text)
        snprintf(out.text, sizeof out.text, "%.4g%s", value, unit);
    return out;
}

/*
 * How many bytes at `at` must not reach a terminal: control characters (C1 in UTF-8 too), and
 * U+200E/F, U+2028 to U+202E and U+2066 to U+2069, which turn a line around or break it.
 */
static size_t unsafe_length(const unsigned char *at)
{
    if (*at < 0x20 || *at == 0x7F)
        return 1;
    if (at[0] == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0)
        return 2;
    if (at[0] != 0xE2 || at[1] == 0)
        return 0;
    const unsigned char last = at[2];
    const bool turns = (at[1] == 0x80 && (last == 0x8E || last == 0x8F)) ||
                       (at[1] == 0x80 && last >= 0xA8 && last <= 0xAE) ||
                       (at[1] == 0x81 && last >= 0xA6 && last <= 0xA9);
    return turns ? 3 : 0;
}

static void put_visible(FILE *out, const char *text, bool double_quotes)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t unsafe = unsafe_length(at);
        if (unsafe == 0) {
            if (*at == '"' && double_quotes)
                fputc('"', out);
            fputc(*at++, out);
            continue;
        }
        for (; unsafe > 0; unsafe--)
            fprintf(out, "\\x%02x", *at++);
    }
}

void put_safe(FILE *out, const char *text)
{
    put_visible(out, text, false);
}

void put_csv(FILE *out, const char *text)
{
    const bool plain = strpbrk(text, ",\"") == NULL && text[0] != ' ';
    if (plain) {
        put_visible(out, text, false);
        return;
    }
    fputc('"', out);
    put_visible(out, text, true);
    fputc('"', out);
}

void put_json(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            fprintf(out, "\\%c", *at);
        else if (*at < 0x20 || *at == 0x7F)
            fprintf(out, "\\u%04x", *at);
        else
            fputc(*at, out);
    }
    fputc('"', out);
}

void put_json_member(FILE *out, const char *name, double value)
{
    fprintf(out, ", \"%s\": %s", name, field_number(value).text);
}

field_figure field_space(int64_t bytes)
{
    static const char *const names[] = {"TiB", "GiB", "MiB", "KiB"};
    field_figure out;
    int64_t unit = INT64_C(1) << 40;
    for (size_t i = 0; i < 4; i++, unit >>= 10) {
        if (bytes >= unit && bytes % unit == 0) {
            snprintf(out.text, sizeof out.text, "%" PRId64 " %s", bytes / unit, names[i]);
            return out;
        }
    }
    snprintf(out.text, sizeof out.text, "%" PRId64 " bytes", bytes);
    return out;
}

static field_scale choose_scale(double largest, const field_scale *scales)
{
    while (scales[1].name != NULL && largest < 0.1 * scales->factor)
        scales++;
    return *scales;
}

field_scale field_scale_bytes(double largest)
{
    static const field_scale scales[] = {
        {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}, {NULL, 0}};
    return choose_scale(largest, scales);
}

field_scale field_scale_seconds(double largest)
{
    static const field_scale scales[] = {{"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}, {NULL, 0}};
    return choose_scale(largest, scales);
}

field_scale field_scale_joules(double largest)
{
    static const field_scale scales[] = {
        {"J", 1}, {"mJ", 1e-3}, {"uJ", 1e-6}, {"nJ", 1e-9}, {NULL, 0}};
    return choose_scale(largest, scales);
}
