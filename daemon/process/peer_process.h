/*
 * The process at the other end of a connection, as something the loop can wait for: its end. A
 * client whose own end of the connection is on its way to the daemon, in a packet that is not read
 * yet, can die without the connection being closed; only its process tells.
 */
#pragma once

#include <sys/types.h>

/*
 * A pidfd, readable once the process that connected socket_fd has ended. pid: its number, for
 * kernels before 6.5, which do not give it away by SO_PEERPIDFD. -errno: -ESRCH it has ended.
 */
int peer_process_open(int borrow_socket_fd, pid_t pid);
