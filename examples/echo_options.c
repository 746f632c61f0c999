/* The command line of echo_server. See echo_options.h. */
#include "echo_options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
        "Usage: echo_server ADDRESS... [OPTION]...\n"
        "Send back what is received, until SIGTERM or SIGINT. Port 0: the kernel\n"
        "chooses; each address is printed once it is served.\n"
        "\n"
        "      --tcp ADDRESS:PORT, --udp ADDRESS:PORT, --unix PATH\n"
        "                        where, one of each at most\n"
        "      --via-daemon      have the daemon open the TCP and UDP sockets; servers\n"
        "                        that do share the TCP listener \"echo\"\n"
        "      --keep-on-death   with that: when this server is killed, another goes on\n"
        "                        with its TCP connections where it was\n"
        "      --socket PATH     the daemon's socket ($KYRON_SOCKET, or the system's)\n"
        "      --help\n";

static const struct option names[] = {
        {"tcp", required_argument, NULL, 't'},  {"udp", required_argument, NULL, 'u'},
        {"unix", required_argument, NULL, 'x'}, {"socket", required_argument, NULL, 's'},
        {"via-daemon", no_argument, NULL, 'd'}, {"keep-on-death", no_argument, NULL, 'k'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
};

static bool parse_address(const char *text, Address *out)
{
        if (address_parse(text, out))
                return true;
        fprintf(stderr, "echo_server: not an address with a port: %s\n", text);
        return false;
}

static bool take_option(EchoOptions *options, int option, const char *argument)
{
        switch (option) {
        case 't':
                return parse_address(argument, &options->tcp);
        case 'u':
                return parse_address(argument, &options->udp);
        case 'x':
                options->unix_path = argument;
                return true;
        case 's':
                options->library.socket_path = argument;
                return true;
        case 'd':
                options->via_daemon = true;
                return true;
        case 'k':
                options->keep_on_death = true;
                return true;
        case 'h':
                fputs(usage, stdout);
                exit(EXIT_SUCCESS);
        default:
                return false;
        }
}

static bool are_good(const EchoOptions *options)
{
        if (options->tcp.size == 0 && options->udp.size == 0 && !options->unix_path) {
                fputs("echo_server: takes an address or more\n", stderr);
                return false;
        }
        if (options->keep_on_death && !(options->via_daemon && options->tcp.size > 0)) {
                fputs("echo_server: --keep-on-death is for --tcp with --via-daemon\n", stderr);
                return false;
        }
        return true;
}

bool echo_options_parse(EchoOptions *options, int argc, char **argv)
{
        int option;

        while ((option = getopt_long(argc, argv, "", names, NULL)) >= 0) {
                if (!take_option(options, option, optarg))
                        return false;
        }
        if (optind < argc) {
                fprintf(stderr, "echo_server: takes options only, not \"%s\"\n", argv[optind]);
                return false;
        }
        return are_good(options);
}
