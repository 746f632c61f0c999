/* A descriptor with its registration. See bridged_fd.h. */
#include "client/readiness/bridged_fd.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/operation.h"
#include "client/readiness/outbox.h"
#include "client/readiness/quiet_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int bridged_fd_new(KyronBridgedFd **out, KyronIoDriverHandle *handle, int take_fd, Readiness arm)
{
        KyronBridgedFd *bridged_fd;
        int r = io_driver_handle_check_process(handle);

        bridged_fd = r == 0 ? malloc(sizeof(*bridged_fd)) : NULL;
        if (!bridged_fd) {
                close(take_fd);
                return r < 0 ? r : error_set(ENOMEM, "no memory for a descriptor's registration");
        }
        async_registration_init(&bridged_fd->registration, handle, take_fd);
        bridged_fd->registration.owns_fd = true;
        bridged_fd->registration.arm = arm;
        *out = bridged_fd;
        return 0;
}

int kyron_bridged_fd_new(KyronBridgedFd **out, KyronIoDriverHandle *handle, int take_fd)
{
        int flags = fcntl(take_fd, F_GETFL);

        if (flags < 0)
                return error_set(errno, "%d is not an open descriptor", take_fd);
        if (!(flags & O_NONBLOCK) && fcntl(take_fd, F_SETFL, flags | O_NONBLOCK) < 0) {
                int r = error_set(errno, "descriptor %d cannot be made non-blocking: %s", take_fd,
                                  strerror(errno));

                close(take_fd);
                return r;
        }
        return bridged_fd_new(out, handle, take_fd, 0);
}

/* Whether close() would break the connection off: the program said so, or has not read all. */
static bool is_to_break_off(int fd)
{
        struct linger linger = {.l_onoff = 0};
        socklen_t size = sizeof(linger);
        int unread = 0;

        return (ioctl(fd, FIONREAD, &unread) == 0 && unread > 0) ||
               (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &size) == 0 && linger.l_onoff &&
                linger.l_linger == 0);
}

/* The peer is to see the end now, and the one that close() would bring: what breaks off TCP at once
 * is a connect to nowhere. A Unix stream that is to be broken off has to wait for the last close().
 */
static void end_stream(int fd)
{
        const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

        if (is_to_break_off(fd))
                (void)connect(fd, &nowhere, sizeof(nowhere));
        else
                shutdown(fd, SHUT_RDWR);
}

/* Whether the daemon may have a copy of the descriptor for a moment yet. */
static bool may_be_elsewhere(const KyronAsyncRegistration *registration)
{
        return registration->armed || async_registration_is_counted(registration);
}

/* What is left to do once nothing of it may be used any more; is_stream: see the header. */
static void close_bridged_fd(KyronBridgedFd *bridged_fd, bool is_stream)
{
        KyronAsyncRegistration *registration;
        KyronIoDriverHandle *handle;
        int close_fd;

        if (!bridged_fd)
                return;
        registration = &bridged_fd->registration;
        handle = registration->handle;
        if (io_driver_handle_check_process(handle) < 0) {
                /* After fork(): the lock may be held by a thread that does not exist here. */
                if (registration->fd >= 0)
                        close(registration->fd);
                async_registration_free(registration);
                return;
        }
        pthread_mutex_lock(&handle->lock);
        /* One that was passed on may be another worker's by now. */
        if (is_stream && may_be_elsewhere(registration) &&
            !(registration->kind->is_passed && handle->gone))
                end_stream(registration->fd);
        async_registration_detach(registration, false);
        close_fd = async_registration_reap(registration);
        pthread_mutex_unlock(&handle->lock);
        if (close_fd >= 0)
                close(close_fd);
}

void kyron_bridged_fd_close(KyronBridgedFd *bridged_fd)
{
        close_bridged_fd(bridged_fd, false);
}

void bridged_fd_close_stream(KyronBridgedFd *bridged_fd)
{
        close_bridged_fd(bridged_fd, true);
}

int kyron_bridged_fd_release(KyronBridgedFd *bridged_fd, int *out)
{
        KyronAsyncRegistration *registration = &bridged_fd->registration;
        int fd = registration->fd;
        int r;

        registration->owns_fd = false;
        r = kyron_async_registration_remove(registration);
        if (r < 0)
                registration->owns_fd = true;
        else
                *out = fd;
        return r;
}

int kyron_bridged_fd_fd(const KyronBridgedFd *bridged_fd)
{
        return bridged_fd->registration.fd;
}

KyronAsyncRegistration *kyron_bridged_fd_registration(KyronBridgedFd *bridged_fd)
{
        return &bridged_fd->registration;
}

int bridged_fd_async_call_after_wait(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                     Readiness interest, KyronIoFunction function)
{
        KyronReadyEvent event;

        /* As if EAGAIN had been met: nothing is registered yet, so no event can be missed. */
        async_registration_is_ready(&bridged_fd->registration, interest, &event);
        kyron_async_registration_clear_readiness(&bridged_fd->registration, &event, interest);
        return kyron_bridged_fd_async_call(bridged_fd, operation, interest, function);
}

static ssize_t report_readiness(int borrow_fd, KyronOperation *operation)
{
        KyronReadyEvent event;

        (void)borrow_fd;
        if (!async_registration_is_ready(operation->arguments.object,
                                         (Readiness)operation->arguments.flags, &event))
                return -EAGAIN;
        return event.readiness;
}

int kyron_bridged_fd_ready(KyronBridgedFd *bridged_fd, KyronOperation *operation, uint16_t interest)
{
        int r = operation_check(operation);

        if (r < 0)
                return r;
        operation->arguments.object = &bridged_fd->registration;
        operation->arguments.flags = interest;
        return kyron_bridged_fd_async_call(bridged_fd, operation, interest, report_readiness);
}

static ssize_t do_read(int borrow_fd, KyronOperation *operation)
{
        ssize_t n;

        do
                n = read(borrow_fd, operation->arguments.pointer, operation->arguments.size);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "read");
}

static ssize_t do_write(int borrow_fd, KyronOperation *operation)
{
        const struct iovec part = {operation->arguments.pointer, operation->arguments.size};
        ssize_t n;

        do
                n = quiet_writev(borrow_fd, &part, 1);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "write");
}

static ssize_t do_readv(int borrow_fd, KyronOperation *operation)
{
        ssize_t n;

        do
                n = readv(borrow_fd, operation->arguments.pointer, (int)operation->arguments.size);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "read");
}

static ssize_t do_writev(int borrow_fd, KyronOperation *operation)
{
        ssize_t n;

        do
                n = quiet_writev(borrow_fd, operation->arguments.pointer,
                                 (int)operation->arguments.size);
        while (n < 0 && errno == EINTR);
        return operation_result(n, "write");
}

static int start(KyronBridgedFd *bridged_fd, KyronOperation *operation, Readiness interest,
                 KyronIoFunction function, const void *pointer, size_t size)
{
        int r = operation_check(operation);

        if (r < 0)
                return r;
        operation->arguments.pointer = (void *)pointer;
        operation->arguments.size = size;
        return kyron_bridged_fd_async_call(bridged_fd, operation, interest, function);
}

int kyron_bridged_fd_read(KyronBridgedFd *bridged_fd, KyronOperation *operation, void *buffer,
                          size_t size)
{
        return start(bridged_fd, operation, KYRON_READABLE, do_read, buffer, size);
}

int kyron_bridged_fd_write(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                           const void *buffer, size_t size)
{
        return start(bridged_fd, operation, KYRON_WRITABLE, do_write, buffer, size);
}

int kyron_bridged_fd_readv(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                           const struct iovec *parts, int count)
{
        return start(bridged_fd, operation, KYRON_READABLE, do_readv, parts, (size_t)count);
}

int kyron_bridged_fd_writev(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                            const struct iovec *parts, int count)
{
        return start(bridged_fd, operation, KYRON_WRITABLE, do_writev, parts, (size_t)count);
}
