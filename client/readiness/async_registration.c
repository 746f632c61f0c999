/* A descriptor's readiness and who waits for it. See async_registration.h. */
#include "client/readiness/async_registration.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/local_driver.h"
#include "client/readiness/outbox.h"
#include "client/readiness/portion.h"
#include "core/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void async_registration_init(KyronAsyncRegistration *registration, KyronIoDriverHandle *handle,
                             int fd)
{
        static const AsyncRegistrationKind plain;

        *registration = (KyronAsyncRegistration){.handle = handle, .fd = fd, .kind = &plain};
        /* Until the OS has said EAGAIN once, nobody needs to wait. */
        atomic_init(&registration->word, READINESS_INTERESTS);
}

bool async_registration_is_ready(const KyronAsyncRegistration *registration, Readiness interest,
                                 KyronReadyEvent *event)
{
        ReadinessWord word = atomic_load_explicit(&registration->word, memory_order_acquire);

        event->readiness = readiness_word_bits(word) & readiness_that_ends(interest);
        event->tick = readiness_word_tick(word);
        return event->readiness != 0;
}

/* A limit was reached; there may be room another time. Only new registrations meet these. */
static bool is_for_want_of_room(int error)
{
        return error == -EDQUOT || error == -ENOSPC;
}

static void forget_error(KyronAsyncRegistration *registration)
{
        free(STEAL_PTR(registration->refusal));
        registration->error = 0;
}

static int say_why_not(KyronAsyncRegistration *registration)
{
        const int error = registration->error;

        error_set(-error, "%s", registration->refusal ? registration->refusal : strerror(-error));
        /* Whoever asks next may find room. */
        if (is_for_want_of_room(error))
                forget_error(registration);
        return error;
}

int async_registration_wait(KyronAsyncRegistration *registration, Readiness interest,
                            KyronWaker *waker, KyronReadyEvent *event)
{
        int r;

        if (async_registration_is_ready(registration, interest, event))
                return 0;
        if (registration->error)
                return say_why_not(registration);
        registration->wanted |= interest | registration->arm;
        r = outbox_add_io_source(registration->handle, registration);
        if (r < 0)
                return r;
        waker->internal.registration = registration;
        waker->internal.interest = interest;
        waker->internal.state = WAKER_WAITING;
        waker_list_append(&registration->waiting, waker);
        return KYRON_PENDING;
}

static void add_to_woken(KyronAsyncRegistration *registration, KyronWaker *waker)
{
        waker->internal.state = WAKER_WOKEN;
        waker_list_append(&registration->handle->woken, waker);
        registration->handle->woken_count++;
        registration->woken++;
}

static void remove_from_woken(KyronWaker *waker)
{
        KyronAsyncRegistration *registration = waker->internal.registration;

        waker_list_remove(&registration->handle->woken, waker);
        registration->handle->woken_count--;
        registration->woken--;
}

static void move_to_woken(KyronAsyncRegistration *registration, KyronWaker *waker)
{
        waker_list_remove(&registration->waiting, waker);
        add_to_woken(registration, waker);
}

KyronWaker *async_registration_take_woken(KyronIoDriverHandle *handle)
{
        KyronWaker *waker = handle->woken.first;

        remove_from_woken(waker);
        return waker;
}

bool async_registration_yield(KyronAsyncRegistration *registration, Readiness interest,
                              KyronWaker *waker)
{
        KyronIoDriverHandle *handle = registration->handle;
        bool yields;

        pthread_mutex_lock(&handle->lock);
        yields = !handle->gone;
        if (yields) {
                waker->internal.registration = registration;
                waker->internal.interest = interest;
                add_to_woken(registration, waker);
                io_driver_handle_unpark(handle);
        }
        pthread_mutex_unlock(&handle->lock);
        return yields;
}

void async_registration_wake(KyronAsyncRegistration *registration, Readiness bits)
{
        ReadinessWord word = atomic_load_explicit(&registration->word, memory_order_relaxed);
        KyronWaker *next;

        /* Only clearing races with this: it takes no lock. */
        while (!atomic_compare_exchange_weak_explicit(&registration->word, &word,
                                                      readiness_word_add(word, bits),
                                                      memory_order_acq_rel, memory_order_relaxed))
                ;
        for (KyronWaker *waker = registration->waiting.first; waker; waker = next) {
                next = waker->internal.next;
                if (bits & readiness_that_ends(waker->internal.interest))
                        move_to_woken(registration, waker);
        }
}

void async_registration_wake_all(KyronAsyncRegistration *registration)
{
        while (registration->waiting.first)
                move_to_woken(registration, registration->waiting.first);
}

void async_registration_fail(KyronAsyncRegistration *registration, int error, const char *text)
{
        forget_error(registration);
        registration->error = error;
        registration->refusal = strndup(text, ERROR_TEXT_MAX);
        async_registration_wake_all(registration);
}

void async_registration_refuse(KyronAsyncRegistration *registration, int error, const char *text)
{
        const bool is_awaited = registration->waiting.first != NULL;

        if (registration->kind->refuse && registration->kind->refuse(registration, error))
                return;
        /* It has no file yet: whatever is said of its id, its request is answered. */
        if (registration->fd < 0)
                return;
        /* It was sent before this process served it. */
        if (registration->handle->delivery.direct && error != -EOPNOTSUPP)
                return;
        /* And after: nobody who waits is to fail for a move. */
        if (error == -EOPNOTSUPP ||
            (registration->local && registration->handle->delivery.moves_back)) {
                error = local_driver_take_over(registration);
                if (error == 0)
                        return;
                text = error_text();
        }
        if (!is_for_want_of_room(error)) {
                async_registration_fail(registration, error, text);
                return;
        }
        outbox_forget(registration->handle, registration, true);
        registration->armed = 0;
        if (is_awaited)
                async_registration_fail(registration, error, text);
}

bool async_registration_take_waker(KyronWaker *waker)
{
        KyronAsyncRegistration *registration = waker->internal.registration;

        if (waker->internal.state == WAKER_WAITING) {
                waker_list_remove(&registration->waiting, waker);
        } else if (waker->internal.state == WAKER_WOKEN) {
                remove_from_woken(waker);
        } else {
                return false;
        }
        waker->internal.state = WAKER_IDLE;
        return true;
}

void async_registration_detach(KyronAsyncRegistration *registration, bool told)
{
        KyronIoDriverHandle *handle = registration->handle;
        KyronWaker *next;

        registration->closing = true;
        outbox_forget(handle, registration, told);
        async_registration_wake_all(registration);
        if (registration->woken == 0)
                return;
        for (KyronWaker *waker = handle->woken.first; waker; waker = next) {
                next = waker->internal.next;
                if (waker->internal.registration == registration && waker->wake)
                        async_registration_take_waker(waker);
        }
        if (registration->woken > 0)
                io_driver_handle_unpark(handle);
}

bool async_registration_is_shared(const KyronAsyncRegistration *registration)
{
        return registration->kind->is_shared && registration->kind->is_shared(registration);
}

bool async_registration_is_counted(const KyronAsyncRegistration *registration)
{
        return registration->kind->is_counted && registration->kind->is_counted(registration);
}

void async_registration_lose(KyronAsyncRegistration *registration)
{
        if (registration->kind->lose)
                registration->kind->lose(registration);
}

void async_registration_forget(KyronAsyncRegistration *registration)
{
        if (registration->kind->forget)
                registration->kind->forget(registration);
}

void async_registration_free(KyronAsyncRegistration *registration)
{
        free(STEAL_PTR(registration->refusal));
        if (registration->kind->dispose)
                registration->kind->dispose(registration);
        else
                free(registration);
}

int async_registration_reap(KyronAsyncRegistration *registration)
{
        int fd = -1;

        if (!registration->closing || registration->running > 0)
                return -1;
        if (registration->owns_fd) {
                fd = registration->fd;
                registration->fd = -1;
        }
        if (registration->woken == 0)
                async_registration_free(registration);
        return fd;
}

int kyron_async_registration_new(KyronAsyncRegistration **out, KyronIoDriverHandle *handle,
                                 int borrow_fd)
{
        KyronAsyncRegistration *registration;
        int r = io_driver_handle_check_process(handle);

        if (r < 0)
                return r;
        registration = malloc(sizeof(*registration));
        if (!registration)
                return error_set(ENOMEM, "no memory for a registration");
        async_registration_init(registration, handle, borrow_fd);
        *out = registration;
        return 0;
}

int kyron_async_registration_remove(KyronAsyncRegistration *registration)
{
        KyronIoDriverHandle *handle;
        int r;

        if (!registration)
                return 0;
        handle = registration->handle;
        if (io_driver_handle_check_process(handle) < 0) {
                async_registration_free(registration);
                return 0;
        }
        pthread_mutex_lock(&handle->lock);
        r = outbox_remove_io_source(handle, registration);
        if (r == 0) {
                async_registration_detach(registration, true);
                async_registration_reap(registration);
        }
        pthread_mutex_unlock(&handle->lock);
        return r;
}

/* Whether it has had its portion, and there is somebody to be woken: one that is asked for twice is
 * no fault where it need not wait. */
static bool may_yield(const KyronAsyncRegistration *registration, const KyronWaker *waker)
{
        return portion_is_used_up(registration) && waker && waker->wake &&
               waker->internal.state != WAKER_WAITING && waker->internal.state != WAKER_WOKEN;
}

int kyron_async_registration_request_readiness(KyronAsyncRegistration *registration,
                                               uint16_t interest, KyronWaker *waker,
                                               KyronReadyEvent *event)
{
        KyronIoDriverHandle *handle = registration->handle;
        int r;

        if (!(interest & READINESS_INTERESTS) || (interest & ~READINESS_INTERESTS))
                return error_set(EINVAL, "interest %#x is not made of READABLE, WRITABLE, PRIORITY",
                                 interest);
        r = io_driver_handle_check_process(handle);
        if (r < 0)
                return r;
        if (async_registration_is_ready(registration, interest, event)) {
                if (may_yield(registration, waker) &&
                    async_registration_yield(registration, interest, waker))
                        return KYRON_PENDING;
                portion_use(registration, 0);
                return 0;
        }
        if (!waker)
                return error_set(EINVAL, "there is no waker");
        pthread_mutex_lock(&handle->lock);
        if (waker->internal.state == WAKER_WAITING || waker->internal.state == WAKER_WOKEN)
                r = error_set(EBUSY, "this waker is waiting already");
        else if (!waker->wake)
                r = error_set(EINVAL, "this waker has no wake function");
        else
                r = async_registration_wait(registration, interest, waker, event);
        pthread_mutex_unlock(&handle->lock);
        return r;
}

void kyron_async_registration_clear_readiness(KyronAsyncRegistration *registration,
                                              const KyronReadyEvent *event, uint16_t interest)
{
        ReadinessWord word = atomic_load_explicit(&registration->word, memory_order_acquire);
        ReadinessWord bits = readiness_that_ends(interest);

        do {
                if (readiness_word_tick(word) != event->tick)
                        return;
        } while (!atomic_compare_exchange_weak_explicit(&registration->word, &word, word & ~bits,
                                                        memory_order_acq_rel,
                                                        memory_order_acquire));
}

int kyron_async_registration_cancel(KyronAsyncRegistration *registration, KyronWaker *waker)
{
        KyronIoDriverHandle *handle = registration->handle;
        bool taken;
        int r = io_driver_handle_check_process(handle);

        if (r < 0)
                return r;
        pthread_mutex_lock(&handle->lock);
        taken = async_registration_take_waker(waker);
        pthread_mutex_unlock(&handle->lock);
        return taken ? 0 : error_set(EALREADY, "this waker was not waiting any more");
}
