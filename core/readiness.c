/* Readiness bits: to and from epoll, and as text. See readiness.h. */
#include "core/readiness.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

static const struct {
        Readiness bit;
        const char *text;
} names[] = {
        {READINESS_READABLE, "readable"},
        {READINESS_WRITABLE, "writable"},
        {READINESS_READ_CLOSED, "read-closed"},
        {READINESS_WRITE_CLOSED, "write-closed"},
        {READINESS_ERROR, "error"},
        {READINESS_PRIORITY, "priority"},
};

Readiness readiness_from_epoll(uint32_t events)
{
        Readiness bits = 0;

        if (events & EPOLLIN)
                bits |= READINESS_READABLE;
        if (events & EPOLLOUT)
                bits |= READINESS_WRITABLE;
        if (events & EPOLLPRI)
                bits |= READINESS_PRIORITY;
        if (events & (EPOLLRDHUP | EPOLLHUP))
                bits |= READINESS_READ_CLOSED;
        /* A pipe whose other end has closed is EPOLLHUP (reader) or EPOLLERR (writer) alone: no
         * direction may be left waiting. */
        if (events & EPOLLHUP)
                bits |= READINESS_WRITE_CLOSED;
        if (events & EPOLLERR)
                bits |= READINESS_ERROR;
        return bits;
}

uint32_t readiness_to_epoll(Readiness interest)
{
        uint32_t events = EPOLLET;

        if (interest & READINESS_READABLE)
                events |= EPOLLIN | EPOLLRDHUP;
        if (interest & READINESS_WRITABLE)
                events |= EPOLLOUT;
        if (interest & READINESS_PRIORITY)
                events |= EPOLLPRI;
        return events;
}

const char *readiness_to_text(Readiness bits, char buffer[static READINESS_TEXT_MAX])
{
        size_t used = 0;

        strcpy(buffer, "-");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                if (!(bits & names[i].bit))
                        continue;
                used += (size_t)snprintf(buffer + used, READINESS_TEXT_MAX - used, "%s%s",
                                         used ? " " : "", names[i].text);
        }
        return buffer;
}
