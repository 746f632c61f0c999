/* Socket addresses by inode. See socket_address_lookup.h. */
#include "ctl/socket_address_lookup.h"

#include "core/cleanup.h"
#include "ctl/output.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct Entry {
        uint32_t inode;
        uint8_t family;
        bool listening;
        union {
                struct inet_diag_sockid inet;
                struct {
                        uint32_t peer; /* its inode; 0: none */
                        char *name;    /* owned; NULL: none */
                } local;
        };
} Entry;

/* The sockets that one kind of request dumps, sorted by inode once loaded. */
typedef struct Group {
        bool loaded;
        size_t count;
        size_t capacity;
        Entry *entries;
} Group;

struct SocketAddressLookup {
        Group tcp;
        Group udp;
        Group local;
};

static Entry *add_entry(Group *group, uint32_t inode, uint8_t family)
{
        if (group->count == group->capacity) {
                size_t capacity = group->capacity ? group->capacity * 2 : 256;
                Entry *entries = reallocarray(group->entries, capacity, sizeof(*entries));

                if (!entries)
                        return NULL;
                group->entries = entries;
                group->capacity = capacity;
        }
        group->entries[group->count] = (Entry){.inode = inode, .family = family};
        return &group->entries[group->count++];
}

static int take_inet(const struct nlmsghdr *header, void *data)
{
        const struct inet_diag_msg *message = mnl_nlmsg_get_payload(header);
        Entry *entry;

        if (mnl_nlmsg_get_payload_len(header) < sizeof(*message) || message->idiag_inode == 0)
                return MNL_CB_OK;
        entry = add_entry(data, message->idiag_inode, message->idiag_family);
        if (!entry)
                return MNL_CB_STOP;
        entry->inet = message->id;
        entry->listening = message->idiag_state == TCP_LISTEN;
        return MNL_CB_OK;
}

/* A name's bytes as text: "@" and the name for one that is no file. */
static char *name_text(const char *bytes, size_t size)
{
        char *text = strndup(bytes, size);

        if (text && size > 0 && !*bytes) {
                free(text);
                text = calloc(1, size + 1);
                if (!text)
                        return NULL;
                memcpy(text, bytes, size);
                /* Its zeroes are part of the name. */
                for (size_t i = 0; i < size; i++)
                        text[i] = text[i] ? text[i] : '@';
        }
        return text;
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
        Entry *entry = data;

        switch (mnl_attr_get_type(attribute)) {
        case UNIX_DIAG_NAME:
                free(entry->local.name);
                entry->local.name = name_text(mnl_attr_get_payload(attribute),
                                              mnl_attr_get_payload_len(attribute));
                break;
        case UNIX_DIAG_PEER:
                if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
                        entry->local.peer = mnl_attr_get_u32(attribute);
                break;
        default:
                break;
        }
        return MNL_CB_OK;
}

static int take_unix(const struct nlmsghdr *header, void *data)
{
        const struct unix_diag_msg *message = mnl_nlmsg_get_payload(header);
        Entry *entry;

        if (mnl_nlmsg_get_payload_len(header) < sizeof(*message))
                return MNL_CB_OK;
        entry = add_entry(data, message->udiag_ino, AF_UNIX);
        if (!entry)
                return MNL_CB_STOP;
        entry->listening = message->udiag_state == TCP_LISTEN;
        mnl_attr_parse(header, sizeof(*message), take_attribute, entry);
        return MNL_CB_OK;
}

/* Sends one request and takes what it dumps, as far as it comes. */
static void dump(Group *group, const void *request, size_t size, mnl_cb_t take)
{
        struct mnl_socket *netlink = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
        char buffer[32768] __attribute__((aligned(NLMSG_ALIGNTO)));
        struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
        unsigned port;
        ssize_t n;

        if (!netlink)
                return;
        header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
        header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        header->nlmsg_seq = 1;
        memcpy(mnl_nlmsg_put_extra_header(header, size), request, size);
        if (mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) == 0 &&
            mnl_socket_sendto(netlink, header, header->nlmsg_len) >= 0) {
                port = mnl_socket_get_portid(netlink);
                do
                        n = mnl_socket_recvfrom(netlink, buffer, sizeof(buffer));
                while (n > 0 && mnl_cb_run(buffer, (size_t)n, 1, port, take, group) > MNL_CB_STOP);
        }
        mnl_socket_close(netlink);
}

static void dump_inet(Group *group, int protocol)
{
        static const uint8_t families[] = {AF_INET, AF_INET6};
        struct inet_diag_req_v2 request = {
                .sdiag_protocol = (uint8_t)protocol,
                /* Those in these states are nobody's descriptor. */
                .idiag_states = ~(1u << TCP_TIME_WAIT | 1u << TCP_SYN_RECV),
        };

        for (size_t i = 0; i < sizeof(families); i++) {
                request.sdiag_family = families[i];
                dump(group, &request, sizeof(request), take_inet);
        }
}

static void dump_unix(Group *group)
{
        const struct unix_diag_req request = {
                .sdiag_family = AF_UNIX,
                .udiag_states = ~0u,
                .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER,
        };

        dump(group, &request, sizeof(request), take_unix);
}

static int compare_inodes(const void *left, const void *right)
{
        const Entry *a = left, *b = right;

        return (a->inode > b->inode) - (a->inode < b->inode);
}

/* The group a kind belongs to, dumped; NULL where there is none. */
static const Group *load_group(SocketAddressLookup *lookup, const char *kind)
{
        Group *group = NULL;

        if (strcmp(kind, "tcp") == 0)
                group = &lookup->tcp;
        else if (strcmp(kind, "udp") == 0)
                group = &lookup->udp;
        else if (strncmp(kind, "unix-", 5) == 0)
                group = &lookup->local;
        if (!group || group->loaded)
                return group;
        if (group == &lookup->local)
                dump_unix(group);
        else
                dump_inet(group, group == &lookup->tcp ? IPPROTO_TCP : IPPROTO_UDP);
        if (group->count > 0)
                qsort(group->entries, group->count, sizeof(*group->entries), compare_inodes);
        group->loaded = true;
        return group;
}

static const Entry *find_entry(const Group *group, uint64_t inode)
{
        const Entry key = {.inode = (uint32_t)inode};

        if (inode == 0 || inode > UINT32_MAX || group->count == 0)
                return NULL;
        return bsearch(&key, group->entries, group->count, sizeof(key), compare_inodes);
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

static void unix_text(char text[static SOCKET_ADDRESS_TEXT_MAX], const Entry *entry)
{
        if (!entry || !entry->local.name)
                return;
        snprintf(text, SOCKET_ADDRESS_TEXT_MAX, "%s", entry->local.name);
        output_make_printable(text);
}

SocketAddresses socket_address_lookup_find(SocketAddressLookup *lookup, const char *kind,
                                           uint64_t inode)
{
        SocketAddresses addresses = {.listening = false};
        const Group *group = lookup ? load_group(lookup, kind) : NULL;
        const Entry *entry = group ? find_entry(group, inode) : NULL;

        if (!entry)
                return addresses;
        addresses.listening = entry->listening;
        if (entry->family == AF_UNIX) {
                unix_text(addresses.local, entry);
                if (!entry->listening)
                        unix_text(addresses.peer, find_entry(group, entry->local.peer));
                return addresses;
        }
        inet_text(addresses.local, entry->family, entry->inet.idiag_src, entry->inet.idiag_sport);
        inet_text(addresses.peer, entry->family, entry->inet.idiag_dst, entry->inet.idiag_dport);
        return addresses;
}

SocketAddressLookup *socket_address_lookup_new(void)
{
        return calloc(1, sizeof(SocketAddressLookup));
}

SocketAddressLookup *socket_address_lookup_free(SocketAddressLookup *lookup)
{
        if (!lookup)
                return NULL;
        for (size_t i = 0; i < lookup->local.count; i++)
                free(lookup->local.entries[i].local.name);
        free(lookup->local.entries);
        free(lookup->tcp.entries);
        free(lookup->udp.entries);
        free(lookup);
        return NULL;
}
