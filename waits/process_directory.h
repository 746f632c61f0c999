/*
 * The directory of a process in /proc, opened once, so that all that is read of it is of this
 * process and not of the next one with its number. Reading these files does not hang.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROCESS_NAME_MAX = 64 };

/* A line of /proc/PID/stat, of a process or of a thread. */
typedef struct ProcessStat {
        char name[PROCESS_NAME_MAX]; /* any bytes; its own choice */
        char state;                  /* 'R', 'S', 'T' and so on: proc(5) */
        bool is_kernel;              /* a thread of the kernel's: it has nothing open */
        uint64_t system_ticks;       /* clock ticks it ran in the kernel */
        uint64_t start_time;         /* the same, since the machine was started */
} ProcessStat;

/* The descriptor, or -errno: -ENOENT where there is none, or none for this user to see. */
int process_directory_open(pid_t pid);
/* The same, and -ESRCH if that process was not started then. */
int process_directory_open_again(pid_t pid, uint64_t start_time);

/* Reads a file of it, at most size - 1 bytes, and ends them with a zero: how many, or -errno. */
ssize_t process_directory_read(int borrow_directory, const char *path, char *out, size_t size);
/* Reads the stat file at path. 0 or -errno. */
int process_directory_stat(int borrow_directory, const char *path, ProcessStat *out);
