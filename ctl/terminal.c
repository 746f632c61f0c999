/* Terminals. See terminal.h. */
#include "ctl/terminal.h"

#include "ctl/argument.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_UNKNOWN = 80, ROWS_UNKNOWN = 24, COLUMNS_MAX = 10000 };

TerminalSize terminal_size(int borrow_fd)
{
        const char *text = getenv("COLUMNS");
        TerminalSize size = {.columns = COLUMNS_UNKNOWN, .rows = ROWS_UNKNOWN};
        struct winsize kernels = {.ws_row = 0};
        uint64_t columns;

        if (!isatty(borrow_fd))
                return (TerminalSize){.columns = 0};
        if (ioctl(borrow_fd, TIOCGWINSZ, &kernels) == 0 && kernels.ws_col > 0)
                size.columns = kernels.ws_col;
        else if (text && argument_number(text, COLUMNS_MAX, &columns) && columns > 0)
                size.columns = (size_t)columns;
        if (kernels.ws_row > 0)
                size.rows = kernels.ws_row;
        return size;
}
