/*
 * A FUSE file system with one file, whose server answers until the file is open and never after:
 * what a hostile client can make any call hang with that asks the file system. It lives in a mount
 * namespace of this process and dies with it.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* Mounts it and opens its file, whose type is mode's (S_IFREG, S_IFIFO). Returns the descriptor,
 * or -1 where that cannot be done: without /dev/fuse or the right to mount. */
int silent_fuse_open(mode_t mode);
/* Stops the server, which takes no request from here on: whoever waits for one can be killed. */
void silent_fuse_stop(void);
/* Ends the server, and with it whatever hangs; nothing the second time. */
void silent_fuse_end(void);
