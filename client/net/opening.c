/* Descriptors asked for by address or name. See opening.h. */
#include "client/net/opening.h"

#include "client/handle/io_driver_handle.h"
#include "client/handle/sending.h"
#include "client/readiness/outbox.h"
#include "client/requests/listener_options.h"
#include "client/requests/request.h"
#include "client/requests/taken_listener.h"
#include "core/address_service.h"
#include "core/name.h"

#include <errno.h>
#include <stdlib.h>

/* ---- What is sent -------------------------------------------------------------------------- */

static uint64_t source_of(const Request *request)
{
        const KyronBridgedFd *bridged_fd = request->object;

        return io_id_pack(bridged_fd->registration.id, bridged_fd->registration.armed);
}

/* The address for the wire, where a port is a number. */
static char *wire_address(const Request *request, char text[static ADDRESS_TEXT_MAX])
{
        if (request->number == 0)
                return (char *)request->address;
        address_replace_service(request->address, (unsigned)request->number, text);
        return text;
}

static int say_connect(const Request *request, RequestFrame *out)
{
        Iod__Connect *body = &out->body.connect;

        *body = (Iod__Connect)IOD__CONNECT__INIT;
        body->address = wire_address(request, out->address);
        body->timeout_ms = (uint32_t)request->time_ms;
        body->source = source_of(request);
        out->frame.body_case = IOD__FRAME__BODY_CONNECT;
        out->frame.connect = body;
        return 0;
}

static int say_bind(const Request *request, RequestFrame *out)
{
        Iod__Bind *body = &out->body.bind;

        *body = (Iod__Bind)IOD__BIND__INIT;
        body->address = wire_address(request, out->address);
        body->source = source_of(request);
        out->frame.body_case = IOD__FRAME__BODY_BIND;
        out->frame.bind = body;
        return 0;
}

static int send_take(Request *request)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__TakeListener body = IOD__TAKE_LISTENER__INIT;
        Iod__ListenerOptions options;
        char text[ADDRESS_TEXT_MAX];

        listener_options_fill(&options, request->options);
        body.name = (char *)request->name;
        if (request->address)
                body.address = wire_address(request, text);
        body.options = &options;
        body.source = source_of(request);
        frame.sequence = request->sequence;
        frame.body_case = IOD__FRAME__BODY_TAKE_LISTENER;
        frame.take_listener = &body;
        return sending_send_frame(request->handle, &frame, NULL, 0);
}

/* ---- What comes ---------------------------------------------------------------------------- */

static ssize_t take_opened(Request *request, const Iod__Frame *frame, FdList *fds)
{
        KyronBridgedFd *bridged_fd = request->object;
        KyronAsyncRegistration *registration = &bridged_fd->registration;
        KyronBridgedFd **out = request->operation->arguments.pointer;
        const SocketKind *kind = request->operation->arguments.object;
        int fd = fd_list_steal(fds, 0);

        if (kind) {
                fd = new_socket_take_over(fd, kind);
                if (fd < 0)
                        return fd;
        }
        registration->fd = fd;
        if (frame->opened->id != registration->id) {
                /* The daemon did not register it: the first wait will, as for any other. */
                slot_table_give_back(&request->handle->slots, registration, &registration->id);
                registration->wanted = registration->armed = 0;
        } else if (request->handle->delivery.is_asked) {
                /* It may have forgotten it again since. */
                registration->armed = 0;
        }
        *out = bridged_fd;
        return 0;
}

static ssize_t take_taken(Request *request, const Iod__Frame *frame, FdList *fds)
{
        ssize_t r = take_opened(request, frame, fds);

        if (r == 0)
                taken_listener_begin(request->object, request->name);
        return r;
}

/* Whatever has come is registered, and its file may be open elsewhere: the daemon is told. */
static void drop_opened(Request *request, const Iod__Frame *answer)
{
        KyronBridgedFd *bridged_fd = request->object;

        outbox_forget(request->handle, &bridged_fd->registration,
                      !answer || answer->opened->id != bridged_fd->registration.id);
        async_registration_free(&bridged_fd->registration);
}

/* ---- Asking -------------------------------------------------------------------------------- */

static const RequestKind connect_kind = {
        .answer = IOD__FRAME__BODY_OPENED,
        .is_repeatable = true,
        .is_long = true,
        .say = say_connect,
        .take = take_opened,
        .drop = drop_opened,
};

static const RequestKind bind_kind = {
        .answer = IOD__FRAME__BODY_OPENED,
        .is_repeatable = true,
        .say = say_bind,
        .take = take_opened,
        .drop = drop_opened,
};

static const RequestKind take_kind = {
        .answer = IOD__FRAME__BODY_OPENED,
        .is_repeatable = true,
        .send = send_take,
        .take = take_taken,
        .drop = drop_opened,
};

/* What is to be opened, without a descriptor; NULL: no memory. */
static KyronBridgedFd *new_bridged_fd(KyronIoDriverHandle *handle)
{
        KyronBridgedFd *bridged_fd = malloc(sizeof(*bridged_fd));

        if (bridged_fd)
                async_registration_init(&bridged_fd->registration, handle, -1);
        return bridged_fd;
}

/* A request with the object it is for. Lock held. */
static int new_request(Request **out, KyronIoDriverHandle *handle, const RequestKind *kind,
                       KyronOperation *operation, Readiness interest)
{
        KyronBridgedFd *bridged_fd =
                kind == &take_kind ? taken_listener_new(handle) : new_bridged_fd(handle);
        KyronAsyncRegistration *registration;
        int r;

        if (!bridged_fd)
                return error_set(ENOMEM, "no memory for a descriptor's registration");
        registration = &bridged_fd->registration;
        registration->owns_fd = true;
        registration->arm = registration->wanted = registration->armed = interest;
        r = request_new(out, handle, kind, operation);
        if (r == 0) {
                r = slot_table_take(&handle->slots, registration, &registration->id);
                if (r < 0)
                        request_free(*out);
        }
        if (r < 0) {
                async_registration_free(registration);
                return r;
        }
        (*out)->object = bridged_fd;
        return 0;
}

static int check(KyronBridgedFd **out, const KyronIoDriverHandle *handle, KyronOperation *operation,
                 const SocketKind *kind)
{
        int r;

        *out = NULL;
        r = request_check(handle, operation);
        if (r < 0)
                return r;
        operation->arguments.pointer = out;
        operation->arguments.object = (void *)kind;
        return 0;
}

/* An address is a text for the wire. Its port, if that is a service's name, is looked up here and
 * now: the daemon, which others wait for too, asks no name service. */
static int check_address(Request *wanted)
{
        int r = request_check_text("an address", wanted->address, ADDRESS_TEXT_MAX - 1);

        if (r == 0)
                r = address_service_port(wanted->address);
        if (r < 0)
                return r;
        wanted->number = (uint64_t)r;
        return 0;
}

/* Asks, once everything was checked. */
static int ask(KyronIoDriverHandle *handle, const Request *wanted, Readiness interest)
{
        Request *request;
        int r;

        pthread_mutex_lock(&handle->lock);
        r = new_request(&request, handle, wanted->kind, wanted->operation, interest);
        if (r == 0) {
                request->name = wanted->name;
                request->address = wanted->address;
                request->number = wanted->number;
                request->options = wanted->options;
                request->time_ms = wanted->time_ms;
                r = request_queue(request);
        }
        pthread_mutex_unlock(&handle->lock);
        return r;
}

int opening_connect(KyronBridgedFd **out, KyronIoDriverHandle *handle, const char *address,
                    unsigned timeout_ms, KyronOperation *operation)
{
        Request wanted = {
                .kind = &connect_kind,
                .operation = operation,
                .address = address,
                .time_ms = timeout_ms,
        };
        int r = check(out, handle, operation, NULL);

        if (r == 0)
                r = check_address(&wanted);
        /* Both at once, as kyron_tcp_stream_connect(). */
        return r < 0 ? r : ask(handle, &wanted, KYRON_READABLE | KYRON_WRITABLE);
}

int opening_bind(KyronBridgedFd **out, KyronIoDriverHandle *handle, const char *address,
                 KyronOperation *operation)
{
        Request wanted = {.kind = &bind_kind, .operation = operation, .address = address};
        int r = check(out, handle, operation, NULL);

        if (r == 0)
                r = check_address(&wanted);
        return r < 0 ? r : ask(handle, &wanted, KYRON_READABLE);
}

int opening_take(KyronBridgedFd **out, KyronIoDriverHandle *handle, const SocketKind *kind,
                 const char *name, const char *address, const KyronListenerOptions *options,
                 KyronOperation *operation)
{
        Request wanted = {
                .kind = &take_kind,
                .operation = operation,
                .name = name,
                .address = address,
                .options = options,
        };
        int r = check(out, handle, operation, kind);

        if (r == 0)
                r = request_check_text("a listener's name", name, LISTENER_NAME_MAX);
        if (r == 0 && address)
                r = check_address(&wanted);
        return r < 0 ? r : ask(handle, &wanted, KYRON_READABLE);
}
