/* The attacks' program: which one, as whom, for how long. See attack.h. */
#include "tests/torture/attack.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const AttackKind *const kinds[] = {
        attack_floods,  attack_unread, attack_files,  attack_processes,
        attack_packets, attack_names,  attack_limits, attack_pulses,
};

enum { CANNOT = 77 };

static volatile sig_atomic_t told_to_stop;

static void on_signal(int signal)
{
        (void)signal;
        told_to_stop = 1;
}

bool attack_goes_on(const Attack *attack)
{
        return !told_to_stop && (attack->count == 0 || attack->done < attack->count);
}

void attack_count(Attack *attack, uint64_t done)
{
        attack->done += done;
        if (attack->has_begun || attack->done == 0)
                return;
        attack->has_begun = true;
        puts("ready");
        fflush(stdout);
}

void attack_give_up(const char *what)
{
        fprintf(stderr, "attack: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

void attack_be_child(void)
{
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGTERM, SIG_DFL);
}

static const AttackKind *find_kind(const char *name)
{
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                for (const AttackKind *kind = kinds[i]; kind->name; kind++) {
                        if (strcmp(kind->name, name) == 0)
                                return kind;
                }
        }
        return NULL;
}

static int usage(void)
{
        fputs("usage: attack KIND --socket PATH [--user UID] [--count N] [--seed N]\nKinds:",
              stderr);
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                for (const AttackKind *kind = kinds[i]; kind->name; kind++)
                        fprintf(stderr, " %s", kind->name);
        }
        fputs("\n", stderr);
        return 2;
}

/* Without a group, a capability or a way to get one back. */
static void become(uid_t user)
{
        if (user == (uid_t)-1)
                return;
        if (setgroups(0, NULL) < 0 || setresgid(user, user, user) < 0 ||
            setresuid(user, user, user) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                attack_give_up("another user");
}

static void run(const AttackKind *kind, Attack *attack, uid_t user)
{
        const struct sigaction action = {.sa_handler = on_signal};
        struct rlimit files;
        json_t *line;

        /* A second thing to be told by would only be lost. */
        sigaction(SIGTERM, &action, NULL);
        signal(SIGPIPE, SIG_IGN);
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
        if (kind->prepare && !kind->prepare(attack)) {
                fprintf(stderr, "attack: %s cannot be done here: %s\n", kind->name,
                        strerror(errno));
                exit(CANNOT);
        }
        become(user);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        kind->run(attack);
        line = json_pack("{s:I, s:s}", "done", (json_int_t)attack->done, "things", kind->things);
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
}

int main(int argc, char **argv)
{
        static const struct option names[] = {
                {"socket", required_argument, NULL, 's'},
                {"user", required_argument, NULL, 'u'},
                {"count", required_argument, NULL, 'c'},
                {"seed", required_argument, NULL, 'e'},
                {NULL, 0, NULL, 0},
        };
        Attack attack = {.random = 1, .file_fd = -1};
        const AttackKind *kind;
        uid_t user = (uid_t)-1;
        int option;

        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                switch (option) {
                case 's':
                        attack.socket_path = optarg;
                        break;
                case 'u':
                        user = (uid_t)strtoul(optarg, NULL, 10);
                        break;
                case 'c':
                        attack.count = strtoull(optarg, NULL, 10);
                        break;
                case 'e':
                        attack.random = strtoull(optarg, NULL, 10);
                        break;
                default:
                        return usage();
                }
        }
        kind = optind == argc - 1 ? find_kind(argv[optind]) : NULL;
        if (!kind || !attack.socket_path)
                return usage();
        run(kind, &attack, user);
        return EXIT_SUCCESS;
}
