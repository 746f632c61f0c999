/* System calls by their numbers on this machine, as /proc tells them; those that may last. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* NULL: none that is known here. */
const char *system_call_name(int64_t call);
/* Whether its first argument is the descriptor it waits for. */
bool system_call_has_descriptor(int64_t call);
/* Whether it waits for events of an epoll set. */
bool system_call_is_epoll_wait(int64_t call);
/* Whether what it waits for may be an epoll set among others, or inside another one. */
bool system_call_waits_for_many(int64_t call);
bool system_call_is_poll(int64_t call);
bool system_call_is_select(int64_t call);
