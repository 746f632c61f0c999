/*
 * What passes between the daemon and systemd: the listening socket it hands over, readiness,
 * the watchdog. Built without libsystemd, or not started by it, every call does nothing.
 */
#pragma once

#include <stdint.h>

/* The listening socket systemd opened, now the caller's: 1 with *fd, 0 there is none, or -errno
 * with error_text() when what came is not one SEQPACKET listener. */
int service_manager_take_socket(int *fd);

void service_manager_ready(const char *status);
void service_manager_stopping(void);

/* Microseconds within which systemd wants a ping; 0: none. */
uint64_t service_manager_watchdog_usec(void);
void service_manager_ping(void);
