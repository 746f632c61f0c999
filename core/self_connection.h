/*
 * A TCP connection that met itself: the kernel chose the port it was to connect to as its own, and
 * both ends are the one socket. Nobody listened there, or the port would not have been free.
 */
#pragma once

#include <stdbool.h>

/* Whether a connected socket is its own peer. */
bool self_connection_is(int borrow_fd);
