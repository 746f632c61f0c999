/*
 * The scene of tests of what may wait: a kyron-iod whose calls are looked at (slow_calls.h), a
 * service manager, and a neighbour that counts how long its round trips last. These end the test
 * when something goes wrong.
 */
#pragma once

#include "tests/support/slow_calls.h"

#include <stdbool.h>
#include <sys/types.h>

/* Where the daemon's log goes. */
typedef enum WaitingLog { WAITING_LOG_FILE, WAITING_LOG_JOURNAL, WAITING_LOG_SYSLOG } WaitingLog;

/* The daemon's, once the scene is open. */
extern SlowCalls *waiting_calls;

void waiting_scene_open(WaitingLog log);
void waiting_scene_close(void);
/* false: no system calls can be looked at here. */
bool waiting_scene_works(void);

/* From now on calls are counted, and this one lasts for a while, or none. */
void waiting_scene_arm(int call);

/* The process of a step of fault_scene, which uses the daemon. */
pid_t waiting_scene_start_step(const char *step);
/* The manager makes its socket anew. */
void waiting_scene_remake_manager(void);
/* Another program is to take over: one that does not answer under the filter, and is refused. */
void waiting_scene_hand_over(void);

/* Has the neighbour make round trips until the process has ended, unless it is 0, and the call was
 * made, unless it is SLOW_CALL_none. In how many milliseconds 99 of 100 were. */
double waiting_scene_measure(pid_t child, int call);
