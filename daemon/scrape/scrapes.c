/* Connections that ask for metrics. See scrapes.h. */
#include "daemon/scrape/scrapes.h"

#include "core/clock.h"
#include "daemon/loop/loop_event.h"
#include "daemon/scrape/scrape_request.h"
#include "daemon/scrape/scrape_text.h"
#include "proto/frame_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { HEAD_MAX = 256 };

/* First its request is received, then its answer sent; then it ends. */
struct Scrape {
        TAILQ_ENTRY(Scrape) link;
        Scrapes *scrapes;
        CloserLane *lane;
        int fd;
        LoopEvent *readable; /* NULL: the answer is being sent */
        LoopEvent *writable;
        LoopEvent *patience;
        ScrapeRequest request;
        char head[HEAD_MAX]; /* of the answer, and all of one that refuses */
        size_t head_size;
        ScrapeText *text; /* what follows; or NULL */
        size_t sent;      /* of both */
};

static void end(Scrape *scrape)
{
        Scrapes *scrapes = scrape->scrapes;

        loop_event_free(scrape->readable);
        loop_event_free(scrape->writable);
        loop_event_free(scrape->patience);
        scrape_text_unref(scrape->text);
        /* Its peer need not wait for the thread that closes. */
        shutdown(scrape->fd, SHUT_RDWR);
        closer_push_own(scrapes->closer, scrape->lane, scrape->fd);
        TAILQ_REMOVE(&scrapes->list, scrape, link);
        scrapes->count--;
        free(scrape);
        waker_list_wake_all(&scrapes->waiting);
}

static void on_impatient(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        end(data);
}

static bool be_patient(Scrape *scrape, int ms)
{
        const struct timeval limit = {
                .tv_sec = ms / 1000,
                .tv_usec = (suseconds_t)(ms % 1000) * 1000,
        };

        return loop_event_add(scrape->patience, &limit) == 0;
}

/* ---- The answer ------------------------------------------------------------------------------ */

/* Of that format, as of now or a moment ago. NULL: there is no memory. */
static ScrapeText *find_text(Scrapes *scrapes, bool is_openmetrics)
{
        ScrapeText **last = &scrapes->last[is_openmetrics];
        uint64_t now = clock_now_ms();

        if (*last && now - (*last)->made_ms < SCRAPE_FRESH_MS)
                return *last;
        scrape_text_unref(*last);
        *last = scrape_text_new(is_openmetrics, now, scrapes->tell, scrapes->data);
        return *last;
}

static void refuse(Scrape *scrape, int status)
{
        static const struct {
                int status;
                const char *reason, *field, *sentence;
        } rows[] = {
                {400, "Bad Request", "", "this is no request of HTTP that is understood here\n"},
                {404, "Not Found", "", "there is nothing but /metrics here\n"},
                {405, "Method Not Allowed", "Allow: GET\r\n", "/metrics takes GET alone\n"},
                {503, "Service Unavailable", "", "there is no memory for an answer now\n"},
        };
        size_t i = 0;

        while (rows[i].status != status)
                i++;
        scrape->head_size = (size_t)snprintf(
                scrape->head, sizeof(scrape->head),
                "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain; charset=utf-8\r\n"
                "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                status, rows[i].reason, rows[i].field, strlen(rows[i].sentence), rows[i].sentence);
}

static void answer(Scrape *scrape)
{
        int status = scrape_request_is_whole(&scrape->request)
                             ? scrape_request_judge(&scrape->request)
                             : 400;
        bool is_openmetrics = scrape_request_takes_openmetrics(&scrape->request);
        ScrapeText *text = status == 200 ? find_text(scrape->scrapes, is_openmetrics) : NULL;

        if (!text) {
                refuse(scrape, status == 200 ? 503 : status);
                return;
        }
        scrape->text = scrape_text_ref(text);
        scrape->head_size = (size_t)snprintf(scrape->head, sizeof(scrape->head),
                                             "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
                                             "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                                             exposition_content_type(is_openmetrics), text->size);
}

/* What is left of one part, of which so much of the whole before it and of it was sent. */
static struct iovec rest_of(char *bytes, size_t size, size_t sent)
{
        size_t used = sent < size ? sent : size;

        return (struct iovec){.iov_base = bytes + used, .iov_len = size - used};
}

/* As much as its peer takes now. */
static void send_some(Scrape *scrape)
{
        const size_t body = scrape->text ? scrape->text->size : 0;
        const size_t behind =
                scrape->sent > scrape->head_size ? scrape->sent - scrape->head_size : 0;
        struct iovec parts[2] = {rest_of(scrape->head, scrape->head_size, scrape->sent)};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 1};
        ssize_t n;

        if (scrape->text) {
                parts[1] = rest_of(scrape->text->bytes, body, behind);
                message.msg_iovlen = 2;
        }
        n = sendmsg(scrape->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM))
                return;
        scrape->sent += n > 0 ? (size_t)n : 0;
        if (n < 0 || scrape->sent == scrape->head_size + body)
                end(scrape);
}

static void on_writable(evutil_socket_t fd, short what, void *data)
{
        (void)fd;
        (void)what;
        send_some(data);
}

static void begin_to_send(Scrape *scrape)
{
        answer(scrape);
        scrape->readable = loop_event_free(scrape->readable);
        scrape->writable = loop_event_new(scrape->scrapes->loop, scrape->fd, EV_WRITE | EV_PERSIST,
                                          on_writable, scrape);
        if (!scrape->writable || loop_event_add(scrape->writable, NULL) < 0 ||
            !be_patient(scrape, SCRAPE_MS - SCRAPE_REQUEST_MS))
                end(scrape);
        else
                send_some(scrape);
}

/* ---- The request ----------------------------------------------------------------------------- */

/* Some of it: 0 its end, or -errno. Whoever sends descriptors is heard no more. */
static int receive_some(Scrape *scrape)
{
        Closer *closer = scrape->scrapes->closer;
        ScrapeRequest *request = &scrape->request;
        FdList fds = {.count = 0};
        int n;

        if (closer_room(closer, scrape->lane) == 0)
                return -EBUSY;
        n = frame_socket_receive(scrape->fd, request->bytes + request->size,
                                 sizeof(request->bytes) - request->size, &fds);
        if (fds.count > 0) {
                closer_push(closer, scrape->lane, &fds);
                return -EBADMSG;
        }
        return n;
}

static void on_readable(evutil_socket_t fd, short what, void *data)
{
        Scrape *scrape = data;
        ScrapeRequest *request = &scrape->request;
        int n = receive_some(scrape);

        (void)fd;
        (void)what;
        if (n == -EAGAIN)
                return;
        if (n <= 0) {
                end(scrape);
                return;
        }
        request->size += (size_t)n;
        if (request->size == sizeof(request->bytes) || scrape_request_is_whole(request))
                begin_to_send(scrape);
}

/* ---- All of them ----------------------------------------------------------------------------- */

void scrapes_init(Scrapes *scrapes, Loop *loop, Closer *closer,
                  void (*tell)(void *data, Exposition *exposition), void *data)
{
        *scrapes = (Scrapes){.loop = loop, .closer = closer, .tell = tell, .data = data};
        TAILQ_INIT(&scrapes->list);
        TAILQ_INIT(&scrapes->waiting);
}

bool scrapes_have_room(const Scrapes *scrapes)
{
        return scrapes->count < SCRAPES_MAX;
}

static int begin(Scrape *scrape)
{
        Loop *loop = scrape->scrapes->loop;

        scrape->readable =
                loop_event_new(loop, scrape->fd, EV_READ | EV_PERSIST, on_readable, scrape);
        scrape->patience = loop_timer_new(loop, on_impatient, scrape);
        return scrape->readable && scrape->patience &&
                               loop_event_add(scrape->readable, NULL) == 0 &&
                               be_patient(scrape, SCRAPE_REQUEST_MS)
                       ? 0
                       : -ENOMEM;
}

int scrapes_add(Scrapes *scrapes, CloserLane *lane, int take_fd)
{
        Scrape *scrape = calloc(1, sizeof(*scrape));

        if (!scrape || closer_reserve(scrapes->closer, lane, 1) < 0) {
                free(scrape);
                return -ENOMEM;
        }
        scrape->scrapes = scrapes;
        scrape->lane = lane;
        scrape->fd = take_fd;
        TAILQ_INSERT_TAIL(&scrapes->list, scrape, link);
        scrapes->count++;
        if (begin(scrape) < 0)
                end(scrape);
        return 0;
}

void scrapes_end(Scrapes *scrapes, const CloserLane *lane)
{
        Scrape *scrape, *next;

        for (scrape = TAILQ_FIRST(&scrapes->list); scrape; scrape = next) {
                next = TAILQ_NEXT(scrape, link);
                if (scrape->lane == lane)
                        end(scrape);
        }
}

void scrapes_close(Scrapes *scrapes)
{
        while (!TAILQ_EMPTY(&scrapes->list))
                end(TAILQ_FIRST(&scrapes->list));
        for (size_t i = 0; i < sizeof(scrapes->last) / sizeof(scrapes->last[0]); i++)
                scrapes->last[i] = scrape_text_unref(scrapes->last[i]);
}
