/* Rows that were asked for. See list_filter.h. */
#include "ctl/list_filter.h"

#include "ctl/argument.h"

#include <string.h>

bool list_filter_takes(const ListFilter *filter, uint32_t uid, int64_t pid)
{
        if (filter->by_user && uid != filter->uid)
                return false;
        return filter->pid == 0 || (pid > 0 && (uint64_t)pid == filter->pid);
}

bool list_filter_takes_ports(const ListFilter *filter, uint16_t local, uint16_t peer)
{
        return filter->port == 0 || local == filter->port || peer == filter->port;
}

/* Of "HOST:PORT"; 0: there is none. */
static uint16_t port_of(const char *address)
{
        const char *colon = strrchr(address, ':');
        uint64_t port;

        return colon && argument_number(colon + 1, UINT16_MAX, &port) ? (uint16_t)port : 0;
}

bool list_filter_takes_address(const ListFilter *filter, const char *address)
{
        const bool is_unix = strncmp(address, "unix:", 5) == 0;

        return list_filter_takes_ports(filter, is_unix ? 0 : port_of(address), 0);
}

bool list_filter_takes_socket(const ListFilter *filter, const char *kind,
                              const SocketAddresses *addresses)
{
        if (strncmp(kind, "unix-", 5) == 0)
                return list_filter_takes_ports(filter, 0, 0);
        return list_filter_takes_ports(filter, port_of(addresses->local), port_of(addresses->peer));
}
