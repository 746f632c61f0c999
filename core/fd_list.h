/*
 * FdList: the descriptors of one received packet. It owns them; whoever wants one steals it, and
 * fd_list_close() closes what nobody stole. A descriptor is never both here and elsewhere.
 */
#pragma once

#include <stddef.h>

enum {
        /* The kernel's limit for one SCM_RIGHTS message. */
        FD_LIST_MAX = 253,
};

typedef struct FdList {
        size_t count;
        int fds[FD_LIST_MAX]; /* -1: stolen */
} FdList;

/* Takes take_fd; the caller has checked that there is room. */
void fd_list_add(FdList *list, int take_fd);

/* The descriptor at index, still the list's; -1 when it was stolen. */
int fd_list_borrow(const FdList *list, size_t index);
/* The descriptor at index, now the caller's. */
int fd_list_steal(FdList *list, size_t index);

/* Closes what is left and empties the list. */
void fd_list_close(FdList *list);
