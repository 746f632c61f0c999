/*
 * kyronctl waits about sessions, against a process in the daemon's place that tells of them twice.
 */
#include "core/cleanup.h"
#include "tests/integration/kyronctl_run.h"
#include "tests/integration/lying_daemon.h"
#include "tests/integration/wait_scene.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <string.h>

enum { SESSION = 7, OTHER_SESSION = 8, LISTENER = 3, MOST = 100, FIRST = 0, SECOND = 1 };

/* What is told, the first and the second time. */
typedef struct Told {
        bool waiting;
        uint64_t frames;
        uint64_t refusals;
        uint32_t registrations;
        uint32_t credits;
        uint32_t other_credits; /* of another worker, in another process */
        uint64_t passed;
        uint32_t queued;
} Told;

/* protobuf-c takes no constants. */
static char program[] = "worker", name[] = "web", address[] = "tcp:192.0.2.1:80", release[] = "0";

static Told told[2];
static pid_t pid;

static bool answer_sessions(int fd, const Iod__Frame *request, const Told *now)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Sessions page = IOD__SESSIONS__INIT;
        Iod__SessionEntry entry = IOD__SESSION_ENTRY__INIT, *pointer = &entry;

        entry.session = SESSION;
        entry.pid = pid;
        entry.program = program;
        entry.waiting = now->waiting;
        entry.frames = now->frames;
        entry.refusals = now->refusals;
        entry.registrations = now->registrations;
        page.entry = &pointer;
        page.n_entry = 1;
        frame.body_case = IOD__FRAME__BODY_SESSIONS;
        frame.sessions = &page;
        return lying_daemon_answer(fd, request, &frame);
}

static bool answer_groups(int fd, const Iod__Frame *request, const Told *now)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Groups page = IOD__GROUPS__INIT;
        Iod__GroupEntry entries[2], *pointers[2];

        for (size_t i = 0; i < 2; i++) {
                entries[i] = (Iod__GroupEntry)IOD__GROUP_ENTRY__INIT;
                entries[i].listener = LISTENER;
                entries[i].name = name;
                entries[i].program = program;
                entries[i].session = i == 0 ? SESSION : OTHER_SESSION;
                entries[i].pid = i == 0 ? pid : 1;
                entries[i].credits = i == 0 ? now->credits : now->other_credits;
                entries[i].passed = now->passed;
                entries[i].in_hand = 16;
                pointers[i] = &entries[i];
        }
        page.entry = pointers;
        page.n_entry = 2;
        frame.body_case = IOD__FRAME__BODY_GROUPS;
        frame.groups = &page;
        return lying_daemon_answer(fd, request, &frame);
}

static bool answer_listeners(int fd, const Iod__Frame *request, const Told *now)
{
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Listeners page = IOD__LISTENERS__INIT;
        Iod__ListenerEntry entry = IOD__LISTENER_ENTRY__INIT, *pointer = &entry;

        entry.listener = LISTENER;
        entry.name = name;
        entry.address = address;
        entry.shared = true;
        entry.queued = now->queued;
        page.entry = &pointer;
        page.n_entry = 1;
        frame.body_case = IOD__FRAME__BODY_LISTENERS;
        frame.listeners = &page;
        return lying_daemon_answer(fd, request, &frame);
}

/* In the daemon's process; Status is what is asked for last each time. */
static bool reply(int fd, const Iod__Frame *request)
{
        static size_t times;
        const Told *now = &told[times < SECOND ? FIRST : SECOND];
        Iod__Frame frame = IOD__FRAME__INIT;
        Iod__Status status = IOD__STATUS__INIT;

        switch (request->body_case) {
        case IOD__FRAME__BODY_LIST_SESSIONS:
                return answer_sessions(fd, request, now);
        case IOD__FRAME__BODY_LIST_GROUPS:
                return answer_groups(fd, request, now);
        case IOD__FRAME__BODY_LIST_LISTENERS:
                return answer_listeners(fd, request, now);
        case IOD__FRAME__BODY_GET_STATUS:
                times++;
                status.registrations_per_session_max = MOST;
                status.release = release;
                frame.body_case = IOD__FRAME__BODY_STATUS;
                frame.status = &status;
                return lying_daemon_answer(fd, request, &frame);
        default:
                return lying_daemon_refuse(fd, request, EINVAL, "not asked for here");
        }
}

static void be_there(int tell_fd)
{
        wait_scene_tell(tell_fd, 0);
}

/* The kind that is told of the process; "": none is. sentence: part of what is said. */
static void expect(const char *kind, const char *sentence)
{
        CLEANUP(cleanup_json) json_t *answer = NULL;
        CLEANUP(kyronctl_run_release) KyronctlRun run = {.exit_status = -1};
        const Lie lie = {.reply = reply};
        LyingDaemon daemon_process;
        const json_t *diagnoses, *diagnosis;
        KyronctlSetup setup;
        char word[16];

        lying_daemon_start(&daemon_process, &lie);
        setup = (KyronctlSetup){.socket_path = daemon_process.socket_path};
        run = RUN(&setup, "waits", wait_scene_text(pid, word), "--json");
        lying_daemon_stop(&daemon_process);
        answer = kyronctl_run_json(&run);
        ck_assert(json_is_true(json_object_get(answer, "served")));
        diagnoses =
                json_object_get(json_array_get(json_object_get(answer, "waits"), 0), "diagnoses");
        ck_assert_uint_eq(json_array_size(diagnoses), *kind ? 1 : 0);
        if (!*kind)
                return;
        diagnosis = json_array_get(diagnoses, 0);
        kyronctl_json_check_text(diagnosis, "kind", kind);
        kyronctl_json_check_number(diagnosis, "session", SESSION);
        ck_assert_msg(strstr(json_string_value(json_object_get(diagnosis, "sentence")), sentence),
                      "%s", json_string_value(json_object_get(diagnosis, "sentence")));
}

static void set_up(void)
{
        pid = wait_scene_start(be_there, NULL);
        memset(told, 0, sizeof(told));
        told[FIRST].credits = told[SECOND].credits = 1;
}

START_TEST(who_has_read_nothing_is_told)
{
        told[FIRST].waiting = told[SECOND].waiting = true;
        expect("session-unread", "session 7 has read nothing");
        /* It has read some, and been sent more. */
        told[SECOND].frames = 1;
        expect("", "");
}
END_TEST

START_TEST(whose_credit_is_used_up_is_told)
{
        told[FIRST].credits = told[SECOND].credits = 0;
        told[FIRST].queued = told[SECOND].queued = 1;
        expect("no-credit", "at listener web for at least ");
        /* Another one has some. */
        told[SECOND].other_credits = 1;
        expect("", "");
        /* Nobody waits. */
        told[SECOND].other_credits = 0;
        told[SECOND].queued = 0;
        expect("", "");
        /* It was given some in between. */
        told[SECOND].queued = 1;
        told[SECOND].passed = 1;
        expect("", "");
}
END_TEST

START_TEST(who_is_refused_registrations_is_told)
{
        told[FIRST].registrations = told[SECOND].registrations = MOST;
        told[SECOND].refusals = 1;
        expect("no-budget", "100 registrations, as many as it may");
        told[FIRST].refusals = 1;
        expect("", "");
        told[SECOND].refusals = 2;
        told[SECOND].registrations = MOST - 1;
        expect("", "");
}
END_TEST

TEST_SUITE(test_wait_sessions)
{
        TCase *tc = tcase_create("wait_sessions");

        tcase_set_timeout(tc, TEST_TIMEOUT_SECONDS);
        tcase_add_checked_fixture(tc, set_up, wait_scene_end);
        tcase_add_test(tc, who_has_read_nothing_is_told);
        tcase_add_test(tc, whose_credit_is_used_up_is_told);
        tcase_add_test(tc, who_is_refused_registrations_is_told);
        suite_add_tcase(suite, tc);
}
