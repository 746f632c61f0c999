/*
 * Doctor: what kyronctl doctor looks at, one thing after the other: each says how it is, and the
 * way out if it is not well. The checks are in files doctor_*.c; they look with the rights of
 * whoever runs kyronctl, change nothing, and ask the daemon once.
 */
#pragma once

#include "ctl/output.h"

#include <limits.h>

typedef enum DoctorVerdict {
        DOCTOR_OK,
        DOCTOR_WARN, /* it works, but not as well as it could, or not for everybody */
        DOCTOR_FAIL, /* it does not */
} DoctorVerdict;

typedef struct Doctor {
        const CommandLine *command_line;
        json_t *array;         /* NULL: lines */
        unsigned failed;       /* checks */
        int32_t pid;           /* of the daemon; 0: none answered, or it has its number elsewhere */
        uint32_t sessions_max; /* that it told */
        char program[PATH_MAX]; /* which kyron-iod serves, else which is installed; "": none
                                 */
} Doctor;

/* The finding of one check, in a sentence; way_out: NULL: there is none, or it is in there. */
void doctor_say(Doctor *doctor, DoctorVerdict verdict, const char *check, const char *way_out,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

void doctor_check_socket(Doctor *doctor);
void doctor_check_daemon(Doctor *doctor); /* fills in pid, sessions_max and program */
void doctor_check_unit(Doctor *doctor);
void doctor_check_configuration(Doctor *doctor);
void doctor_check_rights(Doctor *doctor);
void doctor_check_limits(Doctor *doctor);
void doctor_check_kernel(Doctor *doctor);
