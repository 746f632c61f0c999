/* The descriptors of one received packet. See fd_list.h. */
#include "core/fd_list.h"

#include <assert.h>
#include <unistd.h>

void fd_list_add(FdList *list, int take_fd)
{
        assert(list->count < FD_LIST_MAX);
        list->fds[list->count++] = take_fd;
}

int fd_list_borrow(const FdList *list, size_t index)
{
        return index < list->count ? list->fds[index] : -1;
}

int fd_list_steal(FdList *list, size_t index)
{
        int fd = fd_list_borrow(list, index);

        if (fd >= 0)
                list->fds[index] = -1;
        return fd;
}

void fd_list_close(FdList *list)
{
        for (size_t i = 0; i < list->count; i++) {
                if (list->fds[i] >= 0)
                        close(list->fds[i]);
        }
        list->count = 0;
}
