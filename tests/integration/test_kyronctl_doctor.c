/*
 * kyronctl doctor: what is well is told as well, each planted fault as that fault, with the way
 * out, and the exit status says whether there is any.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/support/daemon.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char *directory;
static char path[108];

static void make_directory(void)
{
        directory = make_temp_dir();
        snprintf(path, sizeof(path), "%s/socket", directory);
}

static void remove_directory(void)
{
        unlink(path);
        remove_temp_dir(directory);
}

static bool has_text(const json_t *object, const char *key, const char *text)
{
        const char *own = json_string_value(json_object_get(object, key));

        return own && strstr(own, text);
}

/* Whether a check has come to this verdict, with this in its sentence. */
static bool has_found(const json_t *findings, const char *check, const char *verdict,
                      const char *text)
{
        const json_t *finding;
        size_t i;

        json_array_foreach(findings, i, finding)
        {
                if (has_text(finding, "check", check) && has_text(finding, "verdict", verdict) &&
                    has_text(finding, "sentence", text))
                        return true;
        }
        return false;
}

/* Runs it, which has to fail and to have found that. */
static void check_fault(const char *check, const char *verdict, const char *text)
{
        const KyronctlSetup setup = {.socket_path = path};
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "doctor", "--json");
        CLEANUP(cleanup_json) json_t *findings = kyronctl_run_json(&run);

        ck_assert_str_eq(run.err, "");
        ck_assert_int_eq(run.exit_status, 1);
        ck_assert_msg(has_found(findings, check, verdict, text), "%s", run.out);
}

START_TEST(what_is_well_is_told_as_well)
{
        CLEANUP(cleanup_json) json_t *findings = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun json = {.exit_status = -1};
        CLEANUP(kyronctl_run_release) KyronctlRun text = {.exit_status = -1};
        TestDaemon daemon;
        KyronctlSetup setup;

        test_daemon_start(&daemon, NULL);
        setup = (KyronctlSetup){.socket_path = daemon.socket_path};
        json = RUN(&setup, "doctor", "--json");
        text = RUN(&setup, "doctor");
        findings = kyronctl_run_json(&json);
        ck_assert(has_found(findings, "socket", "ok", daemon.socket_path));
        ck_assert(has_found(findings, "daemon", "ok", " answers; "));
        ck_assert(has_found(findings, "release", "ok", PACKAGE_VERSION));
        ck_assert_msg(!has_found(findings, "socket", "fail", "") &&
                              !has_found(findings, "kernel", "fail", ""),
                      "%s", json.out);
        ck_assert_msg(strncmp(text.out, "ok    socket ", 13) == 0, "%s", text.out);
        ck_assert_int_eq(text.exit_status, json.exit_status);
        ck_assert_str_eq(text.err, "");
        test_daemon_stop(&daemon);
}
END_TEST

START_TEST(a_missing_socket_is_told_with_the_way_out)
{
        const KyronctlSetup setup = {.socket_path = path};
        CLEANUP(kyronctl_run_release) KyronctlRun run = RUN(&setup, "doctor");

        ck_assert_int_eq(run.exit_status, 1);
        ck_assert_str_eq(run.err, "");
        ck_assert_ptr_nonnull(strstr(run.out, "fail  socket         there is no "));
        ck_assert_ptr_nonnull(strstr(run.out, "-> systemctl start kyron-iod.socket"));
        ck_assert_ptr_nonnull(strstr(run.out, "\nfail  daemon "));
        check_fault("socket", "fail", "there is no ");
}
END_TEST

START_TEST(a_file_in_its_place_is_told)
{
        int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);

        ck_assert_int_ge(fd, 0);
        close(fd);
        check_fault("socket", "fail", " is no socket");
}
END_TEST

START_TEST(a_socket_that_nobody_serves_is_told)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        close(fd);
        check_fault("daemon", "fail", "no daemon");
        ck_assert_int_eq(chmod(path, 0600), 0);
        check_fault("socket", "warn", "not everybody may connect");
}
END_TEST

START_TEST(a_directory_that_others_may_write_is_told)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        ck_assert_int_ge(fd, 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        close(fd);
        ck_assert_int_eq(chmod(directory, 0777), 0);
        check_fault("socket", "warn", "may be written by others");
}
END_TEST

START_TEST(another_release_is_told)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Status status = IOD__STATUS__INIT;
        const Lie lie = {.answer = &frame};
        CLEANUP(cleanup_json) json_t *findings = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        LyingDaemon liar;
        KyronctlSetup setup;

        status.release = (char *)"9.9\033[2J";
        frame.body_case = IOD__FRAME__BODY_STATUS;
        frame.status = &status;
        lying_daemon_start(&liar, &lie);
        setup = (KyronctlSetup){.socket_path = liar.socket_path};
        run = RUN(&setup, "doctor", "--json");
        lying_daemon_stop(&liar);
        findings = kyronctl_run_json(&run);
        ck_assert_msg(has_found(findings, "release", "warn", "the daemon is 9.9?[2J, kyronctl "),
                      "%s", run.out);
}
END_TEST

TEST_SUITE(test_kyronctl_doctor)
{
        TCase *faults = tcase_create("faults");

        tcase_set_timeout(faults, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(faults, make_directory, remove_directory);
        tcase_add_test(faults, what_is_well_is_told_as_well);
        tcase_add_test(faults, a_missing_socket_is_told_with_the_way_out);
        tcase_add_test(faults, a_file_in_its_place_is_told);
        tcase_add_test(faults, a_socket_that_nobody_serves_is_told);
        tcase_add_test(faults, a_directory_that_others_may_write_is_told);
        tcase_add_test(faults, another_release_is_told);
        suite_add_tcase(suite, faults);
}
