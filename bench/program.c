/* What the programs of the bench have in common. See program.h. */
#include "bench/program.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

static const char *program_name = "bench";

void program_begin(const char *name)
{
        struct rlimit files;

        program_name = name;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGPIPE, SIG_IGN);
        program_check(getrlimit(RLIMIT_NOFILE, &files), "the limit of open files");
        files.rlim_cur = files.rlim_max;
        program_check(setrlimit(RLIMIT_NOFILE, &files), "the limit of open files");
}

void program_fail(const char *format, ...)
{
        va_list args;

        fprintf(stderr, "%s: ", program_name);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fputs("\n", stderr);
        exit(EXIT_FAILURE);
}

int program_check(int r, const char *what)
{
        if (r < 0)
                program_fail("%s: %s", what, strerror(errno));
        return r;
}

void program_say_address(const char *protocol, int borrow_fd)
{
        struct sockaddr_in address;
        socklen_t size = sizeof(address);

        program_check(getsockname(borrow_fd, (struct sockaddr *)&address, &size), "getsockname");
        printf("%s 127.0.0.1:%d\n", protocol, ntohs(address.sin_port));
        fflush(stdout);
}

void program_say_pid(pid_t pid)
{
        printf("pid %d\n", (int)pid);
        fflush(stdout);
}

uint64_t program_number(const char *text, uint64_t min, uint64_t max)
{
        char *end;
        uint64_t number;

        errno = 0;
        number = strtoull(text, &end, 10);
        if (errno != 0 || end == text || *end || *text == '-' || number < min || number > max)
                program_fail("\"%s\" is no number that can be used here", text);
        return number;
}

int64_t now_ns(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
