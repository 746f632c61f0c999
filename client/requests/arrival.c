/* Connections between the daemon and the program. See arrival.h. */
#include "client/requests/arrival.h"

#include "client/handle/io_driver_handle.h"
#include "client/readiness/local_driver.h"
#include "client/readiness/operation.h"
#include "client/requests/claim.h"
#include "client/requests/request.h"

#include <errno.h>
#include <string.h>

/* ---- From the daemon ----------------------------------------------------------------------- */

static KyronEndpoint *find(const KyronIoDriverHandle *handle, uint32_t number)
{
        KyronEndpoint *endpoint;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        {
                if (number != 0 && endpoint->number == number)
                        return endpoint->registration.closing ? NULL : endpoint;
        }
        return NULL;
}

/* The stream that was offered under an id. */
static PassedStream *find_offered(KyronEndpoint *endpoint, IoId id)
{
        KyronIoDriverHandle *handle = endpoint->registration.handle;
        PassedStream *stream = passed_stream_of(slot_table_recreate(&handle->slots, id));

        if (!stream || stream->endpoint != endpoint || stream->state != PASSED_STREAM_OFFERED)
                return NULL;
        return stream;
}

/* Whether the daemon waits for what has come: it says so, and was told nothing else since. */
static bool is_registered(const KyronIoDriverHandle *handle, const Iod__Connections *connections)
{
        return !connections->unregistered && !handle->delivery.direct && !handle->delivery.is_asked;
}

void arrival_receive(KyronIoDriverHandle *handle, const Iod__Connections *connections, FdList *fds)
{
        KyronEndpoint *endpoint = find(handle, connections->endpoint);
        bool has_arrived = false;
        size_t next = 0;

        for (size_t i = 0; endpoint && i < connections->n_connection; i++) {
                const Iod__Connection *connection = connections->connection[i];
                PassedStream *stream = find_offered(endpoint, connection->id);
                size_t number = next;

                next += connection->note_size > 0 ? 2 : 1;
                if (!stream)
                        continue;
                stream->bridged_fd.registration.fd = fd_list_steal(fds, number);
                /* Else the first wait registers it, as any other. */
                if (!is_registered(handle, connections))
                        stream->bridged_fd.registration.armed = 0;
                stream->again = connection->again;
                stream->note_size = connection->note_size;
                if (connection->note_size > 0)
                        stream->note_fd = fd_list_steal(fds, number + 1);
                stream->state = PASSED_STREAM_ARRIVED;
                stream->counted = true;
                TAILQ_REMOVE(&endpoint->offered, stream, link);
                TAILQ_INSERT_TAIL(&endpoint->arrived, stream, link);
                has_arrived = true;
        }
        if (has_arrived)
                async_registration_wake(&endpoint->registration, READINESS_READABLE);
}

/* ---- To the program ------------------------------------------------------------------------ */

static ssize_t take_arrived(int borrow_fd, KyronOperation *operation)
{
        KyronEndpoint *endpoint = operation->arguments.object;
        KyronBridgedFd **out = operation->arguments.pointer;
        KyronIoDriverHandle *handle = endpoint->registration.handle;
        PassedStream *stream;

        (void)borrow_fd;
        pthread_mutex_lock(&handle->lock);
        stream = TAILQ_FIRST(&endpoint->arrived);
        if (stream && local_driver_leaves_in_doubt(handle, &stream->bridged_fd.registration))
                stream = NULL;
        if (stream) {
                TAILQ_REMOVE(&endpoint->arrived, stream, link);
                endpoint->outstanding--;
                handle->unaccepted--;
                claim_take(stream);
        }
        pthread_mutex_unlock(&handle->lock);
        if (!stream)
                return -EAGAIN;
        passed_stream_put_in_order(stream);
        *out = &stream->bridged_fd;
        return 0;
}

static int accept_stream(KyronEndpoint *endpoint, KyronOperation *operation, KyronBridgedFd **out,
                         const char *scheme)
{
        const char *address = kyron_endpoint_address(endpoint);
        int r = operation_check(operation);

        if (r < 0)
                return r;
        *out = NULL;
        if (strncmp(address, scheme, strlen(scheme)) != 0)
                return error_set(EINVAL, "the listener is at %s, not at a %s address", address,
                                 scheme);
        operation->arguments.object = endpoint;
        operation->arguments.pointer = out;
        return kyron_bridged_fd_async_call((KyronBridgedFd *)endpoint, operation, KYRON_READABLE,
                                           take_arrived);
}

int kyron_endpoint_accept(KyronEndpoint *endpoint, KyronOperation *operation, KyronTcpStream **out)
{
        return accept_stream(endpoint, operation, (KyronBridgedFd **)out, "tcp:");
}

int kyron_endpoint_accept_unix(KyronEndpoint *endpoint, KyronOperation *operation,
                               KyronUnixStream **out)
{
        return accept_stream(endpoint, operation, (KyronBridgedFd **)out, "unix:");
}

/* ---- To another worker --------------------------------------------------------------------- */

void arrival_give_back(KyronEndpoint *endpoint)
{
        PassedStream *stream;

        while ((stream = TAILQ_FIRST(&endpoint->arrived))) {
                TAILQ_REMOVE(&endpoint->arrived, stream, link);
                if (stream->bridged_fd.registration.id == IO_ID_NONE) {
                        /* The daemon had no room for it. */
                        endpoint->outstanding--;
                        endpoint->registration.handle->unaccepted--;
                        passed_stream_free(stream);
                        continue;
                }
                passed_stream_empty(stream);
                stream->state = stream->counted ? PASSED_STREAM_OFFERED : PASSED_STREAM_NEW;
                TAILQ_INSERT_TAIL(stream->counted ? &endpoint->offered : &endpoint->to_offer,
                                  stream, link);
        }
}

void arrival_give_back_all(KyronIoDriverHandle *handle)
{
        KyronEndpoint *endpoint;

        TAILQ_FOREACH(endpoint, &handle->endpoints, link)
        arrival_give_back(endpoint);
}
