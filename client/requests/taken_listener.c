/* Listeners taken from the daemon. See taken_listener.h. */
#include "client/requests/taken_listener.h"

#include "client/handle/io_driver_handle.h"
#include "client/handle/sending.h"
#include "client/readiness/async_registration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void dispose(KyronAsyncRegistration *registration)
{
        TakenListener *listener = (TakenListener *)registration;

        /* After fork(), the lists may be as another thread was changing them. */
        if (listener->listed && io_driver_handle_check_process(registration->handle) == 0) {
                TAILQ_REMOVE(&registration->handle->taken_listeners, listener, link);
                if (listener->again)
                        listener->again->object = NULL;
        }
        free(listener);
}

static const AsyncRegistrationKind kind = {.dispose = dispose};

KyronBridgedFd *taken_listener_new(KyronIoDriverHandle *handle)
{
        TakenListener *listener = calloc(1, sizeof(*listener));

        if (!listener)
                return NULL;
        async_registration_init(&listener->bridged_fd.registration, handle, -1);
        listener->bridged_fd.registration.kind = &kind;
        return &listener->bridged_fd;
}

void taken_listener_begin(KyronBridgedFd *bridged_fd, const char *name)
{
        TakenListener *listener = (TakenListener *)bridged_fd;

        strcpy(listener->name, name);
        listener->listed = true;
        TAILQ_INSERT_TAIL(&bridged_fd->registration.handle->taken_listeners, listener, link);
}

/* ---- Asking again -------------------------------------------------------------------------- */

static int send_again(Request *request)
{
        TakenListener *listener = request->object;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__TakeListener body = IOD__TAKE_LISTENER__INIT;
        const KyronAsyncRegistration *registration;

        if (!listener)
                return -ECANCELED;
        registration = &listener->bridged_fd.registration;
        /* It is registered under this id, as what was lost was. */
        if (registration->closing || registration->id == IO_ID_NONE)
                return -ECANCELED;
        body.name = listener->name;
        body.source = io_id_pack(registration->id, registration->wanted);
        frame.sequence = request->sequence;
        frame.body_case = IOD__FRAME__BODY_TAKE_LISTENER;
        frame.take_listener = &body;
        return sending_send_frame(request->handle, &frame, NULL, 0);
}

static void drop_again(Request *request, const Iod__Frame *answer)
{
        TakenListener *listener = request->object;

        (void)answer;
        if (listener)
                listener->again = NULL;
}

static const RequestKind again_kind = {
        .answer = IOD__FRAME__BODY_OPENED,
        .is_repeatable = true,
        .send = send_again,
        .drop = drop_again,
};

void taken_listener_lose_all(KyronIoDriverHandle *handle)
{
        TakenListener *listener;

        TAILQ_FOREACH(listener, &handle->taken_listeners, link)
        {
                if (listener->again || listener->bridged_fd.registration.closing)
                        continue;
                /* Without the memory for it, it is the program's alone. */
                if (request_new(&listener->again, handle, &again_kind, NULL) < 0)
                        return;
                listener->again->object = listener;
                request_queue(listener->again);
        }
}
