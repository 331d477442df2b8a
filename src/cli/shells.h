/* The help text's tables in the forms of man and of the shells. */
#ifndef CLI_SHELLS_H
#define CLI_SHELLS_H

#include "command.h"

/* The man page of a command, or of the whole program if `of` is null. Returns the exit status. */
int print_manual(const command *of);

/* What completes the program's commands and options. Likewise. */
int print_bash_completion(void);
int print_zsh_completion(void);
int print_fish_completion(void);

#endif
