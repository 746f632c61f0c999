/*
 * Quiet write: writev(2) without SIGPIPE. Who writes to a pipe or socket that nobody reads any more
 * learns it from EPIPE, and no signal ends a program that has not thought of it.
 */
#pragma once

#include <sys/uio.h>

/* As writev(2); count is at most IOV_MAX. A socket that may block does not. */
ssize_t quiet_writev(int borrow_fd, const struct iovec *parts, int count);
