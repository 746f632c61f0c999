/*
 * A service manager as small as can be: it starts a kyron-iod with the socket it listens on, keeps
 * the descriptors that are stored with it, under their names, and passes everything to the next
 * start. What it does is what systemd 252 does for a unit with FileDescriptorStoreMax=.
 *
 * A thread of its own receives, so that nothing waits for the test. These end the test when
 * something goes wrong.
 */
#pragma once

#include "tests/support/daemon.h"

#include <pthread.h>

enum { FAKE_MANAGER_STORE_MAX = 8192 };

typedef struct FakeStored {
        char name[256];
        int fd;
} FakeStored;

typedef struct FakeManager {
        TestDaemon daemon; /* pid 0: it does not run */
        const char *const *options;
        char notify_path[128];
        int notify_fd;
        int listening_fd;

        pthread_t thread;
        int stop_fd;
        pthread_mutex_t lock; /* what is below */
        FakeStored stored[FAKE_MANAGER_STORE_MAX];
        size_t n_stored;
        _Atomic uint64_t messages;
        unsigned readies;
} FakeManager;

/* Listens, without a daemon; then starts one and waits until it is ready. options as of
 * test_daemon_start(), and they have to stay. */
void fake_manager_open(FakeManager *manager, const char *const *options);
void fake_manager_start(FakeManager *manager);
/* Ends it by SIGKILL or SIGTERM, and has received all it sent. */
void fake_manager_end(FakeManager *manager, int signal_number);
/* Both. */
void fake_manager_restart(FakeManager *manager, int signal_number);
/* Ends the daemon, and lets go of everything. */
void fake_manager_close(FakeManager *manager);

/* Has received all that was sent until now. */
void fake_manager_settle(FakeManager *manager);
/* How many are stored under names that begin so. */
size_t fake_manager_count(FakeManager *manager, const char *prefix);
/* Puts another descriptor in place of the record under this name. false: there is none. */
bool fake_manager_replace_record(FakeManager *manager, const char *name, int take_fd);
/* Stores one more. */
void fake_manager_store(FakeManager *manager, const char *name, int take_fd);
