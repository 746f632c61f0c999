/*
 * Going into the background, so that whoever started the daemon gets its prompt back once the
 * daemon serves, not before; and learns it by the exit code when it does not.
 */
#pragma once

/*
 * Forks. The parent waits for background_ready() in the child and exits: 0 then, 1 when the child
 * ended before. Returns only in the child: the pipe's end to be given to background_ready(), or
 * -errno when there was no fork. Call it before there are threads or a loop.
 */
int background_start(void);

/* Lets the parent go and leaves its terminal. */
void background_ready(int take_fd);
