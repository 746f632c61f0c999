/* Sending requests. See request_flush.h. */
#include "client/requests/request_flush.h"

#include "client/handle/io_driver_handle.h"
#include "client/handle/sending.h"

#include <errno.h>
#include <string.h>

/* Requests that go together. */
typedef struct RequestPacket {
        size_t count;
        Request *requests[FRAME_REQUESTS_MAX];
        RequestFrame frames[FRAME_REQUESTS_MAX];
} RequestPacket;

/* It was sent, or cannot be: then r is why. */
static void leave_queue(Request *request, int r)
{
        TAILQ_REMOVE(&request->handle->requests.queue, request, link);
        if (r < 0) {
                request_end(request, r);
                return;
        }
        /* What was cancelled is still to be answered. */
        if (request->state != REQUEST_ABANDONED && request->kind->sent)
                request->kind->sent(request);
        request->state = REQUEST_SENT;
}

/* Whether nothing can be sent now, which is nothing of the request's. */
static bool is_about_daemon(int r)
{
        return r == -EAGAIN || r == -EHOSTDOWN;
}

static int send_alone(Request *request)
{
        int r = request->kind->send(request);

        if (is_about_daemon(r))
                return r;
        leave_queue(request, r);
        return 0;
}

/* ---- Together ------------------------------------------------------------------------------ */

static void say_cancel(const Request *request, RequestFrame *out)
{
        out->body.cancel = (Iod__Cancel)IOD__CANCEL__INIT;
        out->body.cancel.request = request->sequence;
        out->frame.body_case = IOD__FRAME__BODY_CANCEL;
        out->frame.cancel = &out->body.cancel;
}

static int say(const Request *request, RequestFrame *out)
{
        out->frame = (Iod__Frame)IOD__FRAME__INIT;
        out->n_fds = 0;
        if (request->state == REQUEST_ABANDONED) {
                say_cancel(request, out);
                return 0;
        }
        out->frame.sequence = request->sequence;
        return request->kind->say(request, out);
}

static void packet_add(RequestPacket *packet, Request *request)
{
        int r = say(request, &packet->frames[packet->count]);

        if (r < 0)
                leave_queue(request, r);
        else
                packet->requests[packet->count++] = request;
}

/* As it is among others: the numbers are the same. */
static void put_among(Iod__Request *out, const RequestFrame *said)
{
        *out = (Iod__Request)IOD__REQUEST__INIT;
        out->descriptors = (uint32_t)said->n_fds;
        out->sequence = said->frame.sequence;
        out->body_case = (Iod__Request__BodyCase)said->frame.body_case;
        switch (out->body_case) {
        case IOD__REQUEST__BODY_CONNECT:
                out->connect = said->frame.connect;
                break;
        case IOD__REQUEST__BODY_BIND:
                out->bind = said->frame.bind;
                break;
        case IOD__REQUEST__BODY_HOLD:
                out->hold = said->frame.hold;
                break;
        case IOD__REQUEST__BODY_TAKE_HELD:
                out->take_held = said->frame.take_held;
                break;
        default:
                out->cancel = said->frame.cancel;
        }
}

static int send_together(KyronIoDriverHandle *handle, const RequestPacket *packet)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Requests body = IOD__REQUESTS__INIT;
        Iod__Request among[FRAME_REQUESTS_MAX], *pointers[FRAME_REQUESTS_MAX];
        int fds[2 * FRAME_REQUESTS_MAX];
        size_t n_fds = 0;

        for (size_t i = 0; i < packet->count; i++) {
                const RequestFrame *said = &packet->frames[i];

                put_among(&among[i], said);
                pointers[i] = &among[i];
                memcpy(&fds[n_fds], said->fds, said->n_fds * sizeof(fds[0]));
                n_fds += said->n_fds;
        }
        body.n_request = packet->count;
        body.request = pointers;
        frame.body_case = IOD__FRAME__BODY_REQUESTS;
        frame.requests = &body;
        return sending_send_frame(handle, &frame, fds, n_fds);
}

static int send_each(KyronIoDriverHandle *handle, RequestPacket *packet)
{
        for (size_t i = 0; i < packet->count; i++) {
                RequestFrame *said = &packet->frames[i];
                int r = sending_send_frame(handle, &said->frame, said->fds, said->n_fds);

                if (is_about_daemon(r))
                        return r;
                leave_queue(packet->requests[i], r);
        }
        return 0;
}

/* And empties it. */
static int send_packet(KyronIoDriverHandle *handle, RequestPacket *packet)
{
        int r = packet->count > 1 ? send_together(handle, packet) : -EINVAL;

        if (r == 0) {
                for (size_t i = 0; i < packet->count; i++)
                        leave_queue(packet->requests[i], 0);
        } else if (!is_about_daemon(r)) {
                /* Only one; or it is one of them that cannot be sent. */
                r = send_each(handle, packet);
        }
        packet->count = 0;
        return r;
}

static bool goes_with_others(const Request *request)
{
        return request->state == REQUEST_ABANDONED || request->kind->say;
}

/* Whether it goes now: in the first round, what is urgent alone. */
static bool is_due(const Request *request, bool urgent_only)
{
        if (urgent_only && !request->kind->is_urgent)
                return false;
        return request->state == REQUEST_ABANDONED || !request->kind->is_due ||
               request->kind->is_due(request);
}

int request_flush(KyronIoDriverHandle *handle, bool urgent_only)
{
        const uint32_t packet_max = handle->requests.packet_max;
        const size_t max = packet_max < FRAME_REQUESTS_MAX ? packet_max : FRAME_REQUESTS_MAX;
        RequestPacket packet;
        Request *request, *next;
        int r = 0;

        packet.count = 0;
        for (request = TAILQ_FIRST(&handle->requests.queue); r == 0 && request; request = next) {
                next = TAILQ_NEXT(request, link);
                if (!is_due(request, urgent_only))
                        continue;
                if (goes_with_others(request)) {
                        packet_add(&packet, request);
                        if (packet.count > 0 && packet.count >= max)
                                r = send_packet(handle, &packet);
                } else {
                        r = packet.count > 0 ? send_packet(handle, &packet) : 0;
                        if (r == 0)
                                r = send_alone(request);
                }
        }
        return r == 0 && packet.count > 0 ? send_packet(handle, &packet) : r;
}
