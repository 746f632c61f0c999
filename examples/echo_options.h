/*
 * What echo_server is asked to do.
 */
#pragma once

#include "address.h"

#include <kyron.h>

typedef struct EchoOptions {
        KyronOptions library;
        Address tcp, udp; /* size 0: not wanted */
        const char *unix_path;
        bool via_daemon;
        bool keep_on_death;
} EchoOptions;

/* Reads the command line; where it is none, says so and returns false. --help ends the program. */
bool echo_options_parse(EchoOptions *options, int argc, char **argv);
