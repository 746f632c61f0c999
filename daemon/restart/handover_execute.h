/*
 * Executing another program in this process with a state to take over: where the variable is named
 * that says so.
 */
#pragma once

/* Names the descriptor of the state to the program. */
#define HANDOVER_VARIABLE "KYRON_IOD_STATE"
/* The program had handed over before, to one that could not serve. */
#define HANDOVER_RETURNED "KYRON_IOD_RETURNED"

/* Executes the program at path, or if that is NULL the one that is open. Signals that it takes
 * later are ignored or held back until it does. Returns only if that fails: -errno with
 * error_text(), and all is as before. */
int handover_execute(int borrow_program_fd, const char *path, char **argv, int borrow_state_fd);
