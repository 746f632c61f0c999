/*
 * daemon/socket_file, daemon/socket_place: a client's path stays beneath the directory that the
 * policy names, and nothing of anybody's is taken away, whatever becomes of the directories
 * meanwhile.
 */
#include "core/cleanup.h"
#include "core/error.h"
#include "daemon/listen/socket_file.h"
#include "daemon/listen/socket_place.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
        ASKER = 61001,
        OTHER = 61002,
        TRIES = 3000,
};

static char *base;
static SocketFile made;

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *at)
{
        (void)status;
        (void)type;
        (void)at;
        return remove(path);
}

static const char *path_of(const char *name)
{
        static char paths[4][160];
        static int next;
        char *path = paths[next++ % 4];

        snprintf(path, sizeof(paths[0]), "%s/%s", base, name);
        return path;
}

/* app: what the policy names. prv: another's, with a live socket. */
static void set_up(void)
{
        base = make_temp_dir();
        ck_assert_int_eq(chmod(base, 0755), 0);
        ck_assert_int_eq(mkdir(path_of("app"), 0755), 0);
        ck_assert_int_eq(mkdir(path_of("prv"), 0755), 0);
}

static void tear_down(void)
{
        nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        free(base);
}

/* A client's, if the policy names a directory. */
static ListenerConfig listener(const char *name, const char *fixed)
{
        ListenerConfig config = {.mode = 0600, .user = ASKER};
        char text[200];

        snprintf(text, sizeof(text), "unix:%s", path_of(name));
        ck_assert_msg(address_parse(text, &config.address) == 0, "%s: %s", text, error_text());
        config.fixed = fixed ? (uint32_t)strlen(path_of(fixed)) : 0;
        return config;
}

static int new_socket(void)
{
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        ck_assert_int_ge(fd, 0);
        return fd;
}

/* A socket file by somebody else; listening or dead. */
static int make_file(const char *name, bool live)
{
        const ListenerConfig config = listener(name, NULL);
        int fd = new_socket();

        ck_assert_int_eq(bind(fd, &config.address.socket_address.any, config.address.size), 0);
        if (live) {
                ck_assert_int_eq(listen(fd, 64), 0);
                return fd;
        }
        close(fd);
        return -1;
}

static ino_t inode_of(const char *name)
{
        struct stat status;

        return lstat(path_of(name), &status) == 0 ? status.st_ino : 0;
}

static size_t entries_in(const char *name)
{
        struct dirent **entries;
        int n = scandir(path_of(name), &entries, NULL, NULL);

        ck_assert_int_ge(n, 2);
        for (int i = 0; i < n; i++)
                free(entries[i]);
        free(entries);
        return (size_t)n - 2;
}

/* Binds, listens, and closes what came of it: 0 or -errno. */
static int try_bind(const ListenerConfig *config)
{
        CLEANUP(cleanup_close) int fd = new_socket();

        return socket_file_bind(fd, config, &made);
}

static void check_refused(const ListenerConfig *config, int error, const char *begin)
{
        size_t before = count_descriptors();

        ck_assert_int_eq(try_bind(config), error);
        ck_assert_msg(strncmp(error_text(), begin, strlen(begin)) == 0, "%s", error_text());
        ck_assert_uint_eq(count_descriptors(), before);
        ck_assert_uint_eq(made.inode, 0);
}

/* ---- Links --------------------------------------------------------------------------------- */

START_TEST(no_link_leads_out_of_the_policys_directory)
{
        ListenerConfig config = listener("app/l/evil", "app/");

        ck_assert_int_eq(symlink("../prv", path_of("app/l")), 0);
        check_refused(&config, -ELOOP, "no symbolic link is followed, as l is on the way");
        ck_assert_uint_eq(entries_in("prv"), 0);

        /* Nor one that stays in it. */
        ck_assert_int_eq(mkdir(path_of("app/d"), 0700), 0);
        ck_assert_int_eq(symlink("d", path_of("app/m")), 0);
        config = listener("app/m/x", "app/");
        check_refused(&config, -ELOOP, "no symbolic link is followed, as m is on the way");

        /* Deeper, and magic. */
        ck_assert_int_eq(symlink("/proc/self/cwd", path_of("app/d/p")), 0);
        config = listener("app/d/p/x", "app/");
        check_refused(&config, -ELOOP, "no symbolic link is followed, as p is on the way");
}
END_TEST

START_TEST(a_link_at_the_end_is_left_alone)
{
        CLEANUP(cleanup_close) int live = make_file("prv/s", true);
        const char *const targets[] = {"../prv/s", "../prv/new", "nowhere"};

        for (size_t i = 0; i < 3; i++) {
                ListenerConfig config = listener("app/x", i < 2 ? "app/" : NULL);

                ck_assert_int_eq(symlink(targets[i], path_of("app/x")), 0);
                check_refused(&config, -EEXIST, "no socket, move it away: unix:");
                ck_assert_int_eq(unlink(path_of("app/x")), 0);
        }
        ck_assert_uint_eq(entries_in("prv"), 1);
}
END_TEST

START_TEST(the_administrators_links_are_followed)
{
        ListenerConfig config = listener("way/x", "way/");

        /* In the directory that the policy names, if they are root's or the daemon's user's. */
        ck_assert_int_eq(symlink("second", path_of("way")), 0);
        ck_assert_int_eq(symlink(path_of("app"), path_of("second")), 0);
        ck_assert_int_eq(try_bind(&config), 0);
        ck_assert_uint_eq(inode_of("app/x"), made.inode);
        ck_assert_int_eq(unlink(path_of("app/x")), 0);

        /* In an address of the configuration, whoever has made them. */
        config = listener("way/x", NULL);
        ck_assert_int_eq(try_bind(&config), 0);
        if (geteuid() != 0)
                SKIP_TEST("only root can make another's link");
        ck_assert_int_eq(lchown(path_of("second"), OTHER, OTHER), 0);
        ck_assert_int_eq(try_bind(&config), 0);
        config = listener("way/y", "way/");
        check_refused(&config, -ELOOP, "no symbolic link is followed, as second is on the way");
}
END_TEST

START_TEST(links_in_a_circle_end)
{
        ListenerConfig config = listener("a/x", NULL);

        ck_assert_int_eq(symlink("b", path_of("a")), 0);
        ck_assert_int_eq(symlink("a", path_of("b")), 0);
        check_refused(&config, -ELOOP, "Too many levels of symbolic links: unix:");
}
END_TEST

START_TEST(what_is_no_directory_is_said)
{
        ListenerConfig config = listener("app/f/x", "app/");

        close(open(path_of("app/f"), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
        check_refused(&config, -ENOTDIR, "Not a directory: unix:");
        config = listener("app/none/x", "app/");
        check_refused(&config, -ENOENT, "No such file or directory: unix:");
}
END_TEST

/* ---- Whose file ---------------------------------------------------------------------------- */

START_TEST(a_live_socket_is_left_alone_under_whatever_name)
{
        CLEANUP(cleanup_close) int live = make_file("prv/s", true);
        ListenerConfig config = listener("app/x", "app/");
        ino_t before = inode_of("prv/s");

        ck_assert_int_eq(link(path_of("prv/s"), path_of("app/x")), 0);
        check_refused(&config, -EADDRINUSE, "address in use: unix:");
        config = listener("app/x", NULL);
        check_refused(&config, -EADDRINUSE, "address in use: unix:");
        ck_assert_uint_eq(inode_of("prv/s"), before);
        ck_assert_uint_eq(inode_of("app/x"), before);
}
END_TEST

START_TEST(a_dead_one_goes_if_the_daemon_or_the_user_made_it)
{
        ListenerConfig config = listener("app/x", "app/");
        ino_t before;

        make_file("app/x", false);
        ck_assert_int_eq(try_bind(&config), 0);
        if (geteuid() != 0)
                SKIP_TEST("only root can make another's file");
        ck_assert_int_eq(chown(path_of("app/x"), ASKER, ASKER), 0);
        ck_assert_int_eq(try_bind(&config), 0);
        ck_assert_uint_eq(inode_of("app/x"), made.inode);

        ck_assert_int_eq(chown(path_of("app/x"), OTHER, OTHER), 0);
        before = inode_of("app/x");
        check_refused(&config, -EADDRINUSE, "user 61002's socket, move it away: unix:");
        ck_assert_uint_eq(inode_of("app/x"), before);
        /* The administrator has said whose it is. */
        config = listener("app/x", NULL);
        ck_assert_int_eq(try_bind(&config), 0);
}
END_TEST

START_TEST(the_file_is_removed_while_it_is_the_one_that_was_made)
{
        ListenerConfig config = listener("app/x", "app/");
        CLEANUP(cleanup_close) int fd = new_socket();
        SocketFile file;

        ck_assert_int_eq(socket_file_bind(fd, &config, &file), 0);
        /* Another in its place. */
        ck_assert_int_eq(rename(path_of("app/x"), path_of("app/y")), 0);
        make_file("app/x", false);
        ck_assert_int_lt(socket_file_remove(&config, &file), 0);
        ck_assert_uint_ne(inode_of("app/x"), 0);
        /* Another directory, though with the same file in it. */
        ck_assert_int_eq(rename(path_of("app/y"), path_of("prv/x")), 0);
        ck_assert_int_eq(rename(path_of("app"), path_of("old")), 0);
        ck_assert_int_eq(rename(path_of("prv"), path_of("app")), 0);
        ck_assert_int_lt(socket_file_remove(&config, &file), 0);
        ck_assert_uint_eq(inode_of("app/x"), file.inode);
        /* The same again. */
        ck_assert_int_eq(rename(path_of("app/x"), path_of("old/x")), 0);
        ck_assert_int_eq(rename(path_of("app"), path_of("prv")), 0);
        ck_assert_int_eq(rename(path_of("old"), path_of("app")), 0);
        ck_assert_int_eq(socket_file_remove(&config, &file), 0);
        ck_assert_uint_eq(inode_of("app/x"), 0);
        ck_assert_int_eq(socket_file_remove(&config, &file), 0);
}
END_TEST

/* ---- Where others may change the way --------------------------------------------------------- */

static bool is_steady(const char *name)
{
        ListenerConfig config = listener(name, NULL);
        SocketPlace place;
        bool is;

        ck_assert_msg(socket_place_open(&place, &config) == 0, "%s", error_text());
        is = place.is_steady;
        socket_place_close(&place);
        return is;
}

START_TEST(a_way_that_others_can_change_is_known)
{
        ck_assert_int_eq(mkdir(path_of("app/d"), 0700), 0);
        ck_assert(is_steady("app/d/x"));
        ck_assert_int_eq(chmod(path_of("app/d"), 0777), 0);
        ck_assert(is_steady("app/d/x"));
        ck_assert_int_eq(chmod(path_of("app"), 0777), 0);
        ck_assert(!is_steady("app/d/x"));
        ck_assert_int_eq(chmod(path_of("app"), 0775), 0);
        ck_assert(!is_steady("app/d/x"));
        ck_assert_int_eq(chmod(path_of("app"), 01777), 0);
        ck_assert(is_steady("app/d/x"));
        ck_assert_int_eq(symlink("d", path_of("app/l")), 0);
        ck_assert(is_steady("app/l/x"));
        if (geteuid() != 0)
                SKIP_TEST("only root can make another's directory");
        ck_assert_int_eq(chown(path_of("app/d"), OTHER, OTHER), 0);
        ck_assert(!is_steady("app/d/x"));
        ck_assert_int_eq(chmod(path_of("app"), 0755), 0);
        ck_assert(is_steady("app/d/x"));
        ck_assert_int_eq(chown(path_of("app"), OTHER, OTHER), 0);
        ck_assert(!is_steady("app/d/x"));
}
END_TEST

START_TEST(there_the_socket_is_bound_through_the_open_directory)
{
        struct sockaddr_un bound = {.sun_family = AF_UNIX};
        socklen_t size = sizeof(bound);
        ListenerConfig config;
        CLEANUP(cleanup_close) int fd = new_socket();
        CLEANUP(cleanup_close) int peer = new_socket();
        struct stat status;
        char name[110];

        ck_assert_int_eq(chmod(path_of("app"), 0777), 0);
        ck_assert_int_eq(mkdir(path_of("app/d"), 0700), 0);
        config = listener("app/d/x", "app/");
        config.mode = 0640;
        umask(0077);
        ck_assert_int_eq(socket_file_bind(fd, &config, &made), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&bound, &size), 0);
        ck_assert_int_eq(strncmp(bound.sun_path, "/proc/self/fd/", 14), 0);
        ck_assert_int_eq(lstat(path_of("app/d/x"), &status), 0);
        ck_assert_uint_eq(status.st_mode, S_IFSOCK | 0640);
        ck_assert_uint_eq(status.st_ino, made.inode);
        ck_assert_int_eq(connect(peer, &config.address.socket_address.any, config.address.size), 0);
        /* What does not fit there is said. */
        memset(name, 'n', sizeof(name));
        memcpy(name, "app/d/", 6);
        name[107 - strlen(base) - 1] = '\0';
        config = listener(name, "app/");
        if (strlen(strrchr(name, '/')) > 90)
                check_refused(&config, -ENAMETOOLONG, "the file's name is too long");
}
END_TEST

/* ---- The race ------------------------------------------------------------------------------ */

/* Exchanges a directory for a link to another's, as fast as it can, until it is killed. */
static pid_t start_exchanging(void)
{
        pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child > 0)
                return child;
        for (;;) {
                if (renameat2(AT_FDCWD, path_of("app/d"), AT_FDCWD, path_of("app/e"),
                              RENAME_EXCHANGE) < 0)
                        _exit(1);
        }
}

/* With what was found in prv before: nothing is made and nothing removed there. */
static void race(const char *fixed)
{
        ListenerConfig config = listener("app/d/s", fixed);
        ino_t before = inode_of("prv/s");
        pid_t child = start_exchanging();
        int bound = 0, refused = 0, status;

        for (int i = 0; i < TRIES; i++) {
                CLEANUP(cleanup_close) int fd = new_socket();

                if (socket_file_bind(fd, &config, &made) == 0) {
                        bound++;
                        if (i % 2)
                                socket_file_remove(&config, &made);
                } else {
                        refused++;
                }
        }
        ck_assert_int_eq(waitpid(child, &status, WNOHANG), 0);
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_gt(bound + refused, 0);
        ck_assert_uint_eq(inode_of("prv/s"), before);
        ck_assert_uint_eq(entries_in("prv"), before ? 1 : 0);
}

START_TEST(no_race_leads_out_of_the_policys_directory)
{
        CLEANUP(cleanup_close) int live = -1;

        if (_i > 0)
                live = make_file("prv/s", _i == 1);
        ck_assert(live >= 0 || _i != 1);
        ck_assert_int_eq(chmod(path_of("app"), 0777), 0);
        ck_assert_int_eq(mkdir(path_of("app/d"), 0777), 0);
        ck_assert_int_eq(symlink("../prv", path_of("app/e")), 0);
        race("app/");
}
END_TEST

START_TEST(no_race_takes_a_live_socket_away)
{
        CLEANUP(cleanup_close) int live = make_file("prv/s", true);
        ListenerConfig config = listener("app/d/s", NULL);
        ino_t before = inode_of("prv/s");
        pid_t child;
        int status;

        /* In an address of the configuration, where the link is followed. */
        ck_assert_int_eq(mkdir(path_of("app/d"), 0777), 0);
        ck_assert_int_eq(symlink("../prv", path_of("app/e")), 0);
        child = start_exchanging();
        for (int i = 0; i < TRIES; i++) {
                CLEANUP(cleanup_close) int fd = new_socket();

                if (socket_file_bind(fd, &config, &made) == 0 && i % 2)
                        socket_file_remove(&config, &made);
        }
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_uint_eq(inode_of("prv/s"), before);
        ck_assert_uint_eq(entries_in("prv"), 1);
}
END_TEST

TEST_SUITE(test_socket_file)
{
        TCase *files = tcase_create("files");

        tcase_add_checked_fixture(files, set_up, tear_down);
        tcase_add_test(files, no_link_leads_out_of_the_policys_directory);
        tcase_add_test(files, a_link_at_the_end_is_left_alone);
        tcase_add_test(files, the_administrators_links_are_followed);
        tcase_add_test(files, links_in_a_circle_end);
        tcase_add_test(files, what_is_no_directory_is_said);
        tcase_add_test(files, a_live_socket_is_left_alone_under_whatever_name);
        tcase_add_test(files, a_dead_one_goes_if_the_daemon_or_the_user_made_it);
        tcase_add_test(files, the_file_is_removed_while_it_is_the_one_that_was_made);
        tcase_add_test(files, a_way_that_others_can_change_is_known);
        tcase_add_test(files, there_the_socket_is_bound_through_the_open_directory);
        tcase_add_loop_test(files, no_race_leads_out_of_the_policys_directory, 0, 3);
        tcase_add_test(files, no_race_takes_a_live_socket_away);
        tcase_set_timeout(files, TEST_TIMEOUT_SECONDS);
        suite_add_tcase(suite, files);
}
