/* The terminal, taken over. See screen.h. */
#include "ctl/screen.h"

#include "core/clock.h"
#include "core/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* The alternate screen, without a cursor and without lines that go on in the next; and back. */
static const char enter[] = "\033[?1049h\033[?25l\033[?7l\033[2J";
static const char leave[] = "\033[?7h\033[?25h\033[?1049l";

/* For the handler of crashes. */
static struct termios crash_termios;
static int crash_fd;

static const int taken_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

enum {
        TAKEN_SIGNALS = sizeof(taken_signals) / sizeof(taken_signals[0]),
        CRASH_SIGNALS = sizeof(crash_signals) / sizeof(crash_signals[0]),
        WRITE_MS = 1000, /* for a terminal that takes nothing: Ctrl-S, or a line that is dead */
        ESCAPE_MS = 50,  /* for the rest of a key that is several characters */
};

/* ---- The terminal ---------------------------------------------------------------------------- */

/* What the terminal does not take is lost: the next picture has it. */
static void write_all(const Screen *screen, const char *bytes, size_t size)
{
        struct pollfd terminal = {.fd = screen->out_fd, .events = POLLOUT};

        while (size > 0) {
                const ssize_t n = write(screen->out_fd, bytes, size);

                if (n > 0) {
                        bytes += n;
                        size -= (size_t)n;
                } else if (n < 0 && errno == EAGAIN) {
                        if (poll(&terminal, 1, WRITE_MS) <= 0)
                                return;
                } else if (n == 0 || errno != EINTR) {
                        return; /* it is gone, which reading will say */
                }
        }
}

/* The terminal as a file of our own, on which nobody else's writing is made not to wait. */
static int open_own(void)
{
        int fd = open("/proc/self/fd/1", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        /* After su(1) it is another user's. */
        return fd < 0 ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : fd;
}

static bool take_terminal(const Screen *screen)
{
        struct termios raw = screen->before;

        /* The keys that are signals stay so. */
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        raw.c_iflag |= ICRNL;
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
                return false;
        write_all(screen, enter, strlen(enter));
        return true;
}

static void give_terminal_back(const Screen *screen)
{
        write_all(screen, leave, strlen(leave));
        tcsetattr(STDIN_FILENO, TCSANOW, &screen->before);
}

static void on_crash(int signal)
{
        const ssize_t n = write(crash_fd, leave, strlen(leave));

        (void)n; /* there is nobody to tell */
        tcsetattr(STDIN_FILENO, TCSANOW, &crash_termios);
        /* Its action is the default again. */
        raise(signal);
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static bool is_ignored(int signal)
{
        struct sigaction action;

        return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static int take_signals(Screen *screen)
{
        sigset_t signals;

        sigemptyset(&signals);
        for (size_t i = 0; i < TAKEN_SIGNALS; i++) {
                /* Whoever started kyronctl may have meant it to outlive some. */
                if (!is_ignored(taken_signals[i]))
                        sigaddset(&signals, taken_signals[i]);
        }
        screen->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        if (screen->signal_fd < 0)
                return -errno;
        sigprocmask(SIG_BLOCK, &signals, &screen->blocked_before);
        return 0;
}

static void handle_crashes(void (*handler)(int), int flags)
{
        struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

        sigemptyset(&action.sa_mask);
        for (size_t i = 0; i < CRASH_SIGNALS; i++)
                sigaction(crash_signals[i], &action, NULL);
}

ExitCode screen_open(Screen *screen)
{
        int r;

        *screen = (Screen){
                .signal_fd = -1,
                .out_fd = -1,
                .size = terminal_size(STDOUT_FILENO),
        };
        if (screen->size.columns == 0 || tcgetattr(STDIN_FILENO, &screen->before) < 0) {
                error_set(EINVAL, "standard input and output are no terminal: --batch prints "
                                  "instead");
                return EXIT_CODE_USAGE;
        }
        screen->out_fd = open_own();
        r = screen->out_fd < 0 ? -errno : take_signals(screen);
        if (r == 0) {
                crash_termios = screen->before;
                crash_fd = screen->out_fd;
                handle_crashes(on_crash, SA_RESETHAND);
                if (take_terminal(screen))
                        return EXIT_CODE_OK;
                r = -errno;
        }
        error_set(-r, "the terminal cannot be taken: %s", strerror(-r));
        screen_close(screen);
        return EXIT_CODE_FAILED;
}

void screen_close(Screen *screen)
{
        if (screen->signal_fd >= 0) {
                give_terminal_back(screen);
                handle_crashes(SIG_DFL, 0);
                close(screen->signal_fd);
                screen->signal_fd = -1;
                /* One that comes only now ends kyronctl here, with the terminal as it was. */
                sigprocmask(SIG_SETMASK, &screen->blocked_before, NULL);
        }
        if (screen->out_fd >= 0)
                close(screen->out_fd);
        screen->out_fd = -1;
}

void screen_end_by_signal(const Screen *screen)
{
        if (screen->signal != 0)
                raise(screen->signal);
}

/* ---- Signals and keys ------------------------------------------------------------------------ */

/* Stops as every program does, and goes on when it is told to. */
static void stop(const Screen *screen)
{
        sigset_t stopping;

        sigemptyset(&stopping);
        sigaddset(&stopping, SIGTSTP);
        give_terminal_back(screen);
        raise(SIGTSTP);
        sigprocmask(SIG_UNBLOCK, &stopping, NULL);
        sigprocmask(SIG_BLOCK, &stopping, NULL);
        take_terminal(screen);
}

static ScreenEvent take_signal(Screen *screen)
{
        struct signalfd_siginfo taken;

        if (read(screen->signal_fd, &taken, sizeof(taken)) != sizeof(taken))
                return SCREEN_IS_CHANGED;
        switch (taken.ssi_signo) {
        case SIGTSTP:
                stop(screen);
                break;
        case SIGCONT:
                /* Somebody stopped it by SIGSTOP, and a shell had the terminal meanwhile. */
                take_terminal(screen);
                break;
        case SIGWINCH:
                break;
        default:
                screen->signal = (int)taken.ssi_signo;
                return SCREEN_IS_OVER;
        }
        screen->size = terminal_size(STDOUT_FILENO);
        return SCREEN_IS_CHANGED;
}

/* Takes so many bytes of what was typed. */
static void take_typed(Screen *screen, size_t n)
{
        screen->typed_count -= n;
        memmove(screen->typed, screen->typed + n, screen->typed_count);
}

/* "ESC [ NUMBERS LETTER" or "ESC O LETTER"; an escape alone is that key. */
static int take_escape(Screen *screen)
{
        size_t end = 2;
        char last, number;

        if (screen->typed_count < 3 || (screen->typed[1] != '[' && screen->typed[1] != 'O')) {
                take_typed(screen, 1);
                return SCREEN_KEY_ESCAPE;
        }
        while (end < screen->typed_count - 1 && screen->typed[end] < '@')
                end++;
        last = screen->typed[end];
        number = screen->typed[2];
        take_typed(screen, end + 1);
        if (last == 'A')
                return SCREEN_KEY_UP;
        if (last == 'B')
                return SCREEN_KEY_DOWN;
        if (last == '~' && (number == '5' || number == '6'))
                return number == '5' ? SCREEN_KEY_PAGE_UP : SCREEN_KEY_PAGE_DOWN;
        return SCREEN_KEY_OTHER;
}

static int take_key(Screen *screen)
{
        int key = (unsigned char)*screen->typed;

        if (key == SCREEN_KEY_ESCAPE)
                return take_escape(screen);
        take_typed(screen, 1);
        return key;
}

/* Adds to what was typed; false: nobody types any more. */
static bool read_typed(Screen *screen)
{
        const ssize_t n = read(STDIN_FILENO, screen->typed + screen->typed_count,
                               sizeof(screen->typed) - screen->typed_count);

        if (n > 0)
                screen->typed_count += (size_t)n;
        return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static int left_ms(uint64_t until_ms)
{
        const uint64_t now = clock_now_ms();

        if (now >= until_ms)
                return 0;
        return until_ms - now > INT32_MAX ? INT32_MAX : (int)(until_ms - now);
}

ScreenEvent screen_wait(Screen *screen, uint64_t until_ms, int *key)
{
        struct pollfd fds[] = {
                {.fd = screen->signal_fd, .events = POLLIN},
                {.fd = STDIN_FILENO, .events = POLLIN},
        };
        int ready;

        if (screen->typed_count == 0) {
                ready = poll(fds, 2, left_ms(until_ms));
                if (ready == 0)
                        return SCREEN_IS_TIME;
                if (ready < 0)
                        return errno == EINTR ? SCREEN_IS_CHANGED : SCREEN_IS_OVER;
                if (fds[0].revents)
                        return take_signal(screen);
                if (!read_typed(screen))
                        return SCREEN_IS_OVER;
                if (screen->typed_count == 1 && *screen->typed == SCREEN_KEY_ESCAPE &&
                    poll(&fds[1], 1, ESCAPE_MS) > 0)
                        read_typed(screen);
        }
        *key = screen->typed_count > 0 ? take_key(screen) : SCREEN_KEY_OTHER;
        return SCREEN_HAS_KEY;
}

/* ---- Drawing --------------------------------------------------------------------------------- */

void screen_draw(const Screen *screen, const char *lines)
{
        char *text = NULL;
        size_t size = 0, row = 0;
        FILE *out = open_memstream(&text, &size);

        if (!out)
                return; /* the next one may have the memory */
        fputs("\033[H", out);
        for (; *lines && row < screen->size.rows; row++) {
                const size_t length = strcspn(lines, "\n");

                fprintf(out, "%s\033[2K%.*s", row > 0 ? "\r\n" : "", (int)length, lines);
                lines += length + (lines[length] == '\n');
        }
        if (row < screen->size.rows)
                fputs("\r\n\033[J", out);
        if (fclose(out) == 0)
                write_all(screen, text, size);
        free(text);
}
