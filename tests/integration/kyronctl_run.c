/* Runs of kyronctl. See kyronctl_run.h. */
#include "tests/integration/kyronctl_run.h"

#include "core/cleanup.h"
#include "tests/support/deadline.h"
#include "tests/support/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { WORDS_MAX = 16, NOBODY = 65534 };

const char *kyronctl_program(void)
{
        static char path[4096];
        const char *program = getenv("KYRONCTL");
        const char *directory = getenv("KYRON_BUILD_DIR");

        if (program)
                return program;
        snprintf(path, sizeof(path), "%s/kyronctl", directory ? directory : ".");
        return path;
}

static void become_nobody(void)
{
        if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
            setresuid(NOBODY, NOBODY, NOBODY) < 0)
                _exit(126);
}

static void run_program(const KyronctlSetup *setup, const char *const *words, int out, int err)
{
        const char *arguments[WORDS_MAX] = {kyronctl_program()};
        size_t count = 1;

        if (setup->socket_path) {
                arguments[count++] = "--socket";
                arguments[count++] = setup->socket_path;
        }
        while (*words && count < WORDS_MAX - 1)
                arguments[count++] = *words++;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, setup->ignores_interrupts ? SIG_IGN : SIG_DFL);
        unsetenv("COLUMNS");
        setenv("TZ", "UTC", 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        if (setup->without_output)
                close(STDOUT_FILENO);
        if (setup->as_another_user)
                become_nobody();
        execv(arguments[0], (char *const *)arguments);
        _exit(126);
}

/* A terminal: its master, and *out the side for the program. */
static int open_terminal(int columns, int *out)
{
        const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        char path[64];

        ck_assert_int_ge(master, 0);
        ck_assert(grantpt(master) == 0 && unlockpt(master) == 0);
        ck_assert_int_eq(ptsname_r(master, path, sizeof(path)), 0);
        *out = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        ck_assert_int_ge(*out, 0);
        ck_assert_int_eq(ioctl(*out, TIOCSWINSZ, &size), 0);
        return master;
}

static int open_output(const KyronctlSetup *setup, FILE *file, int *master)
{
        int out;

        if (setup->terminal_columns > 0)
                *master = open_terminal(setup->terminal_columns, &out);
        else if (setup->output_path)
                out = open(setup->output_path, O_WRONLY | O_CLOEXEC);
        else
                out = dup(fileno(file));
        ck_assert_int_ge(out, 0);
        return out;
}

/* What comes out of a terminal, until nobody holds its other side. */
static void copy_terminal(int master, FILE *file)
{
        char block[4096];
        ssize_t n;

        while (wait_readable(master, DEADLINE_MS) && (n = read(master, block, sizeof(block))) > 0) {
                for (ssize_t i = 0; i < n; i++) {
                        if (block[i] != '\r')
                                fputc(block[i], file);
                }
        }
        fflush(file);
}

static char *read_all(FILE *file)
{
        struct stat status;
        char *text;

        ck_assert_int_eq(fstat(fileno(file), &status), 0);
        text = calloc(1, (size_t)status.st_size + 1);
        ck_assert_ptr_nonnull(text);
        ck_assert_int_eq(pread(fileno(file), text, (size_t)status.st_size, 0), status.st_size);
        return text;
}

KyronctlRun kyronctl_run(const KyronctlSetup *setup, const char *const *words)
{
        CLEANUP(cleanup_fclose) FILE *out = tmpfile();
        CLEANUP(cleanup_fclose) FILE *err = tmpfile();
        CLEANUP(cleanup_close) int master = -1;
        KyronctlRun run = {.exit_status = -1};
        int output, status;
        pid_t pid;

        ck_assert(out && err);
        output = open_output(setup, out, &master);
        fflush(NULL);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                run_program(setup, words, output, fileno(err));
        close(output);
        if (master >= 0)
                copy_terminal(master, out);
        ck_assert_msg(wait_exit(pid, DEADLINE_MS, &status), "%s does not end", kyronctl_program());
        ck_assert_msg(WIFEXITED(status) || WTERMSIG(status) == SIGINT, "%s ended with status %#x",
                      kyronctl_program(), status);
        run.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : -SIGINT;
        run.out = read_all(out);
        run.err = read_all(err);
        return run;
}

void kyronctl_run_release(KyronctlRun *run)
{
        free(run->out);
        free(run->err);
}

json_t *kyronctl_run_json(const KyronctlRun *run)
{
        json_error_t error;
        json_t *value = json_loads(run->out, JSON_REJECT_DUPLICATES, &error);

        ck_assert_msg(value != NULL, "line %d: %s\n%s", error.line, error.text, run->out);
        return value;
}

void kyronctl_run_succeeded(const KyronctlRun *run)
{
        ck_assert_msg(run->exit_status == 0 && !*run->err, "exit status %d: %s", run->exit_status,
                      run->err);
}

void kyronctl_run_failed(const KyronctlRun *run, int exit_status, const char *text)
{
        ck_assert_msg(run->exit_status == exit_status, "exit status %d: %s", run->exit_status,
                      run->err);
        ck_assert_str_eq(run->out, "");
        ck_assert_msg(strncmp(run->err, "kyronctl: ", 10) == 0 && strstr(run->err, text) &&
                              strchr(run->err, '\n') == run->err + strlen(run->err) - 1,
                      "%s", run->err);
}

json_t *kyronctl_json_find(json_t *array, const char *key, uint64_t number)
{
        json_t *object;
        size_t i;

        json_array_foreach(array, i, object)
        {
                if ((uint64_t)json_integer_value(json_object_get(object, key)) == number)
                        return object;
        }
        return NULL;
}

void kyronctl_json_check_text(const json_t *object, const char *key, const char *expected)
{
        const char *text = json_string_value(json_object_get(object, key));

        ck_assert_msg(text && strcmp(text, expected) == 0, "%s is %s, not %s", key,
                      text ? text : "no text", expected);
}

void kyronctl_json_check_number(const json_t *object, const char *key, uint64_t expected)
{
        const json_t *number = json_object_get(object, key);

        ck_assert_msg(json_is_integer(number), "%s is no number", key);
        ck_assert_uint_eq((uint64_t)json_integer_value(number), expected);
}

void kyronctl_json_check_words(const json_t *object, const char *key, const char *expected)
{
        const json_t *array = json_object_get(object, key), *word;
        char text[256] = "";
        size_t i;

        ck_assert(json_is_array(array));
        json_array_foreach(array, i, word)
        {
                strcat(strcat(text, i ? " " : ""), json_string_value(word));
        }
        ck_assert_str_eq(text, expected);
}

size_t kyronctl_text_width(const char *text)
{
        size_t width = 0, line = 0;

        for (; *text; text++) {
                /* But for the later bytes of characters that have several. */
                line += ((unsigned char)*text & 0xc0) != 0x80;
                line = *text == '\n' ? 0 : line;
                width = line > width ? line : width;
        }
        return width;
}

size_t kyronctl_count_lines(const char *text)
{
        size_t lines = 0;

        for (; *text; text++)
                lines += *text == '\n';
        return lines;
}

void cleanup_json(json_t **value)
{
        json_decref(*value);
}
