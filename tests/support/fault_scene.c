/*
 * Everything a daemon is used for, once: sessions, registrations, sockets it opens, listeners it
 * shares, connects to names, holds, all of kyronctl's verbs, and clients that misbehave. For tests
 * in which something of the daemon's fails meanwhile.
 *
 * fault_scene serve-names       a name server; says its address, until it is killed
 * fault_scene strict DIRECTORY  everything has to work
 * fault_scene failing DIRECTORY anything may fail, but every request is answered or its session
 * ends. failing DIRECTORY STEP: one of the steps only
 *
 * $KYRON_SOCKET is the daemon's socket; DIRECTORY has its configuration, as fault_scene.sh makes
 * it. Each step has sessions of its own, so that one that ends costs no other step.
 */
#include "tests/support/deadline.h"
#include "tests/support/failing_malloc.h"
#include "tests/support/fault_client.h"
#include "tests/support/fault_steps.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
        /* Connections beyond what fault_scene.sh configures. */
        CROWD = 40,
};

/* More than there is room for, none of which says anything. */
static void crowd(void)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fds[CROWD];

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", getenv("KYRON_SOCKET"));
        for (int i = 0; i < CROWD; i++) {
                fds[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                (void)!connect(fds[i], (struct sockaddr *)&address, sizeof(address));
        }
        send(fds[0], "garbage", 7, MSG_NOSIGNAL);
        /* Somebody was turned away: the last of them. */
        if (fault_scene.strict)
                fault_expect(wait_readable(fds[CROWD - 1], FAULT_ANSWER_MS), "a crowd",
                             "nobody turned away");
        else
                wait_readable(fds[CROWD - 1], 300);
        for (int i = 0; i < CROWD; i++)
                close(fds[i]);
}

/* ---- kyronctl -------------------------------------------------------------------------------- */

static void control(const char *const *words)
{
        const char *build = getenv("KYRON_BUILD_DIR");
        char program[1024];
        int status = -1;
        pid_t child;

        snprintf(program, sizeof(program), "%s/kyronctl", build ? build : ".");
        child = fork();
        if (child == 0) {
                int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

                dup2(nothing, STDOUT_FILENO);
                execv(program, (char **)words);
                _exit(127);
        }
        if (!wait_exit(child, FAULT_ANSWER_MS, &status)) {
                fault_complain("kyronctl", "it does not end");
                kill(child, SIGKILL);
                waitpid(child, NULL, 0);
        }
        fault_expect(status == 0, "kyronctl", words[1]);
}

#define CONTROL(...) control((const char *const[]){"kyronctl", __VA_ARGS__, NULL})

/* Has the configuration some listeners more, or not, and puts it in force. */
static void reload(bool with)
{
        char path[256];
        FILE *file;

        snprintf(path, sizeof(path), "%s/conf.d/more.conf", fault_scene.directory);
        file = fopen(path, "we");
        if (!file)
                abort();
        if (with)
                fprintf(file,
                        "listener \"more\" { address = \"tcp:127.0.0.1:0\" }\n"
                        "listener \"file\" { address = \"unix:%s/file\" }\n"
                        "listener \"scraped\" { address = \"unix:%s/scraped\" mode = metrics }\n",
                        fault_scene.directory, fault_scene.directory);
        fclose(file);
        CONTROL("reload");
}

/* What the daemon answers, until its end. false: it does not end, or is too long. */
static bool hear_all(int fd, char *out, size_t size)
{
        ssize_t n = 1;

        while (n > 0 && size > 1 && wait_readable(fd, FAULT_ANSWER_MS)) {
                n = read(fd, out, size - 1);
                if (n > 0) {
                        out += n;
                        size -= (size_t)n;
                }
        }
        *out = '\0';
        return n <= 0;
}

static void scrape(void)
{
        static const char request[] = "GET /metrics HTTP/1.1\r\n\r\n", end[] = "\n# EOF\n";
        static char answer[256 * 1024];
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        size_t length;

        snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/scraped",
                 fault_scene.directory);
        if (fd < 0)
                abort();
        *answer = '\0';
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
            send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request) &&
            !hear_all(fd, answer, sizeof(answer)))
                fault_complain("scraping", "it does not end");
        length = strlen(answer);
        fault_expect(length > strlen(end) && strcmp(answer + length - strlen(end), end) == 0,
                     "scraping", "the metrics do not come whole");
        close(fd);
}

static void operate(void)
{
        KyronIoDriverHandle *handle = fault_open("operating");
        KyronEndpoint *endpoint = handle ? fault_join(handle, "site", NULL, NULL) : NULL;
        char session[32], user[32];

        snprintf(user, sizeof(user), "%u", (unsigned)geteuid());
        CONTROL("status");
        CONTROL("sessions");
        CONTROL("registrations");
        CONTROL("listeners");
        CONTROL("groups");
        CONTROL("holds");
        CONTROL("policy", "test", user, "tcp:127.0.0.1:1", "connect");
        CONTROL("pause", "site");
        CONTROL("resume", "site");
        if (handle) {
                snprintf(session, sizeof(session), "%llu",
                         (unsigned long long)kyron_io_driver_handle_session(handle));
                CONTROL("drain", "--timeout", "2", session);
                CONTROL("drain", "--undo", session);
        }
        reload(true);
        scrape();
        reload(false);
        kyron_endpoint_close(endpoint);
        if (handle)
                fault_settle(handle);
        kyron_io_driver_handle_close(handle);
}

static const KyronListenerOptions when_readable = {
        .when_readable = true,
        .nodelay = true,
        .keepalive = true,
        .keep_seconds = 1,
};

static void connect_to_number(void)
{
        fault_connect("127.0.0.1", "connecting to a number");
}

static void connect_to_names(void)
{
        fault_connect("localhost", "connecting to this machine");
        fault_connect("there.test", "connecting to a name");
        fault_cancel_connect();
}

static void share_own(void)
{
        fault_share("asked", "tcp:127.0.0.1:0", &when_readable, "sharing a listener of one's own");
}

static void share_configured(void)
{
        fault_share("site", NULL, &when_readable, "sharing a configured listener");
}

static const struct {
        const char *name;
        void (*take)(void);
} steps[] = {
        {"register", fault_register},
        {"register-file", fault_register_file},
        {"move", fault_move},
        {"bind", fault_bind},
        {"connect-to-number", connect_to_number},
        {"connect-to-names", connect_to_names},
        {"share-own", share_own},
        {"share-configured", share_configured},
        {"share-local", fault_share_local},
        {"lose-worker", fault_lose_worker},
        {"take-listeners", fault_take_listeners},
        {"hold", fault_hold},
        {"hold-lingering", fault_hold_lingering},
        {"crowd", crowd},
        {"operate", operate},
};

/* All of them, or the one of that name. */
static bool take_steps(const char *name)
{
        bool found = false;

        /* It may have failed in an earlier scene. */
        CONTROL("resume", "site");
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
                if (name && strcmp(name, steps[i].name) != 0)
                        continue;
                steps[i].take();
                found = true;
        }
        return found;
}

/* ---- The name server ------------------------------------------------------------------------- */

/* Makes a question the answer, in place: 127.0.0.1 for IPv4, and that there is nothing for others.
 * Its size. dns_server.h does more, and is for tests in check. */
static size_t answer_question(uint8_t packet[static 512], size_t size)
{
        static const uint8_t record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
        size_t end = 12;

        while (end < size && packet[end] != 0)
                end += packet[end] + 1u;
        end += 5;
        if (end > size || end + sizeof(record) > 512)
                return 0;
        packet[2] |= 0x80;
        if (packet[end - 3] == 1) {
                packet[7] = 1;
                memcpy(packet + end, record, sizeof(record));
                end += sizeof(record);
        }
        memset(packet + 8, 0, 4);
        return end;
}

/* Until it is killed. Of names that begin with "late" it says nothing. */
static _Noreturn void serve_names(void)
{
        struct sockaddr_in address = {
                .sin_family = AF_INET,
                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
        };
        socklen_t size = sizeof(address);
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        uint8_t packet[512];

        if (bind(fd, (struct sockaddr *)&address, size) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &size) < 0)
                abort();
        printf("127.0.0.1:%u\n", ntohs(address.sin_port));
        fflush(stdout);
        for (;;) {
                ssize_t n =
                        recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&address, &size);
                size_t answer = n > 17 && strncasecmp((char *)packet + 13, "late", 4) != 0
                                        ? answer_question(packet, (size_t)n)
                                        : 0;

                if (answer > 0)
                        sendto(fd, packet, answer, 0, (struct sockaddr *)&address, size);
        }
}

/* ---- Failing allocations --------------------------------------------------------------------- */

static int tell_allocations(int argc, char **argv)
{
        int fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        FailingMalloc *shared = MAP_FAILED;

        if (fd >= 0 && ftruncate(fd, sizeof(*shared)) == 0)
                shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (shared == MAP_FAILED) {
                perror(argv[2]);
                return 1;
        }
        if (argc == 3) {
                printf("%lu %lu\n", atomic_load(&shared->calls), atomic_load(&shared->failed));
                return 0;
        }
        atomic_store(&shared->first, 0);
        atomic_store(&shared->calls, 0);
        atomic_store(&shared->failed, 0);
        atomic_store(&shared->last, strtoul(argv[4], NULL, 10));
        atomic_store(&shared->step, strtoul(argv[5], NULL, 10));
        atomic_store(&shared->first, strtoul(argv[3], NULL, 10));
        return 0;
}

int main(int argc, char **argv)
{
        signal(SIGPIPE, SIG_IGN);
        if ((argc == 3 || argc == 6) && strcmp(argv[1], "allocations") == 0)
                return tell_allocations(argc, argv);
        if (argc == 2 && strcmp(argv[1], "serve-names") == 0)
                serve_names();
        if ((argc != 3 && argc != 4) ||
            (strcmp(argv[1], "strict") != 0 && strcmp(argv[1], "failing") != 0)) {
                fprintf(stderr,
                        "fault_scene serve-names | strict DIRECTORY | failing DIRECTORY [STEP] | "
                        "allocations FILE [FIRST LAST STEP]\n");
                return 2;
        }
        fault_scene.strict = strcmp(argv[1], "strict") == 0;
        fault_scene.tag = getpid();
        fault_scene.directory = argv[2];
        return !take_steps(argv[3]) || fault_scene.failures > 0;
}
