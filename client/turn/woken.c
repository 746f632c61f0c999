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
        int count = 0;

        /* Those that come while these run have to let the handle look first what else there is. */
        for (size_t left = handle->woken_count; left > 0 && handle->woken.first; left--) {
                KyronWaker *waker = async_registration_take_woken(handle);
                KyronAsyncRegistration *registration = waker->internal.registration;
                int error = registration->closing
                                    ? error_set(ECANCELED, "what the operation waited on is closed")
                                    : 0;

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
