/* Packets from a fuzzer's input. See packet.h. */
#include "tests/fuzz/packet.h"

#include "proto/frame.h"
#include "proto/frame_socket.h"
#include "tests/fuzz/request.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

void fuzz_keep_peer(FuzzPeers *peers, int take_fd)
{
        if (peers->count == FUZZ_PEERS_MAX)
                close(take_fd);
        else
                peers->fds[peers->count++] = take_fd;
}

static int make_pair(FuzzPeers *peers, int type)
{
        int ends[2];

        FUZZ_REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
        fuzz_keep_peer(peers, ends[1]);
        return ends[0];
}

static int make_pipe(FuzzPeers *peers, bool reads)
{
        int ends[2];

        FUZZ_REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        fuzz_keep_peer(peers, ends[reads]);
        return ends[!reads];
}

/* As a client makes one for a hold. */
static int make_note(FuzzInput *input)
{
        static const char text[300];
        int fd = memfd_create("note", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        FUZZ_REQUIRE(fd >= 0);
        FUZZ_REQUIRE(write(fd, text, fuzz_take_byte(input)) >= 0);
        FUZZ_REQUIRE(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
        return fd;
}

static int make_descriptor(FuzzInput *input, int session_fd, FuzzPeers *peers)
{
        int fd;

        switch (fuzz_take_byte(input) % 16) {
        case 0:
                return make_pair(peers, SOCK_STREAM);
        case 1:
                return make_pair(peers, SOCK_DGRAM);
        case 2:
                return make_pipe(peers, true);
        case 3:
                return make_pipe(peers, false);
        case 4:
                return eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        case 5:
                return open("/dev/null", O_RDWR | O_CLOEXEC);
        case 6:
                return make_note(input);
        case 7:
                return epoll_create1(EPOLL_CLOEXEC);
        case 8:
                return fcntl(session_fd, F_DUPFD_CLOEXEC, 0);
        case 9:
                /* One whose other end has gone. */
                fd = make_pipe(peers, true);
                if (peers->count > 0)
                        close(peers->fds[--peers->count]);
                return fd;
        case 10:
                return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        case 11:
                return open("/dev/null", O_PATH | O_CLOEXEC);
        case 12:
                return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
        default:
                /* One that stays open here, and perhaps was sent before. */
                if (peers->count == 0)
                        close(make_pair(peers, SOCK_STREAM));
                return fcntl(peers->fds[fuzz_take_byte(input) % peers->count], F_DUPFD_CLOEXEC, 0);
        }
}

static void make_descriptors(FuzzInput *input, int session_fd, FuzzPeers *peers, int *out, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                out[i] = make_descriptor(input, session_fd, peers);
                FUZZ_REQUIRE(out[i] >= 0);
        }
}

static void send_and_close(int borrow_fd, const uint8_t *bytes, size_t size, const int *take_fds,
                           size_t n)
{
        if (size > 0)
                frame_socket_send(borrow_fd, bytes, size, take_fds, n);
        for (size_t i = 0; i < n; i++)
                close(take_fds[i]);
}

/* The frame, told how many descriptors it brings; size 0: it is none. */
static size_t announce(const uint8_t *bytes, size_t size, size_t n, uint8_t *out)
{
        Iod__Frame *frame = iod__frame__unpack(NULL, size, bytes);
        size_t packed = 0;

        if (!frame)
                return 0;
        frame->descriptors = (uint32_t)n;
        if (iod__frame__get_packed_size(frame) <= FRAME_BYTES_MAX)
                packed = iod__frame__pack(frame, out);
        iod__frame__free_unpacked(frame, NULL);
        return packed;
}

void fuzz_send_packet(FuzzInput *input, int borrow_fd, FuzzPeers *peers)
{
        uint8_t packet[FRAME_BYTES_MAX];
        uint8_t how = fuzz_take_byte(input);
        size_t n = how % (FUZZ_DESCRIPTORS_MAX + 1);
        int fds[FUZZ_DESCRIPTORS_MAX];
        const uint8_t *bytes;
        size_t size;

        make_descriptors(input, borrow_fd, peers, fds, n);
        size = fuzz_take_bytes(input, sizeof(packet), &bytes);
        if (!(how & 0x80)) {
                size_t announced = announce(bytes, size, n, packet);

                if (announced > 0) {
                        bytes = packet;
                        size = announced;
                }
        }
        send_and_close(borrow_fd, bytes, size, fds, n);
}

void fuzz_send_request(FuzzInput *input, int borrow_fd, FuzzPeers *peers)
{
        uint8_t packet[FRAME_BYTES_MAX];
        int fds[FUZZ_DESCRIPTORS_MAX];
        size_t n, size = fuzz_make_request(input, packet, &n);

        make_descriptors(input, borrow_fd, peers, fds, n);
        send_and_close(borrow_fd, packet, size, fds, n);
}

void fuzz_use_peer(FuzzInput *input, FuzzPeers *peers)
{
        uint8_t how = fuzz_take_byte(input);
        char bytes[16];
        size_t i;

        if (peers->count == 0)
                return;
        i = how / 4 % peers->count;
        switch (how % 4) {
        case 0:
        case 1:
                (void)!write(peers->fds[i], "x", 1);
                break;
        case 2:
                (void)!read(peers->fds[i], bytes, sizeof(bytes));
                break;
        default:
                close(peers->fds[i]);
                peers->fds[i] = peers->fds[--peers->count];
        }
}

void fuzz_close_peers(FuzzPeers *peers)
{
        while (peers->count > 0)
                close(peers->fds[--peers->count]);
}

void fuzz_receive_all(int borrow_fd)
{
        static uint8_t packet[FRAME_BYTES_MAX];
        FdList fds = {.count = 0};

        while (frame_socket_receive(borrow_fd, packet, sizeof(packet), &fds) > 0)
                fd_list_close(&fds);
        fd_list_close(&fds);
}

size_t fuzz_count_descriptors(void)
{
        DIR *folder = opendir("/proc/self/fd");
        size_t count = 0;

        FUZZ_REQUIRE(folder);
        while (readdir(folder))
                count++;
        closedir(folder);
        return count;
}

void fuzz_require_descriptors(size_t before)
{
        char path[64], link[64];
        ssize_t length;

        if (fuzz_count_descriptors() == before)
                return;
        fprintf(stderr, "%zu descriptors are open, and were %zu before:\n",
                fuzz_count_descriptors(), before);
        for (int fd = 0; fd < sysconf(_SC_OPEN_MAX); fd++) {
                snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                length = readlink(path, link, sizeof(link));
                if (length > 0)
                        fprintf(stderr, "  %d %.*s\n", fd, (int)length, link);
        }
        FUZZ_REQUIRE(false);
}
