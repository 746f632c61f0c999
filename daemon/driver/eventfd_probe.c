/* Whether a descriptor is an eventfd. See eventfd_probe.h. */
#include "daemon/driver/eventfd_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static aio_context_t context;
static bool is_trusted;

/* errno of an io_submit() that can only fail. */
static int answer(int borrow_fd)
{
        struct iocb read = {
                .aio_lio_opcode = IOCB_CMD_PREAD,
                .aio_fildes = (uint32_t)borrow_fd, /* of which nothing is read */
                .aio_rw_flags = INT32_MAX,         /* not all of these can have a meaning */
                .aio_flags = IOCB_FLAG_RESFD,
                .aio_resfd = (uint32_t)borrow_fd,
        };
        struct iocb *one = &read;

        return syscall(SYS_io_submit, context, 1L, &one) < 0 ? errno : 0;
}

static bool answers_as_expected(void)
{
        int eventfd_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        int other_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool expected = eventfd_fd >= 0 && other_fd >= 0 && answer(eventfd_fd) == EOPNOTSUPP &&
                        answer(other_fd) == EINVAL;

        if (eventfd_fd >= 0)
                close(eventfd_fd);
        if (other_fd >= 0)
                close(other_fd);
        return expected;
}

void eventfd_probe_open(void)
{
        if (is_trusted || syscall(SYS_io_setup, 1L, &context) < 0)
                return;
        is_trusted = answers_as_expected();
        if (!is_trusted)
                eventfd_probe_close();
}

void eventfd_probe_close(void)
{
        if (context != 0)
                syscall(SYS_io_destroy, context);
        context = 0;
        is_trusted = false;
}

bool eventfd_probe(int borrow_fd)
{
        return is_trusted && answer(borrow_fd) == EOPNOTSUPP;
}
