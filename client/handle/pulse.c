/* What the handle's loop does. See pulse.h. */
#include "client/handle/pulse.h"

#include "core/cleanup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Only a file in memory has seals, and none of large pages has this size: so whoever made it, to
 * look at it and to write there does not wait, and its size stays. */
static bool is_sealed(int borrow_fd)
{
        const int seals = fcntl(borrow_fd, F_GET_SEALS);
        struct stat file;

        return seals >= 0 && (seals & F_SEAL_SHRINK) && fstat(borrow_fd, &file) == 0 &&
               file.st_size == PULSE_BYTES;
}

void pulse_map(Pulse *pulse, int take_fd)
{
        CLEANUP(cleanup_close) int fd = take_fd;
        void *page;

        pulse_unmap(pulse);
        /* Its memory is had now, where that may fail. */
        if (fd < 0 || !is_sealed(fd) || fallocate(fd, 0, 0, PULSE_BYTES) < 0)
                return;
        page = mmap(NULL, PULSE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED)
                return;
        pulse->page = page;
        pulse_store(&pulse->page->turns, pulse->turns);
        pulse_store(&pulse->page->events, pulse->events);
        pulse_store(&pulse->page->set, pulse->set);
        pulse_store(&pulse->page->state, pulse_state(pulse_now_ns(), PULSE_RUNS));
        atomic_store_explicit(&pulse->page->magic, PULSE_MAGIC, memory_order_release);
}

void pulse_tell_set(Pulse *pulse, int borrow_epoll_fd)
{
        pulse->set = (uint64_t)borrow_epoll_fd;
        if (pulse->page)
                pulse_store(&pulse->page->set, pulse->set);
}

void pulse_unmap(Pulse *pulse)
{
        if (pulse->page)
                munmap(pulse->page, PULSE_BYTES);
        pulse->page = NULL;
}
