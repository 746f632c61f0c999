/* Operations: a function run until it does not say EAGAIN. See operation.h. */
#include "client/readiness/operation.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/bridged_fd.h"
#include "client/readiness/portion.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

KyronOperation *operation_of(KyronWaker *waker)
{
        return (KyronOperation *)((char *)waker - offsetof(KyronOperation, internal.waker));
}

void kyron_operation_init(KyronOperation *operation, KyronCompletion completion, void *user)
{
        *operation = (KyronOperation){.completion = completion, .user = user};
}

int operation_check(const KyronOperation *operation)
{
        if (!operation)
                return error_set(EINVAL, "there is no operation");
        if (operation->internal.waker.internal.state != WAKER_IDLE)
                return error_set(EBUSY, "this operation is in use already");
        return 0;
}

int operation_check_completion(const KyronOperation *operation)
{
        return operation->completion
                       ? 0
                       : error_set(EINVAL, "this operation has to wait, and has no completion");
}

ssize_t operation_result(ssize_t n, const char *what)
{
        if (n >= 0)
                return n;
        if (errno == EAGAIN)
                return -EAGAIN;
        return error_set(errno, "cannot %s: %s", what, strerror(errno));
}

/*
 * Calls the function while there is readiness. True with *result when it has ended; false when it
 * has to wait for interest.
 */
static bool run_while_ready(KyronAsyncRegistration *registration, KyronOperation *operation,
                            Readiness interest, ssize_t *result)
{
        KyronReadyEvent event;

        while (async_registration_is_ready(registration, interest, &event)) {
                *result = operation->internal.function(registration->fd, operation);
                if (*result != -EAGAIN) {
                        portion_use(registration, *result);
                        return true;
                }
                kyron_async_registration_clear_readiness(registration, &event, interest);
        }
        return false;
}

/* For an operation that could not tell if it waited. */
static int run_once(const KyronAsyncRegistration *registration, KyronOperation *operation,
                    KyronIoFunction function)
{
        ssize_t result = function(registration->fd, operation);

        if (result == -EAGAIN)
                return operation_check_completion(operation);
        operation->result = result;
        return result < 0 ? (int)result : 0;
}

int kyron_bridged_fd_async_call(KyronBridgedFd *bridged_fd, KyronOperation *operation,
                                uint16_t interest, KyronIoFunction function)
{
        KyronAsyncRegistration *registration = &bridged_fd->registration;
        KyronIoDriverHandle *handle = registration->handle;
        KyronWaker *waker;
        KyronReadyEvent event;
        int r = operation_check(operation);

        if (r < 0)
                return r;
        if (!function)
                return error_set(EINVAL, "there is no function to be run");
        if (!(interest & READINESS_INTERESTS) || (interest & ~READINESS_INTERESTS))
                return error_set(EINVAL, "interest %#x is not made of READABLE, WRITABLE, PRIORITY",
                                 interest);
        r = io_driver_handle_check_process(handle);
        if (r < 0)
                return r;
        if (!operation->completion)
                return run_once(registration, operation, function);
        waker = &operation->internal.waker;
        operation->internal.function = function;
        waker->wake = NULL;
        waker->internal.handle = handle;
        waker->internal.cancelled = false;
        if (portion_is_used_up(registration) &&
            async_registration_yield(registration, interest, waker))
                return KYRON_PENDING;
        do {
                if (run_while_ready(registration, operation, interest, &operation->result))
                        return operation->result < 0 ? (int)operation->result : 0;
                pthread_mutex_lock(&handle->lock);
                r = async_registration_wait(registration, interest, waker, &event);
                pthread_mutex_unlock(&handle->lock);
        } while (r == 0);
        return r;
}

/* Out of readiness: KYRON_PENDING the operation waits again, 0 there is readiness after all, or why
 * it has ended. Lock held. */
static int wait_again(KyronAsyncRegistration *registration, KyronWaker *waker)
{
        KyronReadyEvent event;

        if (registration->closing || waker->internal.cancelled)
                return error_set(ECANCELED, "the operation was cancelled");
        return async_registration_wait(registration, waker->internal.interest, waker, &event);
}

void operation_run(KyronOperation *operation, int error)
{
        KyronWaker *waker = &operation->internal.waker;
        KyronAsyncRegistration *registration = waker->internal.registration;
        KyronIoDriverHandle *handle = registration->handle;
        ssize_t result = error;
        bool ended = error < 0;
        int waits = 0;
        int close_fd;

        while (!ended && waits == 0) {
                pthread_mutex_unlock(&handle->lock);
                ended = run_while_ready(registration, operation, waker->internal.interest, &result);
                pthread_mutex_lock(&handle->lock);
                if (!ended)
                        waits = wait_again(registration, waker);
        }
        if (waits < 0)
                result = waits;
        if (waits != KYRON_PENDING)
                waker->internal.state = WAKER_IDLE;
        registration->running--;
        close_fd = async_registration_reap(registration);
        if (waits == KYRON_PENDING && close_fd < 0)
                return;
        pthread_mutex_unlock(&handle->lock);
        if (close_fd >= 0)
                close(close_fd);
        if (waits != KYRON_PENDING) {
                operation->result = result;
                operation->completion(operation);
        }
        pthread_mutex_lock(&handle->lock);
}
