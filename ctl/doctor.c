/* kyronctl doctor: whether what is installed and runs here is sound. See doctor.h. */
#include "ctl/doctor.h"

#include "core/cleanup.h"
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const verdicts[] = {"ok", "warn", "fail"};

enum { SENTENCE_MAX = PATH_MAX + 512 };

static void say_as_object(Doctor *doctor, const char *verdict, const char *check,
                          const char *sentence, const char *way_out)
{
        json_t *object = json_object();

        output_add_text(&object, "check", check);
        output_add_text(&object, "verdict", verdict);
        output_add_text(&object, "sentence", sentence);
        output_add(&object, "way_out", way_out ? json_string(way_out) : json_null());
        if (json_array_append_new(doctor->array, object) < 0)
                doctor->failed++; /* which is one too few to be shown */
}

void doctor_say(Doctor *doctor, DoctorVerdict verdict, const char *check, const char *way_out,
                const char *format, ...)
{
        char sentence[SENTENCE_MAX];
        va_list args;

        va_start(args, format);
        vsnprintf(sentence, sizeof(sentence), format, args);
        va_end(args);
        output_make_printable(sentence);
        doctor->failed += verdict == DOCTOR_FAIL;
        if (doctor->array) {
                say_as_object(doctor, verdicts[verdict], check, sentence, way_out);
                return;
        }
        printf("%-5s %-13s  %s\n", verdicts[verdict], check, sentence);
        if (way_out)
                printf("%-19s   -> %s\n", "", way_out);
}

ExitCode verb_doctor(const CommandLine *command_line)
{
        static void (*const checks[])(Doctor * doctor) = {
                doctor_check_socket,        doctor_check_daemon, doctor_check_unit,
                doctor_check_configuration, doctor_check_rights, doctor_check_limits,
                doctor_check_kernel,
        };
        CLEANUP(cleanup_free) Doctor *doctor = calloc(1, sizeof(*doctor));
        ExitCode code = EXIT_CODE_OK;

        if (doctor && command_line->json)
                doctor->array = json_array();
        if (!doctor || (command_line->json && !doctor->array)) {
                error_set(ENOMEM, "no memory for the answer");
                return EXIT_CODE_FAILED;
        }
        doctor->command_line = command_line;
        for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
                checks[i](doctor);
        if (doctor->array)
                code = output_json(doctor->array);
        if (code != EXIT_CODE_OK || doctor->failed == 0)
                return code;
        /* The output has said what. */
        error_set(EIO, "%s", "");
        return EXIT_CODE_FAILED;
}
