/* The words of tables and options. */
#ifndef CLI_GLOSSARY_H
#define CLI_GLOSSARY_H

#include <stddef.h>

typedef struct glossary_entry {
    const char *term;
    const char *meaning;
} glossary_entry;

extern const glossary_entry glossary[];
extern const size_t glossary_count;

#endif
