/* That something is going on, as a line on a terminal that is drawn anew and goes away again. */
#ifndef CLI_ALIVE_H
#define CLI_ALIVE_H

/* Nothing is shown before this is called, where messages are for people; nor without a terminal. */
void alive_allow(void);

/*
 * From now on `stage` (static, such as "planning") takes place: it is shown on standard error, with
 * its seconds, once a stage without a detail, or all since the first one, has taken two seconds.
 */
void alive_stage(const char *stage);

/* How far the stage is, shown at once in place of its name. Any thread may say so. */
void alive_detail(const char *detail);

/* Nothing is shown from now on, until the next stage: before anything is printed. */
void alive_end(void);

/* Around messages: takes away what is shown, and lets nothing be shown until alive_resume. */
void alive_pause(void);
void alive_resume(void);

#endif
