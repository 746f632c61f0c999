/* What passes between the daemon and systemd. See service_manager.h. */
#include "daemon/service_manager.h"

#if HAVE_SYSTEMD

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

int service_manager_take_socket(int *fd)
{
        int n = sd_listen_fds(1);

        if (n < 0)
                return error_set(-n, "the sockets from systemd cannot be used: %s", strerror(-n));
        if (n == 0)
                return 0;
        if (n > 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
                return error_set(EINVAL, "systemd has to pass one ListenSequentialPacket= socket");
        *fd = SD_LISTEN_FDS_START;
        /* systemd hands it over blocking. Listening anew makes the daemon, not systemd, the peer
         * that the kernel names to clients. */
        if (fcntl(*fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0 || listen(*fd, SOMAXCONN) < 0)
                return error_set(errno, "the socket from systemd cannot be used: %s",
                                 strerror(errno));
        return 1;
}

void service_manager_ready(const char *status)
{
        sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void service_manager_stopping(void)
{
        sd_notify(0, "STOPPING=1");
}

uint64_t service_manager_watchdog_usec(void)
{
        uint64_t usec;

        return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

void service_manager_ping(void)
{
        sd_notify(0, "WATCHDOG=1");
}

#else

int service_manager_take_socket(int *fd)
{
        (void)fd;
        return 0;
}

void service_manager_ready(const char *status)
{
        (void)status;
}

void service_manager_stopping(void)
{
}

uint64_t service_manager_watchdog_usec(void)
{
        return 0;
}

void service_manager_ping(void)
{
}

#endif
