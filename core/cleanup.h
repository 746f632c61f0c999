/*
 * Cleanup attributes: an owning local is released when it goes out of scope, unless it was
 * stolen first. STEAL_FD and STEAL_PTR hand the value on and leave nothing to release.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

#define STEAL_PTR(pointer)                                                                         \
        ({                                                                                         \
                __typeof__(pointer) steal_ptr_value_ = (pointer);                                  \
                (pointer) = NULL;                                                                  \
                steal_ptr_value_;                                                                  \
        })

#define STEAL_FD(fd)                                                                               \
        ({                                                                                         \
                int steal_fd_value_ = (fd);                                                        \
                (fd) = -1;                                                                         \
                steal_fd_value_;                                                                   \
        })

static inline void cleanup_close(int *fd)
{
        if (*fd >= 0)
                close(*fd);
}

static inline void cleanup_free(void *pointer)
{
        free(*(void **)pointer);
}

static inline void cleanup_fclose(FILE **file)
{
        if (*file)
                fclose(*file);
}
