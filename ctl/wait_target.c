/* Whom a word means. See wait_target.h. */
#include "ctl/wait_target.h"

#include "core/address.h"
#include "ctl/argument.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* ---- Numbers --------------------------------------------------------------------------------- */

static void add(WaitTargets *targets, const Process *process)
{
        if (targets->count < WAIT_TARGETS_MAX)
                targets->processes[targets->count++] = process;
}

static bool find_pid(const WaitView *view, uint64_t pid, WaitTargets *out)
{
        for (size_t i = 0; i < view->second.count; i++) {
                if ((uint64_t)view->second.processes[i].pid == pid) {
                        add(out, &view->second.processes[i]);
                        return true;
                }
        }
        return false;
}

static bool find_session(const WaitView *view, uint64_t session, WaitTargets *out)
{
        for (size_t i = 0; i < view->session_count; i++) {
                if (view->sessions[i].session == session)
                        return find_pid(view, (uint64_t)view->sessions[i].pid, out);
        }
        return false;
}

/* ---- Addresses ------------------------------------------------------------------------------- */

/* What is looked for: a Unix socket's name as socket_local_text() has it, or a host and a port. */
typedef struct Place {
        const char *name; /* NULL: an Internet address */
        bool any_host;
        uint8_t family;
        uint32_t host[4];
        uint16_t port; /* in network order */
} Place;

/* "unix:NAME", "tcp:HOST:PORT", "HOST:PORT" or ":PORT". */
static bool read_place(const char *word, Place *out)
{
        char text[ADDRESS_TEXT_MAX];
        Address address;
        uint64_t port;

        *out = (Place){.family = AF_INET};
        if (strncmp(word, "unix:", 5) == 0) {
                out->name = word + 5;
                return *out->name != '\0';
        }
        out->any_host = *word != 't' && argument_number(word + (*word == ':'), UINT16_MAX, &port);
        if (out->any_host) {
                out->port = htons((uint16_t)port);
                return port > 0;
        }
        snprintf(text, sizeof(text), "%s%s", strncmp(word, "tcp:", 4) == 0 ? "" : "tcp:", word);
        if (address_parse(text, &address) < 0 || address.host_is == ADDRESS_NAME)
                return false;
        out->any_host = address.host_is == ADDRESS_ANY;
        out->port = htons(address.port);
        out->family = (uint8_t)address.socket_address.any.sa_family;
        if (out->family == AF_INET)
                memcpy(out->host, &address.socket_address.v4.sin_addr, sizeof(struct in_addr));
        else
                memcpy(out->host, &address.socket_address.v6.sin6_addr, sizeof(struct in6_addr));
        return true;
}

static bool is_at(const Socket *socket, const Place *place)
{
        static const uint32_t any[4];
        char text[SOCKET_ADDRESS_TEXT_MAX];

        if (place->name) {
                socket_local_text(socket, text);
                return socket->kind == SOCKET_UNIX && strcmp(text, place->name) == 0;
        }
        if (socket->kind == SOCKET_UNIX || socket->inet.local_port != place->port)
                return false;
        if (place->any_host ||
            (socket_is_listening(socket) && memcmp(socket->inet.local, any, sizeof(any)) == 0))
                return true;
        return socket->family == place->family &&
               memcmp(socket->inet.local, place->host, sizeof(place->host)) == 0;
}

static bool has_one_at(const WaitView *view, const Process *process, const Place *place,
                       bool listening)
{
        for (size_t i = 0; i < process->descriptors.count; i++) {
                const Socket *socket = socket_table_find(&view->second.sockets,
                                                         process->descriptors.entries[i].inode);

                if (socket && socket_is_listening(socket) == listening && is_at(socket, place))
                        return true;
        }
        return false;
}

/* Whoever listens there is meant; else whoever has a connection from there, or takes datagrams. */
static void find_place(const WaitView *view, const Place *place, WaitTargets *out)
{
        bool exists = false;

        for (int listening = 1; listening >= 0 && out->count == 0; listening--) {
                for (size_t i = 0; i < view->second.count; i++) {
                        const Process *process = &view->second.processes[i];

                        if (has_one_at(view, process, place, listening))
                                add(out, process);
                }
        }
        for (size_t i = 0; i < view->second.sockets.count && !exists; i++)
                exists = is_at(&view->second.sockets.sockets[i], place);
        out->not_seen = exists && out->count == 0;
}

void wait_target_find(const WaitView *view, const char *word, WaitTargets *out)
{
        uint64_t number;
        Place place;

        *out = (WaitTargets){.count = 0};
        if (argument_number(word, UINT64_MAX, &number) &&
            (find_pid(view, number, out) || find_session(view, number, out)))
                return;
        if (read_place(word, &place))
                find_place(view, &place, out);
}
