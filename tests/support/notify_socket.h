/* The socket of a service manager, which the test is. */
#pragma once

/* Listens in that directory, in place of one that listened there before, and says so in the
 * environment. A non-blocking datagram socket, the caller's to close. */
int notify_socket_listen(const char *directory);
