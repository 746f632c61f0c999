/*
 * A network namespace of a test's own, with its loopback up. It needs root, or user namespaces that
 * anybody may make.
 */
#pragma once

/*
 * Runs test(data) in a child process, whose network is its own; only port is chosen there where any
 * would do, unless it is 0. Returns what the test returned, 0 to 76; or -1: this machine has none
 * to give, and the test was not run.
 */
int own_network_run(unsigned port, int (*test)(void *data), void *data);

/* Within it: gives the loopback another address. 0, or -errno. */
int own_network_add_address(const char *number, unsigned prefix_length);
