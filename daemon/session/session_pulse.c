/* The pulse of a session. See session_pulse.h. */
#include "daemon/session/session_pulse.h"

#include "core/clock.h"
#include "core/sealed_bytes.h"
#include "daemon/session/sessions.h"
#include "proto/pulse.h"

#include <errno.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

int session_pulse_open(SessionPulse *pulse)
{
        int fd = sealed_bytes_new_writable("a pulse", PULSE_BYTES);
        void *page;
        int r;

        if (fd < 0)
                return fd;
        page = mmap(NULL, PULSE_BYTES, PROT_READ, MAP_SHARED, fd, 0);
        if (page == MAP_FAILED) {
                r = -errno;
                close(fd);
                return r;
        }
        *pulse = (SessionPulse){.page = page, .made_ns = clock_now_ns()};
        return fd;
}

void session_pulse_close(SessionPulse *pulse)
{
        if (pulse->page)
                munmap(pulse->page, PULSE_BYTES);
        pulse->page = NULL;
}

/* Copies the page, if it is in memory: false. By the kernel, since to read one that cannot be had
 * would end the process. */
static bool copy_page(const SessionPulse *pulse, PulsePage *copy)
{
        const struct iovec here = {.iov_base = copy, .iov_len = sizeof(*copy)};
        const struct iovec there = {.iov_base = pulse->page, .iov_len = sizeof(*copy)};
        unsigned char is_resident = 0;

        return pulse->page && mincore(pulse->page, PULSE_BYTES, &is_resident) == 0 &&
               (is_resident & 1) &&
               process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)sizeof(*copy);
}

static uint64_t load(_Atomic uint64_t *word, uint64_t max)
{
        uint64_t value = atomic_load_explicit(word, memory_order_relaxed);

        return value < max ? value : max;
}

/* Not before there was a pulse, and not in time to come. */
static uint64_t since_ms(const SessionPulse *pulse, uint64_t since_ns, uint64_t now_ns)
{
        if (since_ns < pulse->made_ns)
                since_ns = pulse->made_ns;
        return since_ns < now_ns ? (now_ns - since_ns) / 1000000 : 0;
}

bool session_pulse_read(const SessionPulse *pulse, uint32_t registrations_max, Iod__Pulse *out)
{
        PulsePage copy;
        uint64_t state;

        if (!copy_page(pulse, &copy) || load(&copy.magic, UINT64_MAX) != PULSE_MAGIC)
                return false;
        state = load(&copy.state, UINT64_MAX);
        *out = (Iod__Pulse)IOD__PULSE__INIT;
        out->turns = load(&copy.turns, INT64_MAX);
        out->events = load(&copy.events, INT64_MAX);
        out->registrations = (uint32_t)load(&copy.registrations, registrations_max);
        out->set = (uint32_t)load(&copy.set, INT_MAX);
        out->runs = (state & PULSE_RUNS) != 0;
        out->since_ms = since_ms(pulse, state >> 1, clock_now_ns());
        return true;
}

int session_pulse_begin(Session *session)
{
        Sessions *sessions = session->sessions;
        int fd;

        if (sessions->pulse_count >= SESSION_PULSES_MAX ||
            !session_rate_take(&sessions->pulse_rate, session->peer.uid, SESSION_PULSES_PER_SECOND,
                               sessions->options->sessions_per_user_max, clock_now_ns()))
                return -EDQUOT;
        fd = session_pulse_open(&session->pulse);
        if (fd >= 0)
                sessions->pulse_count++;
        return fd;
}

void session_pulse_end(Session *session)
{
        if (session->pulse.page)
                session->sessions->pulse_count--;
        session_pulse_close(&session->pulse);
}
