/*
 * The standard descriptors, 0 to 2: a program that is started without one of them must not get
 * something of its own under that number, which a line of output would then be written to.
 */
#pragma once

#include <stdbool.h>

/* In a program: to be called before anything is opened. Those that are closed become something that
 * can be neither read nor written, as if they were closed still. false: nothing could be opened. */
bool standard_descriptors_occupy(void);

/* In a library: the descriptor of its own under a number above them, since the program may write to
 * those it has not got, or close them when it goes into the background. Close-on-exec. What is
 * negative is returned as it is; -1 with errno when there is no such number. */
int standard_descriptors_avoid(int take_fd);
