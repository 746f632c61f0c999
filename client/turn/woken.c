/* Those whose wait has ended. See woken.h. */
#include "client/turn/woken.h"

#include "client/readiness/async_registration.h"
#include "client/readiness/operation.h"
#include "client/requests/request.h"

#include <errno.h>

bool woken_is_any(const KyronIoDriverHandle *handle)
{
        return handle->woken.first || !TAILQ_EMPTY(&handle->requests.ended);
}

int woken_run(KyronIoDriverHandle *handle)
{
        KyronWaker *waker;
        int count = 0;

        while ((waker = handle->woken.first)) {
                KyronAsyncRegistration *registration = waker->internal.registration;
                int error = registration->closing
                                    ? error_set(ECANCELED, "what the operation waited on is closed")
                                    : 0;

                waker_list_remove(&handle->woken, waker);
                registration->woken--;
                if (waker->wake) {
                        waker->internal.state = WAKER_IDLE;
                        pthread_mutex_unlock(&handle->lock);
                        waker->wake(waker);
                        pthread_mutex_lock(&handle->lock);
                } else {
                        waker->internal.state = WAKER_RUNNING;
                        registration->running++;
                        operation_run(operation_of(waker), error);
                }
                count++;
        }
        return count + request_run_ended(handle);
}
