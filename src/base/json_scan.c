#include "base/json_scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

#define MAX_NUMBER_BYTES 63 /* cJSON reads no longer ones */

typedef struct scanner {
    json_document *document;
    const unsigned char *text;
    size_t length;
    size_t at;
    size_t values;
    size_t depth;
    size_t opened[CJSON_NESTING_LIMIT]; /* where the brackets still open stand */
} scanner;

/* The next byte, or -1 at the end. */
static int next_byte(const scanner *scan)
{
    return scan->at < scan->length ? scan->text[scan->at] : -1;
}

typedef struct position {
    size_t line;
    size_t column;
} position;

static position position_of(const scanner *scan, size_t at)
{
    position found = {1, 1};
    for (size_t i = 0; i < at; i++) {
        if (scan->text[i] == '\n') {
            found.line++;
            found.column = 1;
        } else {
            found.column += (scan->text[i] & 0xC0) != 0x80;
        }
    }
    return found;
}

static bool syntax_fault(const scanner *scan, const char *format, ...) MBS_PRINTF(2, 3);
static bool syntax_fault(const scanner *scan, const char *format, ...)
{
    char message[240];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    position here = position_of(scan, scan->at);
    json_fault(scan->document, NULL, NULL, "line %zu, column %zu: %s", here.line, here.column,
               message);
    return false;
}

/* The length of the UTF-8 character at the scanner's place, or 0. */
static size_t character_length(const scanner *scan)
{
    unsigned char here[5] = {0}; /* utf8_length wants a NUL after the text */
    size_t left = scan->length - scan->at;
    memcpy(here, scan->text + scan->at, left < 4 ? left : 4);
    bool c1 = here[0] == 0xC2 && (here[1] & 0xE0) == 0x80; /* valid in JSON */
    return c1 ? 2 : utf8_length(here);
}

static bool expected(const scanner *scan, const char *what)
{
    if (scan->at >= scan->length) {
        if (scan->depth == 0)
            return syntax_fault(scan, "found the end of the text, expected %s", what);
        size_t open = scan->opened[scan->depth - 1];
        position start = position_of(scan, open);
        return syntax_fault(scan,
                            "found the end of the text, expected %s: the %s that begins at line "
                            "%zu, column %zu is not closed (is the file truncated?)",
                            what, scan->text[open] == '{' ? "object" : "array", start.line,
                            start.column);
    }
    size_t length = character_length(scan);
    if (length == 0)
        return syntax_fault(scan, "byte 0x%02x is not UTF-8 text", scan->text[scan->at]);
    char word[32] = "";
    size_t left = scan->length - scan->at;
    memcpy(word, scan->text + scan->at, left < sizeof word ? left : sizeof word - 1);
    size_t run = strspn(word, WORD_CHARACTERS ".+");
    word[run > 0 ? run : length] = '\0';
    return syntax_fault(scan, "found %s, expected %s",
                        word[0] == '\0' ? "a NUL byte" : quoted(word).text, what);
}

static void skip_space(scanner *scan)
{
    int byte;
    while ((byte = next_byte(scan)) == ' ' || byte == '\t' || byte == '\n' || byte == '\r')
        scan->at++;
}

/* Four hexadecimal digits, or -1. */
static int32_t scan_hex4(scanner *scan)
{
    int32_t code = 0;
    for (int i = 0; i < 4; i++, scan->at++) {
        int byte = next_byte(scan);
        int32_t digit = byte >= '0' && byte <= '9'   ? byte - '0'
                        : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10
                        : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10
                                                     : -1;
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    return code;
}

static bool scan_escape(scanner *scan)
{
    scan->at++;
    int byte = next_byte(scan);
    if (byte != 'u') {
        if (byte <= 0 || strchr("\"\\/bfnrt", byte) == NULL)
            return expected(scan, "one of \" \\ / b f n r t u after a backslash");
        scan->at++;
        return true;
    }
    scan->at++;
    int32_t code = scan_hex4(scan);
    if (code < 0)
        return expected(scan, "four hexadecimal digits after \\u");
    if (code == 0)
        return syntax_fault(scan, "\\u0000 in a string: NUL characters are not supported");
    if (code >= 0xD800 && code <= 0xDFFF) {
        bool high = code <= 0xDBFF && scan->length - scan->at >= 2 &&
                    memcmp(scan->text + scan->at, "\\u", 2) == 0;
        scan->at += high ? 2 : 0;
        int32_t low = high ? scan_hex4(scan) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return syntax_fault(scan,
                                "\\u%04x is half of a surrogate pair, the other half is "
                                "missing",
                                (unsigned)code);
    }
    return true;
}

static bool scan_string(scanner *scan)
{
    for (scan->at++;;) {
        int byte = next_byte(scan);
        size_t length = 1;
        if (byte == '"') {
            scan->at++;
            return true;
        }
        if (byte == '\\') {
            if (!scan_escape(scan))
                return false;
            continue;
        }
        if (byte < 0)
            return expected(scan, "the quote that ends a string");
        if (byte < 0x20)
            return syntax_fault(scan,
                                "found byte 0x%02x in a string, expected control characters "
                                "as escapes (is a closing quote missing?)",
                                (unsigned)byte);
        if (byte >= 0x80 && (length = character_length(scan)) == 0)
            return syntax_fault(scan, "byte 0x%02x is not UTF-8 text", (unsigned)byte);
        scan->at += length;
    }
}

static bool scan_digits(scanner *scan)
{
    size_t start = scan->at;
    while (next_byte(scan) >= '0' && next_byte(scan) <= '9')
        scan->at++;
    return scan->at > start || expected(scan, "a digit");
}

static bool scan_number(scanner *scan)
{
    size_t start = scan->at;
    scan->at += next_byte(scan) == '-';
    if (next_byte(scan) == '0') {
        scan->at++;
        if (next_byte(scan) >= '0' && next_byte(scan) <= '9')
            return expected(scan, "no digit after a leading zero");
    } else if (!scan_digits(scan)) {
        return false;
    }
    if (next_byte(scan) == '.') {
        scan->at++;
        if (!scan_digits(scan))
            return false;
    }
    if (next_byte(scan) == 'e' || next_byte(scan) == 'E') {
        scan->at++;
        scan->at += next_byte(scan) == '+' || next_byte(scan) == '-';
        if (!scan_digits(scan))
            return false;
    }
    if (scan->at - start > MAX_NUMBER_BYTES) {
        scan->at = start;
        return syntax_fault(scan, "a number of more than %d characters", MAX_NUMBER_BYTES);
    }
    return true;
}

static bool scan_scalar(scanner *scan)
{
    static const char *const words[] = {"true", "false", "null"};
    int byte = next_byte(scan);
    if (byte == '"')
        return scan_string(scan);
    if (byte == '-' || (byte >= '0' && byte <= '9'))
        return scan_number(scan);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]);
        if (scan->length - scan->at >= length &&
            memcmp(scan->text + scan->at, words[i], length) == 0) {
            scan->at += length;
            return true;
        }
    }
    return expected(scan, "a value");
}

static bool scan_open_bracket(scanner *scan)
{
    if (scan->depth >= CJSON_NESTING_LIMIT)
        return syntax_fault(scan, "arrays and objects are nested more than %d deep",
                            CJSON_NESTING_LIMIT);
    scan->opened[scan->depth++] = scan->at++;
    return true;
}

static bool scan_member_name(scanner *scan, bool may_close)
{
    if (next_byte(scan) != '"')
        return expected(scan, may_close ? "a member name in double quotes or '}'"
                                        : "a member name in double quotes");
    if (!scan_string(scan))
        return false;
    skip_space(scan);
    if (next_byte(scan) != ':')
        return expected(scan, "':' after a member name");
    scan->at++;
    return true;
}

static bool scan_document(scanner *scan)
{
    enum { VALUE, FIRST_ELEMENT, FIRST_MEMBER, MEMBER, AFTER_VALUE } due = VALUE;
    for (;;) {
        skip_space(scan);
        int byte = next_byte(scan);
        bool in_object = scan->depth > 0 && scan->text[scan->opened[scan->depth - 1]] == '{';
        bool closes = scan->depth > 0 && byte == (in_object ? '}' : ']');
        if (closes && (due == FIRST_ELEMENT || due == FIRST_MEMBER || due == AFTER_VALUE)) {
            scan->at++;
            scan->depth--;
            due = AFTER_VALUE;
        } else if (due == AFTER_VALUE && scan->depth == 0) {
            return byte < 0 || expected(scan, "nothing after the document");
        } else if (due == AFTER_VALUE) {
            if (byte != ',')
                return expected(scan, in_object ? "',' or '}'" : "',' or ']'");
            scan->at++;
            due = in_object ? MEMBER : VALUE;
        } else if (due == MEMBER || due == FIRST_MEMBER) {
            if (!scan_member_name(scan, due == FIRST_MEMBER))
                return false;
            due = VALUE;
        } else if (++scan->values > JSON_MAX_VALUES) {
            return syntax_fault(scan, "more than %d values in one document", JSON_MAX_VALUES);
        } else if (byte == '{' || byte == '[') {
            if (!scan_open_bracket(scan))
                return false;
            due = byte == '{' ? FIRST_MEMBER : FIRST_ELEMENT;
        } else {
            if (!scan_scalar(scan))
                return false;
            due = AFTER_VALUE;
        }
    }
}

bool json_scan(json_document *document, const char *text, size_t length)
{
    scanner scan = {.document = document, .text = (const unsigned char *)text, .length = length};
    skip_space(&scan);
    if (scan.at < length)
        return scan_document(&scan);
    json_fault(document, NULL, NULL, "the file is empty, expected a JSON object");
    return false;
}
