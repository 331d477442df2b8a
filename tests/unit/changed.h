/* Documents that differ in one place. */
#ifndef TESTS_UNIT_CHANGED_H
#define TESTS_UNIT_CHANGED_H

#include <check.h>
#include <string.h>

#include "base/text.h"

/* `document` with `from`, which must be there once, replaced by `to`; freed by the caller. */
static inline char *changed(const char *document, const char *from, const char *to)
{
    const char *at = strstr(document, from);
    ck_assert_msg(at != NULL && strstr(at + 1, from) == NULL, "not once in the document: %s", from);
    text out = TEXT_INIT;
    text_bytes(&out, document, (size_t)(at - document));
    text_string(&out, to);
    text_string(&out, at + strlen(from));
    ck_assert(!out.failed);
    return out.data;
}

#endif
