/*
 * daemon/watches: what the kernel allows is known or taken for less, and where it refuses all the
 * same, that is the limit from then on and the daemon has some in hand.
 */
#include "daemon/budget/watches.h"

#include "core/cleanup.h"
#include "tests/support/fixture.h"
#include "tests/support/scale.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t read_max(void)
{
        CLEANUP(cleanup_fclose) FILE *file = fopen("/proc/sys/fs/epoll/max_user_watches", "re");
        uint64_t max = 0;

        ck_assert(file && fscanf(file, "%" SCNu64, &max) == 1);
        return max;
}

static int count_entries(int fd)
{
        char path[64], line[256];
        CLEANUP(cleanup_fclose) FILE *file = NULL;
        int n = 0;

        snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
        file = fopen(path, "re");
        ck_assert_ptr_nonnull(file);
        while (fgets(line, sizeof(line), file))
                n += strncmp(line, "tfd:", 4) == 0;
        return n;
}

START_TEST(the_kernels_limit_counts_without_what_the_daemon_needs_itself)
{
        Watches watches = WATCHES_INIT;
        uint64_t max = read_max();

        /* And however many it allows, no more than fit into the service's memory. */
        if (max > WATCHES_MAX)
                max = WATCHES_MAX;
        watches_open(&watches, 1000);
        ck_assert_uint_eq(watches.share.max, max - (max / 8 < 1000 ? max / 8 : 1000));
        watches_close(&watches);
        watches_open(&watches, UINT64_MAX);
        ck_assert_uint_eq(watches.share.max, max - max / 8);
        watches_close(&watches);
}
END_TEST

/* As under ProcSubset=pid. What an administrator has set is not known then. */
START_TEST(where_it_cannot_be_read_less_is_taken_than_the_kernel_takes_by_itself)
{
        uint64_t max = read_max(), taken = 0;
        int ends[2], status;
        pid_t child;

        if (runs_under_valgrind())
                SKIP_TEST("valgrind judges a child by what its parent has");
        ck_assert_int_eq(pipe(ends), 0);
        child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
                if (unshare(CLONE_NEWNS) < 0 ||
                    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
                    mount("tmpfs", "/proc/sys", "tmpfs", 0, NULL) < 0)
                        _exit(77);
                taken = watches_kernel_max();
                _exit(write(ends[1], &taken, sizeof(taken)) == sizeof(taken) ? 0 : 1);
        }
        close(ends[1]);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
                SKIP_TEST("this process may not mount anything over /proc/sys");
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(read(ends[0], &taken, sizeof(taken)), sizeof(taken));
        close(ends[0]);
        ck_assert_uint_gt(taken, 1000);
        ck_assert_uint_le(taken, max);
        ck_assert_uint_ge(taken, max / 2);
}
END_TEST

START_TEST(where_the_kernel_refuses_that_is_the_limit_until_it_is_looked_at_again)
{
        Watches watches = WATCHES_INIT;
        uint64_t mine = 0, max;

        watches_open(&watches, 0);
        max = watches.share.max;
        ck_assert_int_eq(count_entries(watches.spare_fd), WATCHES_SPARE);
        share_take(&watches.share, &mine, 800);
        watches_ran_out(&watches);
        ck_assert_uint_eq(watches.share.max, 700);
        ck_assert_int_eq(watches.spare_fd, -1);
        ck_assert(!share_has_room(&watches.share, 0, 1));
        share_give_back(&watches.share, &mine, 800);
        ck_assert(share_has_room(&watches.share, 0, 700));

        watches_look_again(&watches);
        ck_assert_uint_eq(watches.share.max, max);
        ck_assert_int_eq(count_entries(watches.spare_fd), WATCHES_SPARE);
        watches_close(&watches);
}
END_TEST

TEST_SUITE(test_watches)
{
        TCase *tcase = tcase_create("watches");

        tcase_set_timeout(tcase, TEST_TIMEOUT_SECONDS);
        tcase_add_test(tcase, the_kernels_limit_counts_without_what_the_daemon_needs_itself);
        tcase_add_test(tcase,
                       where_it_cannot_be_read_less_is_taken_than_the_kernel_takes_by_itself);
        tcase_add_test(tcase,
                       where_the_kernel_refuses_that_is_the_limit_until_it_is_looked_at_again);
        suite_add_tcase(suite, tcase);
}
