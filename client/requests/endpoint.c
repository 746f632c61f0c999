/* A worker's place in a group. See endpoint.h. */
#include "client/requests/endpoint.h"

#include "client/handle/io_driver_handle.h"
#include "client/handle/sending.h"
#include "client/requests/arrival.h"
#include "client/requests/claim.h"
#include "client/requests/listener_options.h"
#include "client/requests/offer.h"
#include "core/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The end ------------------------------------------------------------------------------- */

static void free_streams(PassedStreamList *list)
{
        PassedStream *stream;

        while ((stream = TAILQ_FIRST(list))) {
                TAILQ_REMOVE(list, stream, link);
                passed_stream_free(stream);
        }
}

/* Frees it once both halves have ended. */
static void end(KyronEndpoint *endpoint)
{
        if (!endpoint->disposed || !endpoint->left)
                return;
        endpoint_address_deinit(&endpoint->address);
        free(endpoint->registration.refusal);
        free(endpoint);
}

/* The daemon's half: it passes nothing more, so the slots are free. */
static void end_membership(KyronEndpoint *endpoint)
{
        TAILQ_REMOVE(&endpoint->registration.handle->endpoints, endpoint, link);
        free_streams(&endpoint->to_offer);
        free_streams(&endpoint->offered);
        free_streams(&endpoint->arrived);
        endpoint->left = true;
        end(endpoint);
}

/* The program's half. */
static void dispose(KyronAsyncRegistration *registration)
{
        KyronEndpoint *endpoint = (KyronEndpoint *)registration;

        endpoint->disposed = true;
        end(endpoint);
}

static const AsyncRegistrationKind kind = {.dispose = dispose};

static int send_leave(Request *request)
{
        const KyronEndpoint *endpoint = request->object;
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Leave body = IOD__LEAVE__INIT;

        body.endpoint = endpoint->number;
        frame.sequence = request->sequence;
        frame.body_case = IOD__FRAME__BODY_LEAVE;
        frame.leave = &body;
        return sending_send_frame(request->handle, &frame, NULL, 0);
}

/* Done, or refused, or the daemon lost: it is over in any case. */
static void drop_leave(Request *request, const Iod__Frame *answer)
{
        (void)answer;
        end_membership(request->object);
}

static const RequestKind leave_kind = {
        .answer = IOD__FRAME__BODY_DONE,
        .send = send_leave,
        .drop = drop_leave,
};

static void leave(KyronEndpoint *endpoint)
{
        Request *request = endpoint->leave;

        /* What it asked is answered first. */
        if (endpoint->rejoins)
                return;
        endpoint->leave = NULL;
        if (!endpoint->registration.handle->gone && endpoint->number != 0) {
                request_queue(request);
                return;
        }
        request_free(request);
        end_membership(endpoint);
}

/* ---- Joining ------------------------------------------------------------------------------- */

static int send_join(Request *request)
{
        KyronEndpoint *endpoint = request->object;
        const KyronEndpointOptions *options = &endpoint->options;
        uint64_t ids[ENDPOINT_OFFER_MAX];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Join body = IOD__JOIN__INIT;
        Iod__ListenerOptions listener;
        int r;

        listener_options_fill(&listener, options->listener);
        body.name = (char *)options->name;
        if (options->address)
                body.address = (char *)options->address;
        body.options = &listener;
        body.weight = options->weight;
        body.keep_on_death = options->keep_on_death;
        body.n_source = offer_gather(endpoint, ids);
        body.source = ids;
        frame.sequence = request->sequence;
        frame.body_case = IOD__FRAME__BODY_JOIN;
        frame.join = &body;
        r = sending_send_frame(request->handle, &frame, NULL, 0);
        if (r == 0)
                offer_sent(endpoint, body.n_source);
        return r;
}

static void set_joined(KyronEndpoint *endpoint, const Iod__Joined *joined)
{
        endpoint->number = joined->endpoint;
        endpoint_address_set(&endpoint->address, joined->address);
}

static ssize_t take_joined(Request *request, const Iod__Frame *frame, FdList *fds)
{
        KyronEndpoint *endpoint = request->object;
        KyronEndpoint **out = request->operation->arguments.pointer;

        (void)fds;
        set_joined(endpoint, frame->joined);
        *out = endpoint;
        return 0;
}

/* It has not joined, or nobody wants it to any more. */
static void drop_join(Request *request, const Iod__Frame *answer)
{
        KyronEndpoint *endpoint = request->object;

        endpoint->disposed = true;
        endpoint->registration.closing = true;
        if (answer) {
                endpoint->number = answer->joined->endpoint;
                leave(endpoint);
                return;
        }
        request_free(STEAL_PTR(endpoint->leave));
        end_membership(endpoint);
}

static const RequestKind join_kind = {
        .answer = IOD__FRAME__BODY_JOINED,
        .is_repeatable = true,
        .send = send_join,
        .take = take_joined,
        .drop = drop_join,
};

/* ---- Joining again ------------------------------------------------------------------------- */

/* It has, or the next daemon does not want it. */
static void drop_rejoin(Request *request, const Iod__Frame *answer)
{
        KyronEndpoint *endpoint = request->object;

        endpoint->rejoins = false;
        if (answer) {
                set_joined(endpoint, answer->joined);
                if (endpoint->registration.closing)
                        leave(endpoint);
                else
                        claim_all(endpoint);
                return;
        }
        if (endpoint->registration.closing) {
                request_free(STEAL_PTR(endpoint->leave));
                end_membership(endpoint);
                return;
        }
        if (request->handle->gone)
                async_registration_wake_all(&endpoint->registration);
        else
                async_registration_fail(&endpoint->registration, request->error,
                                        request->refusal ? request->refusal
                                                         : strerror(-request->error));
}

static const RequestKind rejoin_kind = {
        .answer = IOD__FRAME__BODY_JOINED,
        .is_repeatable = true,
        .send = send_join,
        .drop = drop_rejoin,
};

static void rejoin(KyronEndpoint *endpoint)
{
        KyronIoDriverHandle *handle = endpoint->registration.handle;
        Request *request;
        int r = request_new(&request, handle, &rejoin_kind, NULL);

        endpoint->number = 0;
        if (r < 0) {
                async_registration_fail(&endpoint->registration, r, error_text());
                return;
        }
        request->object = endpoint;
        endpoint->rejoins = true;
        request_queue(request);
}

/* ---- Asking -------------------------------------------------------------------------------- */

/* The program's texts are its own again once it has joined. port: of an address that has a
 * service's name there, or 0. */
static void keep_options(KyronEndpoint *endpoint, const KyronEndpointOptions *options, int port)
{
        endpoint->options = *options;
        strcpy(endpoint->name, options->name);
        endpoint->options.name = endpoint->name;
        if (options->address) {
                if (port > 0)
                        address_replace_service(options->address, (unsigned)port,
                                                endpoint->wanted_address);
                else
                        strcpy(endpoint->wanted_address, options->address);
                endpoint->options.address = endpoint->wanted_address;
        }
        if (options->listener) {
                endpoint->listener = *options->listener;
                endpoint->options.listener = &endpoint->listener;
        }
        endpoint->credits = options->credits ? options->credits : ENDPOINT_CREDITS;
}

/* An endpoint with its first streams, its request and the one that will end it. Lock held. */
static int new_endpoint(KyronIoDriverHandle *handle, const KyronEndpointOptions *options, int port,
                        KyronOperation *operation)
{
        KyronEndpoint *endpoint = calloc(1, sizeof(*endpoint));
        Request *join;
        int r;

        if (!endpoint)
                return error_set(ENOMEM, "no memory for an endpoint");
        endpoint->serial = ++handle->endpoints_total;
        endpoint_address_init(&endpoint->address);
        async_registration_init(&endpoint->registration, handle, -1);
        endpoint->registration.kind = &kind;
        /* Nothing is to be sent for a wait. */
        endpoint->registration.armed = READINESS_INTERESTS;
        keep_options(endpoint, options, port);
        TAILQ_INIT(&endpoint->to_offer);
        TAILQ_INIT(&endpoint->offered);
        TAILQ_INIT(&endpoint->arrived);
        r = request_new(&join, handle, &join_kind, operation);
        if (r < 0) {
                free(endpoint);
                return r;
        }
        TAILQ_INSERT_TAIL(&handle->endpoints, endpoint, link);
        join->object = endpoint;
        r = request_new(&endpoint->leave, handle, &leave_kind, NULL);
        if (r == 0) {
                endpoint->leave->object = endpoint;
                r = offer_fill_up(endpoint);
        }
        if (r < 0 && TAILQ_EMPTY(&endpoint->to_offer)) {
                if (endpoint->leave)
                        request_free(STEAL_PTR(endpoint->leave));
                request_free(join);
                endpoint->disposed = true;
                end_membership(endpoint);
                return r;
        }
        return request_queue(join);
}

/* The address's port if that is a service's name, looked up here and now; or 0. */
static int check_options(const KyronEndpointOptions *options)
{
        int r = request_check_text("a listener's name", options->name, LISTENER_NAME_MAX);

        if (r == 0 && options->address)
                r = request_check_text("an address", options->address, ADDRESS_TEXT_MAX - 1);
        if (r < 0)
                return r;
        if (options->credits > FRAME_OFFERED_MAX)
                return error_set(EINVAL, "an endpoint has at most %d credits, not %u",
                                 FRAME_OFFERED_MAX, options->credits);
        return options->address ? address_service_port(options->address) : 0;
}

int kyron_endpoint_join(KyronEndpoint **out, KyronIoDriverHandle *handle,
                        const KyronEndpointOptions *options, KyronOperation *operation)
{
        int port, r;

        *out = NULL;
        r = request_check(handle, operation);
        port = r == 0 ? check_options(options) : r;
        if (port < 0)
                return port;
        operation->arguments.pointer = out;
        pthread_mutex_lock(&handle->lock);
        r = new_endpoint(handle, options, port, operation);
        pthread_mutex_unlock(&handle->lock);
        return r;
}

/* ---- The program's half --------------------------------------------------------------------- */

const char *kyron_endpoint_address(const KyronEndpoint *endpoint)
{
        return endpoint_address_text(&endpoint->address);
}

int kyron_endpoint_set_credits(KyronEndpoint *endpoint, unsigned credits)
{
        KyronIoDriverHandle *handle = endpoint->registration.handle;
        int r = io_driver_handle_check_process(handle);

        if (r < 0)
                return r;
        if (credits > FRAME_OFFERED_MAX)
                return error_set(EINVAL, "an endpoint has at most %d credits, not %u",
                                 FRAME_OFFERED_MAX, credits);
        pthread_mutex_lock(&handle->lock);
        endpoint->credits = credits;
        io_driver_handle_unpark(handle);
        pthread_mutex_unlock(&handle->lock);
        return 0;
}

void endpoint_wake_all(KyronIoDriverHandle *handle)
{
        KyronEndpoint *endpoint;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        async_registration_wake(&endpoint->registration, READINESS_READABLE);
}

void endpoint_on_closed(KyronIoDriverHandle *handle, const Iod__EndpointClosed *closed)
{
        KyronEndpoint *endpoint;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        {
                if (closed->endpoint != 0 && endpoint->number == closed->endpoint)
                        break;
        }
        /* One that is leaving is told so by the answer to that. */
        if (!endpoint || endpoint->registration.closing)
                return;
        endpoint->number = 0;
        endpoint->credits = 0;
        offer_let_go(endpoint);
        async_registration_fail(&endpoint->registration,
                                closed->error > 0 ? -closed->error : -EPROTO, closed->text);
}

void endpoint_lose_all(KyronIoDriverHandle *handle)
{
        KyronEndpoint *endpoint;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        {
                offer_lose(endpoint);
                if (handle->gone) {
                        arrival_give_back(endpoint);
                        async_registration_wake_all(&endpoint->registration);
                } else if (endpoint->number != 0) {
                        rejoin(endpoint);
                }
        }
}

void endpoint_let_go_all(KyronIoDriverHandle *handle)
{
        KyronEndpoint *endpoint;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        offer_let_go(endpoint);
}

void endpoint_fill_up_all(KyronIoDriverHandle *handle)
{
        KyronEndpoint *endpoint;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        {
                if (!endpoint->registration.closing)
                        offer_fill_up(endpoint);
        }
}

void kyron_endpoint_close(KyronEndpoint *endpoint)
{
        KyronIoDriverHandle *handle;
        PassedStream *stream;

        if (!endpoint)
                return;
        handle = endpoint->registration.handle;
        if (io_driver_handle_check_process(handle) < 0) {
                /* After fork(): the lock may be held by a thread that does not exist here, and the
                 * memory stays. */
                TAILQ_FOREACH(stream, &endpoint->arrived, link)
                close(stream->bridged_fd.registration.fd);
                return;
        }
        pthread_mutex_lock(&handle->lock);
        arrival_give_back(endpoint);
        async_registration_detach(&endpoint->registration, true);
        leave(endpoint);
        async_registration_reap(&endpoint->registration);
        pthread_mutex_unlock(&handle->lock);
}
