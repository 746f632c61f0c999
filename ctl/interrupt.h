/* SIGINT, waited for. */
#pragma once

/* *out: a descriptor that is readable once SIGINT has come, instead of ending the process; -1 when
 * the signal was ignored: what runs in the background has no Ctrl-C. 0, or -errno with
 * error_text(). */
int interrupt_catch(int *out);
