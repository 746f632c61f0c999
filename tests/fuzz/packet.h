/*
 * Packets put together from a fuzzer's input: a frame's bytes, and descriptors of many kinds beside
 * it. Most frames are told how many descriptors they bring, since otherwise few would get further
 * than that check.
 */
#pragma once

#include "core/fd_list.h"
#include "tests/fuzz/input.h"

enum {
        /* Of one packet. */
        FUZZ_DESCRIPTORS_MAX = 6,
        /* Ends of pipes and sockets whose other end was sent. */
        FUZZ_PEERS_MAX = 32,
};

typedef struct FuzzPeers {
        int fds[FUZZ_PEERS_MAX];
        size_t count;
} FuzzPeers;

/* Sends one packet on borrow_fd, which is also one of the descriptors that may be sent. */
void fuzz_send_packet(FuzzInput *input, int borrow_fd, FuzzPeers *peers);
/* A request with what it needs. */
void fuzz_send_request(FuzzInput *input, int borrow_fd, FuzzPeers *peers);
/* One more, or it is closed. */
void fuzz_keep_peer(FuzzPeers *peers, int take_fd);
/* Writes to one of the peers, reads from it, or closes it. */
void fuzz_use_peer(FuzzInput *input, FuzzPeers *peers);
void fuzz_close_peers(FuzzPeers *peers);
/* Reads and closes everything that has come. */
void fuzz_receive_all(int borrow_fd);

/* How many descriptors this process has open. */
size_t fuzz_count_descriptors(void);
/* As many as before, or they are named and the program ends. */
void fuzz_require_descriptors(size_t before);
