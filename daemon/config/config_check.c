/* What cannot be in force now. See config_check.h. */
#include "daemon/config/config_check.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

/* By the kernel's word, at any port: the listener's own may be served. */
static bool is_elsewhere(const Address *address)
{
        const int family = address->socket_address.any.sa_family;
        CLEANUP(cleanup_close) int fd = -1;
        Address any_port = *address;

        if (address->kind != ADDRESS_TCP || address->host_is != ADDRESS_NUMBER)
                return false;
        if (family == AF_INET6)
                any_port.socket_address.v6.sin6_port = 0;
        else
                any_port.socket_address.v4.sin_port = 0;
        fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return fd >= 0 && bind(fd, &any_port.socket_address.any, any_port.size) < 0 &&
               errno == EADDRNOTAVAIL;
}

void config_check(const Config *config, void (*tell)(const char *sentence))
{
        char sentence[ERROR_TEXT_MAX + ADDRESS_TEXT_MAX], address[ADDRESS_TEXT_MAX];

        for (size_t i = 0; i < config->n_warnings; i++)
                tell(config->warnings[i]);
        for (size_t i = 0; i < config->n_listeners; i++) {
                const ListenerConfig *listener = &config->listeners[i];

                if (!is_elsewhere(&listener->address))
                        continue;
                address_format(&listener->address, address);
                snprintf(sentence, sizeof(sentence),
                         "listener %s would wait: not an address of this machine: %s",
                         listener->name, address);
                tell(sentence);
        }
}
