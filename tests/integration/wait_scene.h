/*
 * Processes for kyronctl waits and why to be asked about. They end with the test, or with the
 * process that started them.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* What a process is to be; it says on the descriptor when it is, and may return. */
typedef void (*WaitPart)(int tell_fd);

/* The number it told, of a port mostly, in *told, which may be NULL. */
pid_t wait_scene_start(WaitPart part, uint32_t *told);
/* For a part. */
void wait_scene_tell(int tell_fd, uint32_t number);
/* Ends them all. */
void wait_scene_end(void);

const char *wait_scene_text(pid_t pid, char text[static 16]);
