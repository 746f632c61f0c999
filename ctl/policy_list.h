/*
 * kyronctl policy list: the policies in force.
 */
#pragma once

#include "ctl/verb.h"

ExitCode policy_list(const CommandLine *command_line);
