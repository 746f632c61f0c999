/* A bare epoll set. See epoll_set.h. */
#include "tests/support/epoll_set.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int epoll_set_open(void)
{
        int set = epoll_create1(EPOLL_CLOEXEC);

        ck_assert_int_ge(set, 0);
        return set;
}

int epoll_set_control(int set, int operation, int fd, uint32_t events, uint64_t data)
{
        struct epoll_event event = {.events = events, .data.u64 = data};

        return epoll_ctl(set, operation, fd, &event) < 0 ? -errno : 0;
}

int epoll_set_add(int set, int fd, uint32_t events, uint64_t data)
{
        return epoll_set_control(set, EPOLL_CTL_ADD, fd, events, data);
}

int epoll_set_control_by_scratch(int set, int operation, int fd, uint32_t events, uint64_t data)
{
        int result;

        ck_assert_int_eq(dup3(fd, EPOLL_SET_SCRATCH, O_CLOEXEC), EPOLL_SET_SCRATCH);
        result = epoll_set_control(set, operation, EPOLL_SET_SCRATCH, events, data);
        close(EPOLL_SET_SCRATCH);
        return result;
}

int epoll_set_add_by_scratch(int set, int fd, uint32_t events, uint64_t data)
{
        return epoll_set_control_by_scratch(set, EPOLL_CTL_ADD, fd, events, data);
}

uint32_t epoll_set_next(int set, int ms, uint64_t *data)
{
        struct epoll_event event = {.events = EPOLL_SET_NO_EVENT};
        int n = epoll_wait(set, &event, 1, ms);

        ck_assert_int_ge(n, 0);
        if (data)
                *data = n > 0 ? event.data.u64 : 0;
        return event.events;
}

size_t epoll_set_list(int set, uint64_t *data, size_t max)
{
        char path[64];
        char line[256];
        size_t count = 0;
        FILE *info;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", set);
        info = fopen(path, "re");
        ck_assert_ptr_nonnull(info);
        while (fgets(line, sizeof(line), info)) {
                int number;
                unsigned int events;
                unsigned long long value;

                if (sscanf(line, "tfd: %d events: %x data: %llx", &number, &events, &value) != 3)
                        continue;
                ck_assert_uint_lt(count, max);
                data[count++] = value;
        }
        fclose(info);
        return count;
}
