/* What passes between the daemon and systemd. See service_manager.h. */
#include "daemon/process/service_manager.h"

#include <stddef.h>

#if HAVE_SYSTEMD

#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

/* What systemd passed: count descriptors from SD_LISTEN_FDS_START on. */
static struct {
        bool received;
        char **names;
        int count;
        int next;
} passed;

static bool is_stored(const char *name)
{
        return strncmp(name, SERVICE_MANAGER_STORED, strlen(SERVICE_MANAGER_STORED)) == 0;
}

static int use_socket(int fd)
{
        if (sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
                return error_set(EINVAL, "systemd has to pass one ListenSequentialPacket= socket");
        /* systemd hands it over blocking. Listening anew makes the daemon, not systemd, the peer
         * that the kernel names to clients. */
        if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0 || listen(fd, SOMAXCONN) < 0)
                return error_set(errno, "the socket from systemd cannot be used: %s",
                                 strerror(errno));
        return 0;
}

int service_manager_receive(void)
{
        int n = passed.received ? passed.count : sd_listen_fds_with_names(1, &passed.names);

        if (n < 0)
                return error_set(-n, "the sockets from systemd cannot be used: %s", strerror(-n));
        passed.received = true;
        passed.count = n;
        return n;
}

int service_manager_take_socket(int *fd)
{
        int n = service_manager_receive();
        int found = 0, r;

        if (n < 0)
                return n;
        for (int i = 0; i < n; i++) {
                if (is_stored(passed.names[i]))
                        continue;
                if (found++ > 0)
                        return error_set(EINVAL, "systemd has to pass one "
                                                 "ListenSequentialPacket= socket");
                r = use_socket(SD_LISTEN_FDS_START + i);
                if (r < 0)
                        return r;
                *fd = SD_LISTEN_FDS_START + i;
        }
        return found;
}

int service_manager_next_stored(char name[static SERVICE_MANAGER_NAME_MAX])
{
        while (passed.next < passed.count) {
                int i = passed.next++;

                if (!is_stored(passed.names[i]))
                        continue;
                snprintf(name, SERVICE_MANAGER_NAME_MAX, "%s", passed.names[i]);
                return SD_LISTEN_FDS_START + i;
        }
        for (int i = 0; i < passed.count; i++)
                free(passed.names[i]);
        free(passed.names);
        passed.names = NULL;
        passed.count = passed.next = 0;
        return -1;
}

const char *service_manager_notify_socket(void)
{
        return getenv("NOTIFY_SOCKET");
}

uint32_t service_manager_store_max(uint32_t max)
{
        /* systemd 254 and later say how many FileDescriptorStoreMax= allows. */
        const char *text = getenv("FDSTORE");
        unsigned long said = text ? strtoul(text, NULL, 10) : max;

        return said < max ? (uint32_t)said : max;
}

uint64_t service_manager_watchdog_usec(void)
{
        uint64_t usec;

        return sd_watchdog_enabled(0, &usec) > 0 ? usec : 0;
}

#else

#include "core/error.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

int service_manager_receive(void)
{
        const char *pid = getenv("LISTEN_PID");

        if (pid && getenv("LISTEN_FDS") && strtol(pid, NULL, 10) == getpid())
                return error_set(ENOSYS, "a socket was passed (LISTEN_FDS), and this kyron-iod is "
                                         "built without systemd: start it without");
        return 0;
}

int service_manager_take_socket(int *fd)
{
        (void)fd;
        return service_manager_receive();
}

int service_manager_next_stored(char name[static SERVICE_MANAGER_NAME_MAX])
{
        *name = '\0';
        return -1;
}

const char *service_manager_notify_socket(void)
{
        return NULL;
}

uint32_t service_manager_store_max(uint32_t max)
{
        (void)max;
        return 0;
}

uint64_t service_manager_watchdog_usec(void)
{
        return 0;
}

#endif
