/* Socket diagnostics. See socket_dump.h. */
#include "waits/socket_dump.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Those of linux/tcp.h's neighbour netinet/tcp.h, which cannot be included beside it. */
enum {
        STATE_SYN_RECV = 3,
        STATE_TIME_WAIT = 6,
        STATE_LISTEN = 10,
};

enum { TIMER_RESEND = 1, TIMER_PROBE = 4 }; /* in inet_diag_msg.idiag_timer */

typedef struct Dump {
        SocketKind kind;
        void (*take)(void *data, const Socket *socket);
        void *data;
} Dump;

static int take_tcp_info(const struct nlattr *attribute, void *data)
{
        SocketTimes *times = data;
        struct tcp_info info = {.tcpi_state = 0};
        size_t size = mnl_attr_get_payload_len(attribute);

        if (mnl_attr_get_type(attribute) != INET_DIAG_INFO)
                return MNL_CB_OK;
        /* Up to the last that is used; older kernels have less. */
        if (size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(uint64_t))
                return MNL_CB_OK;
        memcpy(&info, mnl_attr_get_payload(attribute), size < sizeof(info) ? size : sizeof(info));
        *times = (SocketTimes){
                .known = true,
                .received_ms = info.tcpi_last_data_recv,
                .heard_ms = info.tcpi_last_ack_recv,
                .sent_ms = info.tcpi_last_data_sent,
                .bytes_received = info.tcpi_bytes_received,
                .bytes_acked = info.tcpi_bytes_acked,
        };
        return MNL_CB_OK;
}

static int take_inet(const struct nlmsghdr *header, void *data)
{
        const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
        const Dump *dump = data;
        Socket socket = {.kind = (uint8_t)dump->kind};

        if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
                return MNL_CB_OK;
        socket.family = message->idiag_family;
        socket.state = message->idiag_state;
        socket.probing = message->idiag_timer == TIMER_PROBE;
        if (message->idiag_timer == TIMER_RESEND)
                socket.resent = message->idiag_retrans;
        socket.inode = message->idiag_inode;
        socket.receive_queue = message->idiag_rqueue;
        socket.send_queue = message->idiag_wqueue;
        socket.cookie = (uint64_t)message->id.idiag_cookie[1] << 32 | message->id.idiag_cookie[0];
        memcpy(socket.inet.local, message->id.idiag_src, sizeof(socket.inet.local));
        memcpy(socket.inet.peer, message->id.idiag_dst, sizeof(socket.inet.peer));
        socket.inet.local_port = message->id.idiag_sport;
        socket.inet.peer_port = message->id.idiag_dport;
        mnl_attr_parse(header, sizeof(*message), take_tcp_info, &socket.times);
        dump->take(dump->data, &socket);
        return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
        const void *payload = mnl_attr_get_payload(attribute);
        size_t size = mnl_attr_get_payload_len(attribute);
        Socket *socket = data;
        const uint32_t *queue = payload;

        switch (mnl_attr_get_type(attribute)) {
        case UNIX_DIAG_NAME:
                size = size < SOCKET_NAME_MAX ? size : SOCKET_NAME_MAX;
                memcpy(socket->local.name, payload, size);
                socket->local.name_size = (uint8_t)size;
                break;
        case UNIX_DIAG_PEER:
                if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
                        socket->local.peer = mnl_attr_get_u32(attribute);
                break;
        case UNIX_DIAG_RQLEN:
                if (size >= sizeof(struct unix_diag_rqlen)) {
                        socket->receive_queue = queue[0];
                        socket->send_queue = queue[1];
                }
                break;
        case UNIX_DIAG_ICONS:
                if (size >= sizeof(*queue))
                        socket->local.oldest = *queue;
                break;
        default:
                break;
        }
        return MNL_CB_OK;
}

static int take_unix(const struct nlmsghdr *header, void *data)
{
        const struct unix_diag_msg *message = mnl_nlmsg_get_payload(header);
        const Dump *dump = data;
        Socket socket = {.kind = SOCKET_UNIX, .family = AF_UNIX};

        if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
                return MNL_CB_OK;
        socket.inode = message->udiag_ino;
        socket.state = message->udiag_state;
        socket.type = message->udiag_type;
        socket.cookie = (uint64_t)message->udiag_cookie[1] << 32 | message->udiag_cookie[0];
        mnl_attr_parse(header, sizeof(*message), take_attribute, &socket);
        dump->take(dump->data, &socket);
        return MNL_CB_OK;
}

/* Sends one request and takes what it dumps, as far as it comes. */
static void ask(Dump *dump, uint16_t type, const void *request, size_t size, mnl_cb_t take)
{
        struct mnl_socket *netlink = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
        char buffer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
        struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
        unsigned port;
        ssize_t n;

        if (!netlink)
                return;
        header->nlmsg_type = type;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        header->nlmsg_seq = 1;
        memcpy(mnl_nlmsg_put_extra_header(header, size), request, size);
        if (mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) == 0 &&
            mnl_socket_sendto(netlink, header, header->nlmsg_len) >= 0) {
                port = mnl_socket_get_portid(netlink);
                do
                        n = mnl_socket_recvfrom(netlink, buffer, sizeof(buffer));
                while (n > 0 && mnl_cb_run(buffer, (size_t)n, 1, port, take, dump) > MNL_CB_STOP);
        }
        mnl_socket_close(netlink);
}

/* In the older way of asking, which is for both families: for each question the kernel goes through
 * all its places for connections, also those of other namespaces. */
static void dump_tcp(Dump *dump, bool times)
{
        const struct inet_diag_req request = {
                .idiag_ext = times ? 1u << (INET_DIAG_INFO - 1) : 0,
                /* Those in these states are nobody's descriptor. */
                .idiag_states = ~(1u << STATE_TIME_WAIT | 1u << STATE_SYN_RECV),
        };

        ask(dump, TCPDIAG_GETSOCK, &request, sizeof(request), take_inet);
}

static void dump_udp(Dump *dump)
{
        static const uint8_t families[] = {AF_INET, AF_INET6};
        struct inet_diag_req_v2 request = {.sdiag_protocol = IPPROTO_UDP, .idiag_states = ~0u};

        for (size_t i = 0; i < sizeof(families); i++) {
                request.sdiag_family = families[i];
                ask(dump, SOCK_DIAG_BY_FAMILY, &request, sizeof(request), take_inet);
        }
}

static void dump_unix(Dump *dump)
{
        const struct unix_diag_req request = {
                .sdiag_family = AF_UNIX,
                .udiag_states = ~0u,
                .udiag_show =
                        UDIAG_SHOW_NAME | UDIAG_SHOW_PEER | UDIAG_SHOW_RQLEN | UDIAG_SHOW_ICONS,
        };

        ask(dump, SOCK_DIAG_BY_FAMILY, &request, sizeof(request), take_unix);
}

void socket_dump(SocketKind kind, bool times, void (*take)(void *data, const Socket *socket),
                 void *data)
{
        Dump dump = {.kind = kind, .take = take, .data = data};

        if (kind == SOCKET_UNIX)
                dump_unix(&dump);
        else if (kind == SOCKET_TCP)
                dump_tcp(&dump, times);
        else
                dump_udp(&dump);
}

static void inet_text(char text[static SOCKET_ADDRESS_TEXT_MAX], uint8_t family,
                      const uint32_t address[static 4], uint16_t network_port)
{
        char host[INET6_ADDRSTRLEN];
        unsigned port = ntohs(network_port);

        /* An end that is not bound or connected. */
        if (port == 0 || !inet_ntop(family, address, host, sizeof(host)))
                return;
        snprintf(text, SOCKET_ADDRESS_TEXT_MAX, family == AF_INET6 ? "[%s]:%u" : "%s:%u", host,
                 port);
}

/* A path, or "@" and a name that is no file: its zeroes are part of it. */
static void unix_text(char text[static SOCKET_ADDRESS_TEXT_MAX], const Socket *socket)
{
        const char *name = socket->local.name;
        size_t size = socket->local.name_size;

        /* A path may end with a zero or without. */
        if (size > 0 && *name)
                size = strnlen(name, size);
        for (size_t i = 0; i < size; i++) {
                text[i] = name[i] ? '?' : '@';
                if (name[i] >= ' ' && name[i] <= '~')
                        text[i] = name[i];
        }
        text[size] = '\0';
}

void socket_local_text(const Socket *socket, char text[static SOCKET_ADDRESS_TEXT_MAX])
{
        *text = '\0';
        if (socket->family == AF_UNIX)
                unix_text(text, socket);
        else
                inet_text(text, socket->family, socket->inet.local, socket->inet.local_port);
}

void socket_peer_text(const Socket *socket, char text[static SOCKET_ADDRESS_TEXT_MAX])
{
        *text = '\0';
        if (socket->family != AF_UNIX)
                inet_text(text, socket->family, socket->inet.peer, socket->inet.peer_port);
}

bool socket_is_listening(const Socket *socket)
{
        return socket->state == STATE_LISTEN;
}
